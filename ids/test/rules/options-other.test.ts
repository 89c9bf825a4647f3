/** flow, flowbits, lengths, header tests, rates, information: every form. */
import { describe, expect, it } from 'vitest'
import { BUF } from '../../src/inspect/buffers.js'
import { findOption, formatProblem, OPTIONS } from '../../src/rules/index.js'
import { load, one, options, problem, problemOf } from './support.js'

describe('flow', () => {
  const NONE = { kind: 'flow', direction: undefined, state: undefined, stream: undefined, frag: undefined }

  it.each([
    ['to_server,established', { direction: 'to_server', state: 'established' }],
    ['from_client', { direction: 'to_server' }],
    ['from_server', { direction: 'to_client' }],
    ['to_Client, Established', { direction: 'to_client', state: 'established' }],
    ['stateless', { state: 'stateless' }],
    ['not_established', { state: 'not_established' }],
    ['only_stream', { stream: 'only_stream' }],
    ['no_stream', { stream: 'no_stream' }],
    ['no_frag,to_server', { frag: 'no_frag', direction: 'to_server' }],
    ['to_server,from_client', { direction: 'to_server' }],
  ])('%s', (text, expected) => {
    expect(options(`flow:${text}`)).toEqual([{ ...NONE, ...expected }])
  })

  it.each([
    ['flow:to_server,to_client', "'to_client' contradicts 'to_server'"],
    ['flow:stateless,established', "'established' contradicts 'stateless'"],
    ['flow:no_stream,only_stream', "'only_stream' contradicts 'no_stream'"],
    ['flow:to_sever', "'to_sever' is not understood"],
    ['flow:to_server,', 'an empty argument is not understood'],
    ['flow', "'flow' needs an argument"],
    ['flow:to_server; flow:established', "a rule may have only one 'flow'"],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })

  it('is only about fragments in icmp rules of Snort 2.9', () => {
    const header = 'alert icmp any any -> any any'
    expect(problem('flow:to_server', 'snort2', header)).toContain('only no_frag and only_frag')
    expect(one(`${header} (flow:only_frag; sid:1;)`).options).toMatchObject([{ frag: 'only_frag' }])
  })
})

describe('flowbits', () => {
  const NONE = { kind: 'flowbits', names: [], combine: 'all', group: undefined }

  it.each([
    ['set,a.b-c_d', { action: 'set', names: ['a.b-c_d'] }],
    ['SET , a', { action: 'set', names: ['a'] }],
    ['set,a&b', { action: 'set', names: ['a', 'b'] }],
    ['isset,a|b|c', { action: 'isset', names: ['a', 'b', 'c'], combine: 'any' }],
    ['isset,a & b', { action: 'isset', names: ['a', 'b'] }],
    ['isnotset,a', { action: 'isnotset', names: ['a'] }],
    ['unset,a', { action: 'unset', names: ['a'] }],
    ['toggle,a,g', { action: 'toggle', names: ['a'], group: 'g' }],
    ['setx,a,g', { action: 'setx', names: ['a'], group: 'g' }],
    ['isset,any,g', { action: 'isset', names: [], combine: 'any', group: 'g' }],
    ['isset,all,g', { action: 'isset', names: [], combine: 'all', group: 'g' }],
    ['isset,any', { action: 'isset', names: ['any'] }],
    ['reset', { action: 'reset' }],
    ['reset,g', { action: 'reset', group: 'g' }],
    ['noalert', { action: 'noalert' }],
  ])('%s', (text, expected) => {
    expect(options(`flowbits:${text}`)).toEqual([{ ...NONE, ...expected }])
  })

  it.each([
    ['flowbits:set', "'set' needs a name"],
    ['flowbits:set,', "'set' needs a name"],
    ['flowbits:put,a', "'put' is not understood"],
    ['flowbits:setx,a', "'setx' needs a group"],
    ['flowbits:set,a&b|c', "'&' and '|' cannot be mixed"],
    ['flowbits:set,a b', 'is not a name'],
    ['flowbits:set,a|', 'is not a name'],
    ['flowbits:noalert,a', "'a' is not understood"],
    ['flowbits:set,a,b,c', "'c' is not understood"],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })
})

