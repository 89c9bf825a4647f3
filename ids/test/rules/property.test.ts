/** Any text at all is read without an exception; what is written is read back the same; sets agree with naive models. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Dialect,
  formatLiteral,
  formatRule,
  type IpNetwork,
  loadRules,
  OPTIONS,
  parseNetwork,
  type Rule,
  STOCK_VARIABLES,
  Variables,
} from '../../src/rules/index.js'
import { editDistance } from '../../src/rules/suggest.js'
import { bytes, load, options } from './support.js'

const DIALECTS: readonly (Dialect | 'auto')[] = ['snort2', 'snort3', 'auto']

/** Loads in every dialect; every problem must stand inside the text. */
function survives(text: string | Uint8Array): void {
  const lines = (typeof text === 'string' ? text : Buffer.from(text).toString('latin1')).split('\n')
  for (const dialect of DIALECTS) {
    const loaded = loadRules({ files: [{ path: 'f', text }], dialect })
    for (const { position, message, reason } of loaded.problems) {
      expect(message.length).toBeGreaterThan(0)
      expect(message.length).toBeLessThanOrEqual(500)
      expect(reason.length).toBeLessThanOrEqual(80)
      expect(position.line).toBeGreaterThanOrEqual(1)
      expect(position.line).toBeLessThanOrEqual(lines.length)
      expect(position.column).toBeGreaterThanOrEqual(1)
      expect(position.column).toBeLessThanOrEqual(lines[position.line - 1]!.length * 3 + 2)
    }
    for (const rule of loaded.rules) expect(rule.sid).toBeGreaterThanOrEqual(0)
  }
}

const FRAGMENTS = [
  'alert tcp any any -> any any (',
  'alert http (',
  'drop udp $HOME_NET 53 <> [10.0.0.0/8,!10.1.0.0/16] 1:9 (',
  'sid:1;',
  'content:"abc|0d 0a|"',
  ';',
  ')',
  '\n',
  '\\\n',
  '"',
  '|',
  '!',
  ',',
  ':',
  '\\',
  '[',
  ']',
  ' ',
  '#',
  '/*',
  '*/',
  '#begin\n',
  '#end\n',
  'var A $A\n',
  'include x\n',
  'config classification:',
  'é',
  '\x00',
  '-1',
  '65536',
  '0x',
  '<>',
  '<=>',
  'relative',
  'only',
  'pcre:"/a(b/iUR"',
]

const fragment = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...FRAGMENTS) },
  { weight: 3, arbitrary: fc.constantFrom(...OPTIONS.map((spec) => `${spec.name}:`)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
  { weight: 1, arbitrary: fc.integer().map(String) },
)

describe('any text', () => {
  it('is read', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), survives), { numRuns: 300 })
  })

  it('made of bytes is read', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives), { numRuns: 300 })
  })

  it('made of pieces of rules is read', () => {
    const text = fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join(''))
    fc.assert(fc.property(text, survives), { numRuns: 1500 })
  })

  it('as the argument of any option is read', () => {
    const spec = fc.constantFrom(...OPTIONS)
    const argument = fc.array(fragment, { maxLength: 6 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(spec, argument, ({ name }, value) => {
        survives(`alert ip any any -> any any (content:"x"; ${name}:${value}; sid:1;)`)
      }),
      { numRuns: 1500 },
    )
  })
})

describe('content literal', () => {
  it('holds any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (pattern) => {
        for (const dialect of ['snort2', 'snort3'] as const) {
          expect(options(`content:${formatLiteral(pattern)}`, dialect)).toMatchObject([{ bytes: pattern }])
        }
      }),
      { numRuns: 300 },
    )
  })

  it('holds any text, escaped', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), (text) => {
        const escaped = text.replace(/[\\":;|]/g, '\\$&')
        const expected = bytes(Buffer.from(text, 'utf8').toString('latin1'))
        expect(options(`content:"${escaped}"`)).toMatchObject([{ bytes: expected }])
      }),
      { numRuns: 300 },
    )
  })
})

