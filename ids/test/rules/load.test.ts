/** Files, lines, positions, duplicates, includes, dialects; what a bad file may cost. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatProblem, loadRules, RuleTextError, ruleStatistics } from '../../src/rules/index.js'
import { load, one } from './support.js'

const RULE = 'alert tcp any any -> any any'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-rules-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function file(name: string, text: string | Uint8Array): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

function sids(text: string, dialect: 'snort2' | 'snort3' | 'auto' = 'snort2'): number[] {
  return load(text, dialect).rules.map((rule) => rule.sid)
}

describe('lines of Snort 2.9 text', () => {
  it('comments, blank lines, CRLF, a byte-order mark, no newline at the end', () => {
    const text = `\ufeff# a comment\r\n\r\n  ${RULE} (sid:1;)\r\n\t# another\r\n${RULE} (sid:2;)`
    const loaded = load(text)
    expect(loaded.problems).toEqual([])
    expect(loaded.rules.map((rule) => [rule.sid, rule.position.line, rule.position.column])).toEqual([
      [1, 3, 3],
      [2, 5, 1],
    ])
  })

  it('a backslash continues a line; comments between are left out', () => {
    const rule = one(`${RULE} ( \\\n  msg:"a"; \\\n  # content:"b"; \\\n sid:1; \\\n)`)
    expect(rule).toMatchObject({ msg: 'a', sid: 1, options: [] })
    expect(rule.text).not.toContain('\\')
    expect(rule.text).not.toContain('\n')
  })

  it('positions point into continued lines', () => {
    const loaded = load(`${RULE} (msg:"a"; \\\r\n   content:"b"; \\\r\n\tdsize:x; sid:1;)`)
    expect(loaded.problems.map((p) => [p.position.line, p.position.column])).toEqual([[3, 8]])
  })

  it('columns count characters, not bytes', () => {
    const loaded = load(`${RULE} (msg:"áéí"; dsize:x; sid:1;)`)
    expect(loaded.problems[0]!.position.column).toBe(RULE.length + ' (msg:"áéí"; dsize:'.length + 1)
  })

  it('a continuation that ends with the file or an empty line is read as far as it goes', () => {
    expect(load(`${RULE} (sid:1;) \\`).rules).toHaveLength(1)
    expect(load(`${RULE} (msg:"a"; \\\n\n${RULE} (sid:2;)`)).toMatchObject({
      rules: [{ sid: 2 }],
      problems: [{ position: { line: 1 } }],
    })
  })

  it('an escaped backslash before a semicolon does not hide it', () => {
    expect(one(`${RULE} (msg:"a\\\\"; sid:1;)`).msg).toBe('a\\')
  })

  it('the last option may lack its semicolon, and empty options say nothing', () => {
    expect(one(`${RULE} (msg:"a";; ; sid:1)`).sid).toBe(1)
  })

  it('one bad rule does not stop the others', () => {
    const loaded = load(`${RULE} (sid:1;)\nnonsense\n${RULE} (sid:;)\n${RULE} (sid:4;)\n)(\n`)
    expect(loaded.rules.map((rule) => rule.sid)).toEqual([1, 4])
    expect(loaded.problems.map(formatProblem)).toEqual([
      "test.rules:2:1: unknown rule action 'nonsense'",
      "test.rules:3:31: 'sid' needs an argument: <number>",
      "test.rules:5:1: unknown rule action ')'",
    ])
  })

  it('names the sid of a rule it cannot read, when there is one', () => {
    expect(load(`${RULE} (dsize:x; sid: 77;)`).problems[0]!.sid).toBe(77)
  })
})

describe('Snort 3 text', () => {
  it('rules run over several lines', () => {
    const text = `alert tcp any any -> any any\n(\n  msg:"a";\n  content:"b", # why\n    nocase;\n  sid:1;\n)\n${RULE} (sid:2;)`
    const loaded = load(text, 'snort3')
    expect(loaded.problems).toEqual([])
    expect(loaded.rules.map((rule) => [rule.sid, rule.position.line])).toEqual([
      [1, 1],
      [2, 8],
    ])
    expect(loaded.rules[0]!.options).toMatchObject([{ nocase: true }])
  })

  it('several rules may share a line', () => {
    expect(sids(`${RULE} (sid:1;) ${RULE} (sid:2;)`, 'snort3')).toEqual([1, 2])
  })

  it('has three kinds of comments', () => {
    const text = [
      '# alert tcp (sid:1;)',
      '/* alert tcp (sid:2;)',
      '   alert tcp (sid:3;) */ alert tcp (sid:4;) # alert tcp (sid:5;)',
      '#begin',
      'alert tcp (sid:6;)',
      '#end',
      'alert tcp (msg:"# no /* comment"; /* sid:7; */ sid:8; reference:url,a/#b;)',
    ].join('\n')
    const loaded = load(text, 'snort3')
    expect(loaded.problems).toEqual([])
    expect(loaded.rules.map((rule) => rule.sid)).toEqual([4, 8])
    expect(loaded.rules[1]!.msg).toBe('# no /* comment')
    expect(loaded.rules[1]!.references).toEqual([{ system: 'url', id: 'a/#b' }])
  })

  it('quotes hide semicolons, parentheses and escaped quotes', () => {
    const rule = one('alert tcp (msg:"a;b) (c"; content:"x;\\"y)"; pcre:"/a\\"(;)/"; sid:1;)', 'snort3')
    expect(rule).toMatchObject({ msg: 'a;b) (c', options: [{}, { pattern: 'a\\"(;)' }] })
  })

  it('a quote inside a word is a plain character', () => {
    expect(one('alert icmp (msg:LOGGER"; sid:4)', 'snort3')).toMatchObject({ sid: 4, msg: 'LOGGER"' })
  })

  it('a rule that is never closed does not swallow the next', () => {
    const loaded = load(
      `${RULE} (msg:"open; sid:1;\n${RULE} (sid:2;)\nalert http (msg:"x"; sid:3;\nalert tcp (sid:4;)`,
      'snort3',
    )
    expect(loaded.rules.map((rule) => rule.sid)).toEqual([2, 4])
    expect(loaded.problems.map((p) => [p.position.line, p.reason])).toEqual([
      [1, 'unclosed rule'],
      [3, 'unclosed rule'],
    ])
  })

  it('a rule without sid is numbered 0, with a warning', () => {
    const loaded = load('alert tcp (msg:"x")', 'snort3')
    expect(loaded.rules).toMatchObject([{ sid: 0 }])
    expect(loaded.problems).toMatchObject([{ severity: 'warning', reason: 'missing sid' }])
  })

  it('positions point into the line', () => {
    const loaded = load('alert tcp\n(\n  msg:"a";\n  dsize:x;\n sid:1; )', 'snort3')
    expect(loaded.problems.map((p) => [p.position.line, p.position.column])).toEqual([[4, 9]])
  })
})