describe('lengths', () => {
  it.each([
    ['dsize:5', { op: '=', lo: 5, hi: 5 }],
    ['dsize:>5', { op: '>', lo: 5, hi: 5 }],
    ['dsize:< 5', { op: '<', lo: 5, hi: 5 }],
    ['dsize:5<>9', { op: 'range-inclusive', lo: 5, hi: 9 }],
    ['dsize: 5 <> 9', { op: 'range-inclusive', lo: 5, hi: 9 }],
  ])('%s', (body, test) => {
    expect(options(body)).toEqual([{ kind: 'dsize', test }])
  })

  it('a<>b leaves both ends out in Snort 3, a<=>b does not', () => {
    expect(options('dsize:5<>9', 'snort3')).toMatchObject([{ test: { op: 'range-exclusive', lo: 5, hi: 9 } }])
    expect(options('dsize:5<=>9', 'snort3')).toMatchObject([
      { test: { op: 'range-inclusive', lo: 5, hi: 9 } },
    ])
    expect(options('dsize:!5', 'snort3')).toMatchObject([{ test: { op: '!=', lo: 5 } }])
    expect(options('dsize:>=5', 'snort3')).toMatchObject([{ test: { op: '>=', lo: 5 } }])
  })

  it('urilen is raw unless told', () => {
    const test = { op: 'range-inclusive', lo: 5, hi: 10 }
    const LENGTH = { kind: 'buffer_length', relative: false, test }
    expect(options('urilen:5<>10')).toEqual([{ ...LENGTH, buffer: BUF.HTTP_RAW_URI }])
    expect(options('urilen:5<>10,raw')).toEqual([{ ...LENGTH, buffer: BUF.HTTP_RAW_URI }])
    expect(options('urilen:5<>10, norm')).toEqual([{ ...LENGTH, buffer: BUF.HTTP_URI }])
    expect(problem('urilen:5,cooked')).toContain("'cooked' is not understood")
    expect(problem('urilen:5', 'snort3')).toContain('is a Snort 2.9 option')
  })

  it('bufferlen is about the current buffer', () => {
    expect(options('http_raw_uri; bufferlen:4<=>7', 'snort3').at(-1)).toEqual({
      kind: 'buffer_length',
      buffer: BUF.HTTP_RAW_URI,
      relative: false,
      test: { op: 'range-inclusive', lo: 4, hi: 7 },
    })
    expect(options('file_data; bufferlen:>=4,relative', 'snort3').at(-1)).toMatchObject({ relative: true })
    expect(problem('bufferlen:4')).toContain('is a Snort 3 option')
  })

  it.each([
    ['dsize:a', 'dsize must be a number'],
    ['dsize:', "'dsize' needs an argument"],
    ['dsize:9<>5', '9 is greater than 5'],
    ['dsize:5>9', 'is not a comparison'],
    ['dsize:<>5', 'lacks its lower end'],
    ['dsize:5<>', 'dsize must be a number'],
    ['dsize:70000', 'dsize must be 0…65535'],
    ['dsize:1; dsize:2', "only one 'dsize'"],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })
})

