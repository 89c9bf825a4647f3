/** Files parsed in an earlier load give the same as files parsed now. */
import { describe, expect, it } from 'vitest'
import {
  Classifications,
  type LoadedRules,
  loadRules,
  ParsedFiles,
  Variables,
} from '../../src/rules/index.js'
import type { ParsedFileStore } from '../../src/rules/parsed-file.js'

class MemoryStore implements ParsedFileStore {
  readonly files = new Map<string, Uint8Array>()
  reads = 0
  discarded = 0

  read(key: string): Uint8Array | undefined {
    const found = this.files.get(key)
    if (found !== undefined) this.reads++
    return found
  }

  write(key: string, bytes: Uint8Array): void {
    this.files.set(key, bytes)
  }

  discard(key: string): void {
    this.discarded++
    this.files.delete(key)
  }
}

const RULES = [
  '# a comment',
  ...Array.from(
    { length: 120 },
    (_, i) =>
      `alert tcp $EXTERNAL_NET any -> $HOME_NET $HTTP_PORTS (msg:"rule ${i}"; flow:to_server; content:"abc|0${i % 8}|"; http_uri; pcre:"/x{${i}}/U"; reference:cve,2000-${i}; classtype:attempted-user; sid:${i + 1}; rev:2;)`,
  ),
  'alert tcp any any -> any any (msg:"no sid"; content:"x";)',
  'alert tcp any any -> any any (msg:"older"; content:"x"; sid:5; rev:1;)',
  'alert tcp any any -> any any (msg:"newer"; content:"x"; sid:6; rev:9;)',
  'alert tcp any any -> any any (msg:"odd"; contnt:"x"; sid:1000;)',
  'alert tcp any any -> any any (msg:"many", content:"x"; sid:1001;',
].join('\n')

interface Settings {
  readonly version?: string
  readonly text?: string
  readonly path?: string
  readonly dialect?: 'snort2' | 'snort3'
  readonly home?: string
  readonly priority?: number
}

function load(store: ParsedFileStore | undefined, settings: Settings = {}): LoadedRules {
  const variables = new Variables()
  if (settings.home !== undefined) variables.pin('HOME_NET', settings.home)
  const classifications = new Classifications()
  if (settings.priority !== undefined) {
    classifications.define({ name: 'attempted-user', text: 'changed', priority: settings.priority })
  }
  const { text = RULES, path = 'a.rules', dialect = 'snort2', version = '1' } = settings
  return loadRules({
    files: [{ path, text, dialect }],
    variables,
    classifications,
    ...(store === undefined ? {} : { parsed: new ParsedFiles(store, version) }),
  })
}

/** Everything that callers look at. */
function seen({ rules, problems, log, files, optionUse }: LoadedRules): unknown {
  return {
    rules,
    problems,
    reasons: log.byReason(),
    counts: [log.errors, log.warnings],
    files,
    use: optionUse.all(),
  }
}

describe('parsed files', () => {
  it('give the same rules, problems and counts', () => {
    const plain = seen(load(undefined))
    const store = new MemoryStore()
    expect(seen(load(store))).toEqual(plain)
    expect(store.reads).toBe(0)
    expect(seen(load(store))).toEqual(plain)
    expect([store.reads, store.files.size]).toEqual([1, 1])
  })

  it('keep what rules share shared', () => {
    const store = new MemoryStore()
    load(store)
    const { rules } = load(store)
    expect(rules[0]!.header).toBe(rules[1]!.header)
  })

  it.each<[string, Settings]>([
    ['the text', { text: `${RULES}\n` }],
    ['the path', { path: 'b.rules' }],
    ['the dialect', { dialect: 'snort3' }],
    ['a variable', { home: '10.0.0.0/8' }],
    ['a class', { priority: 4 }],
    ['the program', { version: '2' }],
  ])('are parsed again when %s changes', (_, settings) => {
    const store = new MemoryStore()
    load(store)
    expect(seen(load(store, settings))).toEqual(seen(load(undefined, settings)))
    expect(store.reads).toBe(0)
  })

  it('are parsed again when what was kept is no use', () => {
    const store = new MemoryStore()
    load(store)
    for (const key of store.files.keys()) store.files.set(key, Uint8Array.of(1, 2, 3))
    expect(seen(load(store))).toEqual(seen(load(undefined)))
    expect([store.discarded, store.files.size]).toEqual([1, 1])
  })

  it('are not kept when they are short, or hold more than rules', () => {
    const store = new MemoryStore()
    const few = RULES.split('\n').slice(0, 20).join('\n')
    load(store, { text: few })
    load(store, { text: `ipvar HOME_NET 10.0.0.0/8\n${RULES}` })
    load(store, { text: `${RULES}\nconfig classification: a,b,1` })
    expect(store.files.size).toBe(0)
  })
})