describe('choice of dialect', () => {
  it.each([
    ['nocase of its own', `${RULE} (content:"a"; nocase; sid:1;)`, 'snort2'],
    ['uricontent', `${RULE} (uricontent:"a"; sid:1;)`, 'snort2'],
    ['a pcre buffer flag', `${RULE} (pcre:"/a/iU"; sid:1;)`, 'snort2'],
    ['http_uri after a content', `${RULE} (content:"a"; http_uri; sid:1;)`, 'snort2'],
    ['nothing', `${RULE} (content:"a"; sid:1;)`, 'snort2'],
    ['http_uri before any content', `${RULE} (http_uri; content:"a"; sid:1;)`, 'snort3'],
    ['modifiers after a comma', `${RULE} (content:"a", nocase; sid:1;)`, 'snort3'],
    ['service', `${RULE} (service:http; sid:1;)`, 'snort3'],
    ['a service for a protocol', 'alert http any any -> any any (sid:1;)', 'snort3'],
    ['no addresses', 'alert tcp (sid:1;)', 'snort3'],
    ['several lines', `${RULE} (\n sid:1;\n)`, 'snort3'],
    ['a comma in quotes', `${RULE} (content:"a\\",nocase"; sid:1;)`, 'snort2'],
  ])('%s', (_, text, dialect) => {
    const loaded = load(text, 'auto')
    expect(loaded.files[0]!.dialect).toBe(dialect)
    expect(loaded.rules).toHaveLength(1)
  })

  it('is by majority, and says why', () => {
    const text = `${RULE} (content:"a"; nocase; sid:1;)\n${RULE} (service:x; sid:2;)\n${RULE} (uricontent:"a"; sid:3;)`
    const loaded = load(text, 'auto')
    expect(loaded.files[0]).toMatchObject({
      dialect: 'snort2',
      dialectReason: "2 of the 3 rules looked at say so ('nocase' in line 1)",
      rules: 2,
      failed: 1,
    })
    expect(loaded.problems[0]!.message).toBe("'service' is a Snort 3 option; this is read as Snort 2.9 text")
  })

  it('is made for each file', () => {
    const loaded = loadRules({
      files: [
        { path: 'two', text: `${RULE} (content:"a"; nocase; sid:1;)` },
        { path: 'three', text: `${RULE} (content:"a",nocase; sid:2;)` },
        { path: 'told', text: `${RULE} (content:"a"; sid:3;)`, dialect: 'snort3' },
      ],
    })
    expect(loaded.rules.map((rule) => rule.dialect)).toEqual(['snort2', 'snort3', 'snort3'])
  })
})

