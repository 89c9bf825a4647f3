/** Files parsed in an earlier load give the same as files parsed now. */
import { describe, expect, it } from 'vitest'
import {
  Classifications,
  type LoadedRules,
  loadRules,
  ParsedFiles,
  packRules,
  plainRule,
  unpackRules,
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
  const parsed = store === undefined ? undefined : new ParsedFiles(store, version)
  const loaded = loadRules({
    files: [{ path, text, dialect }],
    variables,
    classifications,
    ...(parsed === undefined ? {} : { parsed }),
  })
  parsed?.keep((rule) => ({ note: rule.sid }))
  return loaded
}

/** Everything that callers look at. */
function seen({ rules, problems, log, files, optionUse }: LoadedRules): unknown {
  return {
    rules: rules.map(plainRule),
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

  it('keep the notes on rules', () => {
    const store = new MemoryStore()
    load(store)
    const parsed = new ParsedFiles(store, '1')
    const { rules } = loadRules({ files: [{ path: 'a.rules', text: RULES, dialect: 'snort2' }], parsed })
    expect(rules.map((rule) => parsed.noteOf(rule))).toEqual(rules.map(({ sid }) => ({ note: sid })))
    expect(parsed.hasNew).toBe(false)
  })
})

describe('packed rules', () => {
  it('are the same after any number of times', () => {
    const { rules } = load(undefined)
    const once = unpackRules(packRules(rules, () => undefined)).rules
    const twice = unpackRules(packRules(once, () => undefined)).rules
    expect(once.map(plainRule)).toEqual(rules)
    expect(twice.map(plainRule)).toEqual(rules)
    for (const rule of twice) expect(rule.options).toEqual(plainRule(rule).options)
  })

  it('keep bytes and characters of every kind', () => {
    const text = [
      'alert tcp any any -> any any (msg:"ünïcödé ✓ \\"quoted\\""; content:"|00 ff 80|a"; sid:1;)',
      'alert tcp any any -> any any (http_param:"id",nocase; content:"x"; sid:2;)',
      'alert tcp any any -> any any (http_header:field X-Test; content:"x"; sid:3;)',
      'alert tcp any any -> any any (sha256:"ab", length 4; sid:4;)',
      'alert tcp any any -> any any (dce_iface:4b324fc8-1670-01d3-1278-5a47bf6ee188; sid:5;)',
      'alert ip [10.0.0.0/8,!10.1.0.0/16,2001:db8::/32] any -> any 1024: (pcre:"/x\\x00+$/Rims"; sid:6;)',
    ].join('\n')
    const { rules, problems } = loadRules({ files: [{ path: 'a.rules', text, dialect: 'snort3' }] })
    expect(problems.filter(({ severity }) => severity === 'error')).toHaveLength(1)
    expect(rules).toHaveLength(5)
    const back = unpackRules(packRules(rules, () => undefined)).rules.map(plainRule)
    expect(back).toEqual(rules)
  })

  it('may be none', () => {
    expect(unpackRules(packRules([], () => undefined)).rules).toEqual([])
  })
})