const pattern = fc.uint8Array({ minLength: 1, maxLength: 8 })
const smallInt = fc.integer({ min: -200, max: 200 })
const port = fc.integer({ min: 0, max: 65535 })

/** Option text of Snort 2.9; parsing gives the model, writing the model must parse to the same again. */
const option2 = fc.oneof(
  fc
    .record({
      pattern,
      negated: fc.boolean(),
      nocase: fc.boolean(),
      position: fc.option(
        fc.tuple(fc.boolean(), fc.option(smallInt), fc.option(fc.integer({ min: 8, max: 99 }))),
      ),
      buffer: fc.option(fc.constantFrom('http_uri', 'http_header', 'http_cookie', 'rawbytes')),
    })
    .map(({ pattern, negated, nocase, position, buffer }) => {
      const words = [`content:${negated ? '!' : ''}${formatLiteral(pattern)}`]
      if (nocase) words.push('nocase')
      if (position !== null) {
        const [relative, offset, depth] = position
        if (offset !== null) words.push(`${relative ? 'distance' : 'offset'}:${offset}`)
        if (depth !== null) words.push(`${relative ? 'within' : 'depth'}:${depth}`)
      }
      if (buffer !== null) words.push(buffer)
      return words.join('; ')
    }),
  fc
    .tuple(
      fc.boolean(),
      fc.constantFrom('a.b', '^x$', '[\\w/]+'),
      fc.constantFrom('', 'i', 'smxR', 'iU', 'HO', 'B', 'AEG'),
    )
    .map(([negated, expression, flags]) => `pcre:${negated ? '!' : ''}"/${expression}/${flags}"`),
  fc.constantFrom(
    'file_data',
    'pkt_data',
    'sameip',
    'flowbits:noalert',
    'flowbits:set,a&b',
    'flowbits:isset,a|b',
  ),
  fc.constantFrom('flowbits:setx,a,g', 'flowbits:isset,any,g', 'flowbits:reset,g', 'flowbits:toggle,a'),
  fc
    .tuple(fc.boolean(), smallInt, fc.boolean())
    .map(([n, at, r]) => `isdataat:${n ? '!' : ''}${at}${r ? ',relative' : ''}`),
  fc
    .tuple(
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom('<', '>', '=', '!', '!=', '&', '!&', '^', '<=', '!>='),
      fc.nat({ max: 0xffffffff }),
      smallInt,
      fc.constantFrom(
        '',
        ',relative',
        ',little',
        ',string,hex',
        ',dce,bitmask 0xf0',
        ',string',
        ',relative,string,dec',
      ),
    )
    .map(([count, op, value, offset, words]) => `byte_test:${count},${op},${value},${offset}${words}`),
  fc
    .tuple(
      fc.integer({ min: 0, max: 4 }),
      smallInt,
      fc.constantFrom(
        '',
        ',relative',
        ',align',
        ',align 2,multiplier 3',
        ',from_beginning',
        ',from_end,post_offset -4',
      ),
    )
    .map(([count, offset, words]) => `byte_jump:${count},${offset}${words}`),
  fc.constantFrom(
    'ttl:3-5',
    'ttl:<9',
    'itype:3<>9',
    'icode:>2',
    'tos:!4',
    'window:7',
    'ipopts:any',
    'fragoffset:!0',
  ),
  fc.constantFrom('fragbits:MD*', 'fragbits:!R', 'fragbits:D', 'ipopts:lsrre'),
)

const onceOptions = fc.subarray([
  'dsize:3<>9',
  'urilen:>3,norm',
  'flags:SA+,12',
  'flow:to_server,established',
  'threshold:type both,track by_src,count 2,seconds 9',
  'base64_decode:bytes 3,offset 2,relative',
  'classtype:misc-attack',
  'priority:7',
  'gid:3',
  'rev:5',
  'msg:"día \\"x\\"\\; \\\\"',
  'metadata:service http, policy x y',
  'reference:url,example.com/a\\;b',
])