describe('one gid:sid twice', () => {
  it('the higher rev is kept, whichever comes first', () => {
    const text = `${RULE} (msg:"a"; sid:1; rev:2;)\n${RULE} (sid:2; rev:1;)\n${RULE} (msg:"b"; sid:1; rev:1;)\n${RULE} (msg:"c"; sid:2; rev:3;)`
    const loaded = load(text)
    expect(loaded.rules.map((rule) => [rule.sid, rule.rev])).toEqual([
      [1, 2],
      [2, 3],
    ])
    expect(loaded.problems.map(formatProblem)).toEqual([
      'test.rules:3:1: warning: rule 1:1 rev 1 is left out: rev 2 stands in test.rules:1',
      'test.rules:2:1: warning: rule 1:2 rev 1 is left out: rev 3 stands in test.rules:4',
    ])
    expect(ruleStatistics(loaded)).toMatchObject({ rules: 2, duplicates: 2 })
  })

  it('of equal revs the first is kept; another gid is another rule', () => {
    const loaded = load(`${RULE} (msg:"a"; sid:1;)\n${RULE} (msg:"b"; sid:1;)\n${RULE} (gid:2; sid:1;)`)
    expect(loaded.rules.map((rule) => [rule.gid, rule.msg])).toEqual([
      [1, 'a'],
      [2, ''],
    ])
  })
})

describe('directives', () => {
  it('classification and reference lines add to the tables', () => {
    const loaded = load(
      'config classification: my-class,My own class, 4\nconfig reference: mine http://example.com/?\n' +
        `${RULE} (classtype:my-class; sid:1;)`,
    )
    expect(loaded.problems).toEqual([])
    expect(loaded.rules[0]).toMatchObject({ classText: 'My own class', priority: 4 })
    expect(loaded.references.url({ system: 'MINE', id: '5' })).toBe('http://example.com/?5')
  })

  it('that are wrong are problems with a position', () => {
    const loaded = load('config classification: x\nconfig classification: a,b,z\nconfig reference: y')
    expect(loaded.problems.map(formatProblem)).toEqual([
      "test.rules:1:24: 'x' is not <name>,<text>,<priority>",
      "test.rules:2:28: 'z' is not a priority",
      "test.rules:3:19: 'y' is not <system> <URL>",
    ])
  })

  it('of a configuration file are reported, or handed to the caller', () => {
    const text = 'preprocessor stream5_tcp: policy windows\nconfig order: pass alert\nfrobnicate: 1'
    const loaded = load(text)
    expect(loaded.problems.map((p) => [p.severity, p.reason])).toEqual([
      ['warning', 'directive: preprocessor'],
      ['warning', 'directive: config'],
      ['error', 'unknown rule action'],
    ])
    const seen: string[] = []
    const handled = loadRules({
      files: [{ path: 'snort.conf', text }],
      directive: ({ keyword, rest, restAt }) => {
        if (keyword === 'frobnicate') throw new RuleTextError('value', 'why', 'frobnicate is unknown', restAt)
        seen.push(`${keyword}|${rest}`)
        return true
      },
    })
    expect(seen).toEqual(['preprocessor|stream5_tcp: policy windows', 'config|order: pass alert'])
    expect(handled.problems.map(formatProblem)).toEqual(['snort.conf:3:13: frobnicate is unknown'])
  })
})