describe('header fields', () => {
  it.each([
    ['ttl:64', 'ttl', { op: '=', lo: 64, hi: 64 }],
    ['ttl:<3', 'ttl', { op: '<', lo: 3, hi: 3 }],
    ['ttl:=3', 'ttl', { op: '=', lo: 3, hi: 3 }],
    ['ttl:>=3', 'ttl', { op: '>=', lo: 3, hi: 3 }],
    ['ttl:3-5', 'ttl', { op: 'range-inclusive', lo: 3, hi: 5 }],
    ['ttl:3-', 'ttl', { op: 'range-inclusive', lo: 3, hi: 255 }],
    ['ttl:-5', 'ttl', { op: 'range-inclusive', lo: 0, hi: 5 }],
    ['tos:!4', 'tos', { op: '!=', lo: 4, hi: 4 }],
    ['tos:0x10', 'tos', { op: '=', lo: 16, hi: 16 }],
    ['id:31337', 'id', { op: '=', lo: 31337, hi: 31337 }],
    ['fragoffset:!0', 'fragoffset', { op: '!=', lo: 0, hi: 0 }],
    ['seq:4294967295', 'seq', { op: '=', lo: 4294967295, hi: 4294967295 }],
    ['ack:0', 'ack', { op: '=', lo: 0, hi: 0 }],
    ['window:!55808', 'window', { op: '!=', lo: 55808, hi: 55808 }],
    ['itype:8', 'itype', { op: '=', lo: 8, hi: 8 }],
    ['itype:8<>18', 'itype', { op: 'range-exclusive', lo: 8, hi: 18 }],
    ['icode:>15', 'icode', { op: '>', lo: 15, hi: 15 }],
    ['icmp_id:678', 'icmp_id', { op: '=', lo: 678, hi: 678 }],
    ['icmp_seq:0', 'icmp_seq', { op: '=', lo: 0, hi: 0 }],
  ])('%s', (body, field, test) => {
    const protocol = body.startsWith('ic') || body.startsWith('itype') ? 'icmp' : 'tcp'
    const rule = one(`alert ${protocol} any any -> any any (${body}; sid:1;)`)
    expect(rule.options).toEqual([{ kind: 'header_number', field, test }])
  })

  it.each([
    ['ttl:256', 'ttl must be 0…255'],
    ['ttl:9-3', '9 is greater than 3'],
    ['ttl:-', 'ttl must be a number'],
    ['seq:4294967296', 'seq must be 0…4294967295'],
    ['itype:8', "'itype' is for icmp rules, this is one for tcp"],
    ['ip_proto:1', "is for rules with protocol 'ip'"],
    ['flags:X', "unknown flag 'X'"],
    ['flags:+', 'no flag is named'],
    ['flags:+S*', 'several of + * !'],
    ['flags:S,12,C', "'C' is not understood"],
    ['fragbits:Q', "unknown flag 'Q'"],
    ['ipopts:loose', "'loose' is not an IP option"],
    ['sameip:yes', "'sameip' takes no argument"],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })

  it.each([
    ['S', { flags: 2, ignore: 0, match: 'exact' }],
    ['S,12', { flags: 2, ignore: 0xc0, match: 'exact' }],
    ['SF,CE', { flags: 3, ignore: 0xc0, match: 'exact' }],
    ['SF12', { flags: 0xc3, ignore: 0, match: 'exact' }],
    ['A+', { flags: 16, ignore: 0, match: 'all' }],
    ['+A', { flags: 16, ignore: 0, match: 'all' }],
    ['RSF*', { flags: 7, ignore: 0, match: 'any' }],
    ['!A,12', { flags: 16, ignore: 0xc0, match: 'none' }],
    ['*AP,12', { flags: 24, ignore: 0xc0, match: 'any' }],
    ['0', { flags: 0, ignore: 0, match: 'exact' }],
    ['UAPRSF', { flags: 63, ignore: 0, match: 'exact' }],
  ])('flags:%s', (text, expected) => {
    expect(options(`flags:${text}`)).toEqual([{ kind: 'flags', ...expected }])
  })

  it.each([
    ['M', { bits: 1, match: 'exact' }],
    ['M+', { bits: 1, match: 'all' }],
    ['MD*', { bits: 3, match: 'any' }],
    ['!MDR', { bits: 7, match: 'none' }],
  ])('fragbits:%s', (text, expected) => {
    expect(options(`fragbits:${text}`)).toEqual([{ kind: 'fragbits', ...expected }])
  })

  it.each([
    ['rr', 7],
    ['lsrr', 131],
    ['SSRR', 137],
    ['any', 'any'],
  ])('ipopts:%s', (text, option) => {
    expect(options(`ipopts:${text}`)).toEqual([{ kind: 'ipopts', option }])
  })

  it.each([
    ['1', { op: '=', lo: 1, hi: 1 }],
    ['!6', { op: '!=', lo: 6, hi: 6 }],
    ['>134', { op: '>', lo: 134, hi: 134 }],
    ['igmp', { op: '=', lo: 2, hi: 2 }],
    ['! UDP', { op: '!=', lo: 17, hi: 17 }],
  ])('ip_proto:%s', (text, test) => {
    const rule = one(`alert ip any any -> any any (ip_proto:${text}; sid:1;)`)
    expect(rule.options).toEqual([{ kind: 'header_number', field: 'ip_proto', test }])
  })

  it('ip_proto wants a protocol', () => {
    expect(problem('ip_proto:nope', 'snort2', 'alert ip any any -> any any')).toContain(
      "'nope' is not a protocol",
    )
    expect(problem('ip_proto:256', 'snort2', 'alert ip any any -> any any')).toContain('is not a protocol')
  })

  it('sameip', () => {
    expect(options('sameip')).toEqual([{ kind: 'sameip' }])
  })
})