const header = fc.constantFrom(
  'alert tcp any any -> any any',
  'drop udp 10.0.0.0/8 1: <> [192.0.2.1,!2001:db8::/32] [53,!60:70]',
  'pass icmp ![10.0.0.1,10.0.0.2] any -> any any',
  'alert ip any any -> 10.0.0.0/8 any',
)

function meaning(rule: Rule): unknown {
  return { ...rule, text: '', position: undefined, runs: undefined }
}

describe('a rule written out', () => {
  const body = fc.tuple(header, fc.array(option2, { maxLength: 6 }), onceOptions)

  it('is read back the same', () => {
    let loaded = 0
    fc.assert(
      fc.property(body, ([head, options, once]) => {
        const text = `${head} (${[...options, ...once, 'sid:9'].join('; ')};)`
        const first = load(text).rules[0]
        // Combinations Snort forbids do not load.
        if (first === undefined) return
        loaded++
        const again = load(formatRule(first))
        expect(again.problems).toEqual([])
        expect(meaning(again.rules[0]!)).toEqual(meaning(first))
        expect(formatRule(again.rules[0]!)).toBe(formatRule(first))
      }),
      { numRuns: 600 },
    )
    expect(loaded).toBeGreaterThan(200)
  })

  it('is read back the same in Snort 3 text', () => {
    const sticky = fc.constantFrom(
      'http_uri',
      'http_header',
      'file_data',
      'pkt_data',
      'raw_data',
      'http_client_body',
    )
    const option3 = fc.oneof(
      sticky,
      fc
        .tuple(
          fc.boolean(),
          pattern,
          fc.subarray(['nocase', 'offset -3', 'depth 40', 'fast_pattern_offset 0,fast_pattern_length 1']),
        )
        .map(([n, p, words]) => [`content:${n ? '!' : ''}${formatLiteral(p)}`, ...words].join(',')),
      fc
        .tuple(pattern, fc.subarray(['distance 3', 'within 20']))
        .map(([p, w]) => [`content:${formatLiteral(p)}`, ...w].join(',')),
      fc.constantFrom(
        'bufferlen:3<=>9,relative',
        'bufferlen:>4',
        'dsize:1<>9',
        'ttl:3<>9',
        'pcre:"/a;b)/iR"',
      ),
      fc.constantFrom('service:http,smtp', 'isdataat:!4,relative', 'byte_test:2,>,3,0,relative', 'rem:"x"'),
    )
    fc.assert(
      fc.property(fc.array(option3, { maxLength: 7 }), (parts) => {
        const first = load(`alert tcp any any -> any any ( ${parts.join('; ')}; sid:9; )`, 'snort3').rules[0]
        if (first === undefined) return
        const again = load(formatRule(first), 'snort3')
        expect(again.problems).toEqual([])
        expect(meaning(again.rules[0]!)).toEqual(meaning(first))
      }),
      { numRuns: 600 },
    )
  })
})

/** A list as written, and what it means. */
interface Tree {
  readonly negated: boolean
  readonly leaf?: readonly [number, number]
  readonly list?: readonly Tree[]
}

const leaf = fc
  .tuple(fc.boolean(), port, port)
  .map(([negated, a, b]): Tree => ({ negated, leaf: [Math.min(a, b), Math.max(a, b)] }))
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({ negated: fc.boolean(), list: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }) }),
  ),
}))

function write(t: Tree, item: (leaf: readonly [number, number]) => string): string {
  const inner =
    t.leaf === undefined ? `[${t.list!.map((member) => write(member, item)).join(',')}]` : item(t.leaf)
  return (t.negated ? '!' : '') + inner
}

/** Ports: a list is its positive members (all ports when there is none) less its negated ones. */
function holdsPort(t: Tree, value: number): boolean {
  let inside: boolean
  if (t.leaf !== undefined) inside = value >= t.leaf[0] && value <= t.leaf[1]
  else {
    const positive = t.list!.filter((member) => !member.negated)
    const negative = t.list!.filter((member) => member.negated)
    inside =
      (positive.length === 0 || positive.some((member) => holdsPort(member, value))) &&
      negative.every((member) => holdsPort(member, value))
  }
  return t.negated ? !inside : inside
}