describe('include', () => {
  it('is relative to the file that says it, and expands variables', () => {
    mkdirSync(join(directory, 'sub'), { recursive: true })
    file('sub/inner.rules', `${RULE} (sid:2;)\ninclude more.rules\n`)
    file('sub/more.rules', `${RULE} (sid:3;)\n`)
    const path = file(
      'outer.rules',
      `var WHERE sub\n${RULE} (sid:1;)\ninclude $WHERE/inner.rules\n${RULE} (sid:4;)\n`,
    )
    const loaded = loadRules({ files: [{ path }] })
    expect(loaded.problems).toEqual([])
    expect(loaded.rules.map((rule) => rule.sid)).toEqual([1, 2, 3, 4])
    expect(loaded.files.map((report) => report.rules)).toEqual([2, 1, 1])
    expect(loaded.rules[1]!.position.file).toBe(join(directory, 'sub/inner.rules'))
  })

  it('reports what cannot be read where it is included', () => {
    const path = file('missing.rules', `\ninclude not-there.rules\n${RULE} (sid:1;)`)
    const loaded = loadRules({ files: [{ path }] })
    expect(loaded.problems.map(formatProblem)).toEqual([
      `${path}:2:1: ${join(directory, 'not-there.rules')}: no such file`,
    ])
    expect(loaded.rules).toHaveLength(1)
  })

  it('does not run in circles', () => {
    const a = file('a.rules', `include b.rules\n${RULE} (sid:1;)`)
    file('b.rules', `include ./a.rules\n${RULE} (sid:2;)`)
    const loaded = loadRules({ files: [{ path: a }] })
    expect(loaded.problems.map((p) => p.reason)).toEqual(['include cycle'])
    expect(loaded.rules.map((rule) => rule.sid)).toEqual([2, 1])
  })

  it('has a depth limit and a limit on the number of files', () => {
    for (let i = 0; i < 20; i++) file(`deep${i}.rules`, `include deep${i + 1}.rules\n`)
    const loaded = loadRules({ files: [{ path: join(directory, 'deep0.rules') }], maxIncludeDepth: 5 })
    expect(loaded.problems.map((p) => p.reason)).toEqual(['include nested too deeply'])
    for (let i = 0; i < 12; i++) {
      file(`twice${i}.rules`, i === 11 ? '' : `include twice${i + 1}.rules\ninclude twice${i + 1}.rules\n`)
    }
    const wide = loadRules({ files: [{ path: join(directory, 'twice0.rules') }] })
    expect(wide.files.length).toBe(1000)
    expect(wide.problems[0]!.message).toContain('more than 1000 files')
  })
})