describe('rates', () => {
  it('reads arguments in any order', () => {
    expect(options('detection_filter:count 30, seconds 60, track by_src')).toEqual([
      { kind: 'detection_filter', type: undefined, track: 'by_src', count: 30, seconds: 60 },
    ])
    expect(options('threshold: type limit, track by_dst,count 1 , seconds 60')).toEqual([
      { kind: 'threshold', type: 'limit', track: 'by_dst', count: 1, seconds: 60 },
    ])
  })

  it.each([
    ['detection_filter:track by_src, count 1', "needs 'seconds'"],
    ['threshold:track by_src, count 1, seconds 2', "needs 'type'"],
    ['detection_filter:type limit, track by_src, count 1, seconds 2', "'type limit' is not understood"],
    ['detection_filter:track by_port, count 1, seconds 2', "'track by_port' is not understood"],
    ['detection_filter:track by_src, count 0, seconds 2', 'count must be 1…'],
    ['detection_filter:track by_src, count 1, count 2, seconds 2', "'count' stands twice"],
    ['detection_filter:track', "'track' needs a value"],
    [
      'threshold:type both,track by_src,count 1,seconds 2; detection_filter:track by_src,count 1,seconds 2',
      'cannot be combined',
    ],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })
})

describe('information', () => {
  it('is kept', () => {
    const rule = one(
      'alert tcp any any -> any any (msg:"A \\"b\\"\\; c\\: \\\\d"; sid:7; rev:3; gid:2; classtype:Web-Application-Attack; ' +
        'reference:cve,2014-6271; reference:url,example.com/a?b=c\\;d; metadata:policy x drop, service http, service smtp,ruleset;)',
    )
    expect(rule).toMatchObject({
      msg: 'A "b"; c: \\d',
      sid: 7,
      rev: 3,
      gid: 2,
      classtype: 'Web-Application-Attack',
      classText: 'Web Application Attack',
      priority: 1,
      references: [
        { system: 'cve', id: '2014-6271' },
        { system: 'url', id: 'example.com/a?b=c;d' },
      ],
      metadata: [
        ['policy', 'x drop'],
        ['service', 'http'],
        ['service', 'smtp'],
        ['ruleset', ''],
      ],
      services: ['http', 'smtp'],
    })
  })

  it('has defaults', () => {
    const rule = one('alert tcp any any -> any any (sid:7;)')
    expect(rule).toMatchObject({ msg: '', gid: 1, rev: 0, priority: 0, classtype: undefined, services: [] })
  })

  it('priority overrides the class', () => {
    expect(one('alert tcp any any -> any any (classtype:misc-attack; priority:9; sid:7;)').priority).toBe(9)
  })

  it('services come from metadata in Snort 2.9 and from service in Snort 3', () => {
    const text = 'alert tcp any any -> any any (metadata:service http; sid:7;)'
    expect(one(text, 'snort3').services).toEqual([])
    expect(one('alert tcp any any -> any any (service:HTTP, smtp; sid:7;)', 'snort3').services).toEqual([
      'http',
      'smtp',
    ])
  })

  it('shows UTF-8 as such, and latin-1 too', () => {
    expect(one('alert tcp any any -> any any (msg:"día"; sid:7;)').msg).toBe('día')
  })

  it('a class not in the table and a bad reference cost a warning, not the rule', () => {
    const loaded = load('alert tcp any any -> any any (classtype:nope; reference:cve; sid:7;)')
    expect(loaded.rules).toHaveLength(1)
    expect(loaded.problems.map(formatProblem)).toEqual([
      "test.rules:1:41: warning: classtype 'nope' is not in the classification table",
      "test.rules:1:57: warning: reference 'cve' is not <system>,<id>",
    ])
  })

  it.each([
    ['sid:0', 'sid must be 1…'],
    ['sid:x', 'sid must be a number'],
    ['gid:4294967296', 'gid must be'],
    ['rev:-1', 'rev must be'],
    ['msg:"a"; msg:"b"', "only one 'msg'"],
  ])('%s: %s', (body, message) => {
    expect(problemOf(`alert tcp any any -> any any (${body};)`)).toContain(message)
  })

  it('a rule needs a sid', () => {
    expect(problemOf('alert tcp any any -> any any (msg:"x";)')).toBe('1:39 the rule has no sid')
  })
})