describe('port lists', () => {
  it('hold what a naive reading holds', () => {
    fc.assert(
      fc.property(tree, fc.array(port, { minLength: 5, maxLength: 20 }), (t, samples) => {
        const text = write(t, ([low, high]) => (low === high ? String(low) : `${low}:${high}`))
        let set: ReturnType<Variables['ports']>
        try {
          set = new Variables().ports(text, 0)
        } catch {
          return
        }
        for (const value of samples) {
          const inside = set.ranges.some(([low, high]) => value >= low && value <= high)
          expect(inside, `${value} in ${text}`).toBe(holdsPort(t, value))
        }
        for (let i = 1; i < set.ranges.length; i++) {
          expect(set.ranges[i]![0]).toBeGreaterThan(set.ranges[i - 1]![1] + 1)
        }
      }),
      { numRuns: 500 },
    )
  })
})

function holds(network: IpNetwork, address: Uint8Array): boolean {
  for (let bit = 0; bit < network.prefix; bit++) {
    const mask = 0x80 >> (bit & 7)
    if ((network.address[bit >> 3]! & mask) !== (address[bit >> 3]! & mask)) return false
  }
  return true
}

describe('address lists', () => {
  /** Leaves with their sign after every negation around them. */
  function flatten(t: Tree, negated = false): (readonly [boolean, readonly [number, number]])[] {
    const sign = negated !== t.negated
    return t.leaf === undefined ? t.list!.flatMap((member) => flatten(member, sign)) : [[sign, t.leaf]]
  }
  const show = ([a, b]: readonly [number, number]) => `10.${a & 3}.${b & 3}.0/${16 + (b & 15)}`

  it('hold what a naive reading holds', () => {
    fc.assert(
      fc.property(tree, fc.array(fc.tuple(port, port), { minLength: 5, maxLength: 10 }), (t, samples) => {
        const text = write(t, show)
        let set: ReturnType<Variables['addresses']>
        try {
          set = new Variables().addresses(text, 0)
        } catch {
          return
        }
        const leaves = flatten(t).map(([sign, l]) => [sign, parseNetwork(show(l))!] as const)
        for (const [a, b] of samples) {
          const address = parseNetwork(`10.${a & 3}.${b & 3}.${(a >> 8) & 255}`)!.address
          const positive = leaves.filter(([sign]) => !sign)
          const expected =
            (positive.length === 0 || positive.some(([, network]) => holds(network, address))) &&
            !leaves.some(([sign, network]) => sign && holds(network, address))
          const inside =
            (set.include.length === 0 || set.include.some((network) => holds(network, address))) &&
            !set.exclude.some((network) => holds(network, address))
          expect(inside, text).toBe(expected)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('spelling distance', () => {
  it('is symmetric, zero for equal words, and one for one slip', () => {
    const word = fc.string({ minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(word, word, fc.nat({ max: 11 }), (a, b, at) => {
        expect(editDistance(a, a, 5)).toBe(0)
        const ab = editDistance(a, b, 20)
        expect(ab).toBe(editDistance(b, a, 20))
        expect(ab).toBeGreaterThanOrEqual(Math.abs(a.length - b.length))
        expect(editDistance(a, `${a.slice(0, at)}\u2603${a.slice(at)}`, 5)).toBe(1)
      }),
      { numRuns: 200 },
    )
  })
})

describe('stock variables', () => {
  it('are all lists of addresses or ports', () => {
    const variables = new Variables()
    for (const name of Object.keys(STOCK_VARIABLES)) {
      if (name.endsWith('_PORTS')) expect(variables.ports(`$${name}`, 0).ranges.length).toBeGreaterThan(0)
      else expect(variables.addresses(`$${name}`, 0)).toBeDefined()
    }
  })
})