describe('files that are no rule files', () => {
  it.each([
    ['a missing file', () => join(directory, 'absent'), 'not-found', 'no such file'],
    ['a directory', () => directory, 'directory', 'is a directory'],
    ['a binary', () => file('binary', Uint8Array.from([1, 2, 0, 3])), 'binary', 'is a binary file'],
    ['UTF-16', () => file('utf16', Buffer.from('\ufeffalert', 'utf16le')), 'binary', 'is UTF-16 text'],
  ])('%s', (_, make, code, message) => {
    const path = make()
    const loaded = loadRules({ files: [{ path }, { path: 'good', text: `${RULE} (sid:1;)` }] })
    expect(loaded.files[0]).toMatchObject({ error: { code } })
    expect(loaded.problems).toMatchObject([
      { kind: 'file', severity: 'error', position: { file: path, line: 1 } },
    ])
    expect(loaded.problems[0]!.message).toContain(message)
    expect(loaded.rules).toHaveLength(1)
  })

  it('an empty file holds no rules and no problem', () => {
    expect(load('')).toMatchObject({ rules: [], problems: [] })
  })

  it('garbage is counted, not collected, and given up', () => {
    const loaded = loadRules({
      files: [{ path: 'garbage', text: Array.from({ length: 50_000 }, (_, i) => `x${i} y\n`).join('') }],
      maxProblems: 100,
    })
    expect(loaded.problems).toHaveLength(100)
    expect(loaded.log.omitted).toBe(10_001 - 100)
    expect(loaded.log.byReason()).toEqual([
      { reason: 'unknown rule action', severity: 'error', kind: 'syntax', count: 10_000 },
      { reason: 'not a rule file', severity: 'error', kind: 'file', count: 1 },
    ])
  })

  it('different reasons without end are counted together', () => {
    const text = Array.from({ length: 3000 }, (_, i) => `${RULE} (opt${i}; sid:${i + 1};)`).join('\n')
    const reasons = load(text).log.byReason()
    expect(reasons.length).toBeLessThanOrEqual(1001)
    expect(reasons.reduce((sum, { count }) => sum + count, 0)).toBe(3000)
  })

  it('a statement beyond 256 KiB is reported and skipped', () => {
    for (const dialect of ['snort2', 'snort3'] as const) {
      const long = `${RULE} (${'content:"aaaaaaaaaaaaaaaa"; '.repeat(12_000)} sid:1;)`
      const loaded = load(`${long}\n${RULE} (sid:2;)`, dialect)
      expect(loaded.problems.map((p) => p.reason)).toEqual(['statement too long'])
      expect(loaded.rules.map((rule) => rule.sid)).toEqual([2])
    }
  })

  const HOSTILE: readonly (readonly [string, string])[] = [
    ['options without end', `${RULE} (${'file_data;'.repeat(25_000)}sid:1;)`],
    ['parentheses', '('.repeat(200_000)],
    ['closing parentheses', ')'.repeat(200_000)],
    ['quotes', `alert tcp (${'"'.repeat(200_000)}`],
    ['backslashes', `${RULE} (msg:"${'\\'.repeat(200_000)}"; sid:1;)`],
    ['escaped semicolons', `${RULE} (msg:"${'\\;'.repeat(100_000)}"; sid:1;)`],
    ['continuations', 'alert \\\n'.repeat(50_000)],
    ['lines of one letter after an action', `alert\n${'a\n'.repeat(200_000)}`],
    ['open comment', `/*${'x\n'.repeat(100_000)}`],
    ['open string', `alert tcp (msg:"${'x\n'.repeat(100_000)}`],
    ['brackets', `alert tcp ${'['.repeat(200_000)} any -> any any (sid:1;)`],
    ['list of addresses', `alert tcp [${'10.0.0.1,'.repeat(25_000)}10.0.0.1] any -> any any (sid:1;)`],
    ['list of ports', `alert tcp any [${'1,'.repeat(100_000)}1] -> any any (sid:1;)`],
    ['blanks', `alert${' '.repeat(200_000)}tcp (sid:1;)`],
    ['sids', `${RULE} (${'sid     '.repeat(30_000)})`],
    ['metadata', `${RULE} (metadata:${'a b,'.repeat(60_000)}; sid:1;)`],
    ['flow words', `${RULE} (flow:${'to_server,'.repeat(25_000)}to_server; sid:1;)`],
    ['hex', `${RULE} (content:"|${'41 '.repeat(80_000)}|"; sid:1;)`],
    ['equals signs', `${RULE} (dsize:${'<'.repeat(200_000)}; sid:1;)`],
    ['digits', `${RULE} (dsize:${'1'.repeat(200_000)}; sid:1;)`],
    ['commas after a pattern', `${RULE} (content:"a"${',nocase'.repeat(30_000)}; sid:1;)`],
  ]

  it.each(HOSTILE)('%s: little time in either dialect, no exception', (_, text) => {
    for (const dialect of ['snort2', 'snort3', 'auto'] as const) {
      const start = process.cpuUsage()
      load(text, dialect)
      const { user, system } = process.cpuUsage(start)
      expect((user + system) / 1e6).toBeLessThan(2)
    }
  })
})

describe('statistics', () => {
  it('count what was loaded', () => {
    const text = [
      `${RULE} (content:"a"; content:"b"; metadata:service http; classtype:misc-attack; sid:1;)`,
      'drop udp any any -> any 53 (content:"a"; sid:2;)',
      `${RULE} (gtp_type:x; sid:3;)`,
      `${RULE} (dsize:x; sid:4;)`,
      `${RULE} (logto:"x"; sid:5;)`,
    ].join('\n')
    const statistics = ruleStatistics(load(text))
    expect(statistics).toMatchObject({
      rules: 3,
      disabled: 1,
      failed: 1,
      duplicates: 0,
      warnings: 1,
      byDialect: { snort2: 3, snort3: 0 },
      byAction: { alert: 2, drop: 1 },
      byProtocol: { tcp: 2, udp: 1 },
      byService: { http: 1 },
      byClasstype: { 'misc-attack': 1, '': 2 },
      problems: [
        { reason: 'option not evaluated: gtp_type', count: 1 },
        { reason: 'bad number for dsize', count: 1 },
        { reason: 'option without effect: logto', count: 1 },
      ],
    })
    expect(statistics.options).toContainEqual({ name: 'content', rules: 2, occurrences: 3 })
    expect(statistics.options).toContainEqual({ name: 'gtp_type', rules: 1, occurrences: 1 })
  })
})