describe('the table of options', () => {
  it('says something about every option', () => {
    for (const spec of OPTIONS) {
      expect(spec.name).toMatch(/^[a-z][a-z0-9_]*$/)
      expect(spec.help.length, spec.name).toBeGreaterThan(2)
      expect(spec.section, spec.name).toMatch(/^(?:3(?:\.\d+)+|S3)$/)
      expect(spec.dialects.length, spec.name).toBeGreaterThan(0)
      for (const dialect of spec.dialects) expect(findOption(spec.name, dialect)).toBe(spec)
    }
  })

  it.each(
    OPTIONS.filter((spec) => spec.status === 'not-evaluated').map((spec) => [spec.name, spec.dialects[0]!]),
  )('%s disables the rule, with its arguments unread', (name, dialect) => {
    const loaded = load(`alert tcp any any -> any any (msg:"x"; ${name}:a,"b",|c|; sid:5;)`, dialect)
    expect(loaded.rules).toEqual([])
    expect(loaded.problems).toMatchObject([
      {
        severity: 'error',
        kind: 'unsupported',
        reason: `option not evaluated: ${name}`,
        position: { line: 1, column: 40 },
        sid: 5,
      },
    ])
  })

  it.each(
    OPTIONS.filter((spec) => spec.status === 'no-effect').map((spec) => [spec.name, spec.dialects[0]!]),
  )('%s costs a warning only', (name, dialect) => {
    const loaded = load(`alert tcp any any -> any any (${name}:a; sid:5;)`, dialect)
    expect(loaded.rules).toHaveLength(1)
    expect(loaded.problems).toMatchObject([{ severity: 'warning', reason: `option without effect: ${name}` }])
  })

  it('an error in a rule weighs more than what is not evaluated', () => {
    expect(problem('gtp_type:x; dsize:a')).toContain('dsize must be a number')
  })

  it.each([
    ['contnet:"a"', "unknown option 'contnet'; did you mean 'content'?"],
    ['fast_patern', "did you mean 'fast_pattern'?"],
    ['http_headers', "did you mean 'http_header'?"],
    ['flwo:established', "did you mean 'flow'?"],
    ['zzzzzzzz', "unknown option 'zzzzzzzz'"],
    ['http.uri', "unknown option 'http.uri'; did you mean 'http_uri'?"],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })

  it('shared-object stubs and enable:no are left out', () => {
    expect(problem('metadata:engine shared, soid 3|1')).toContain('shared-object')
    expect(problem('enable:no', 'snort3')).toContain("'enable:no'")
    expect(options('enable:yes; rem:"a comment; with (this)"', 'snort3')).toEqual([])
  })
})
