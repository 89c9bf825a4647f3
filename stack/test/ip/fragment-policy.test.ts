/** Overlapping fragments, by policy: the test pattern of the literature, and random ones against a model byte by byte. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ethernet, ipv4, ipv6, PROTOCOL } from '../../../test/support/frames.js'
import { FRAGMENT_POLICIES, type FragmentPolicy } from '../../src/index.js'
import { watch } from './support.js'

/** Protocol without a transport header the decoder knows: the payload is all the fragments carried. */
const RAW = 253
const ends = { source: '192.0.2.1', destination: '198.51.100.2', protocol: RAW }

interface Part {
  /** In units of 8 bytes. */
  readonly offset: number
  readonly units: number
  readonly last?: boolean
}

const letter = (index: number): string => String.fromCharCode(0x31 + index)

function frames(parts: readonly Part[]): Uint8Array[] {
  return parts.map(({ offset, units, last }, index) => {
    const payload = new Uint8Array(units * 8).fill(letter(index).charCodeAt(0))
    return ethernet(
      ipv4(payload, { ...ends, id: 7, fragmentOffset: offset * 8, moreFragments: last !== true }),
    )
  })
}

/** One letter per unit of what comes out; '' when nothing does. */
function reassemble(parts: readonly Part[], policy: FragmentPolicy): string {
  const run = watch({ defrag: { policy } })
  for (const frame of frames(parts)) run.send(frame)
  if (run.packets.length === 0) return ''
  return run.packets[0]!.payload.replace(/(.)\1{7}/g, '$1')
}

// Shankar and Paxson, figure 1; Novak, section 4. The last fragment ends the datagram, as both have it.
const PATTERN: readonly Part[] = [
  { offset: 0, units: 3 },
  { offset: 4, units: 2 },
  { offset: 6, units: 3 },
  { offset: 1, units: 4 },
  { offset: 6, units: 3 },
  { offset: 9, units: 3, last: true },
]

describe('the pattern of "Active Mapping"', () => {
  const results: Partial<Record<FragmentPolicy, string>> = {
    first: '111422333666',
    windows: '111422333666',
    solaris: '111422333666',
    last: '144442555666',
    bsd: '111442333666',
    'bsd-right': '144422555666',
    linux: '111442555666',
    drop: '',
  }
  for (const [policy, result] of Object.entries(results)) {
    it(`is ${result || 'nothing'} with '${policy}'`, () => {
      expect(reassemble(PATTERN, policy as FragmentPolicy)).toBe(result)
    })
  }
})

describe('a later fragment that covers an earlier one', () => {
  const cover = (before: number, behind: number): Part[] => [
    { offset: 2, units: 2 },
    { offset: 2 - before, units: 2 + before + behind },
    ...(before < 2 ? [{ offset: 0, units: 2 - before }] : []),
    { offset: 4 + behind, units: 1, last: true },
  ]

  it('on both sides wins with windows and solaris', () => {
    expect(reassemble(cover(1, 1), 'windows')).toBe('322224')
    expect(reassemble(cover(1, 1), 'solaris')).toBe('322224')
    expect(reassemble(cover(1, 1), 'first')).toBe('321124')
  })

  it('with the same end wins with solaris, not with windows', () => {
    expect(reassemble(cover(1, 0), 'solaris')).toBe('32224')
    expect(reassemble(cover(1, 0), 'windows')).toBe('32114')
  })

  it('with the same begin wins with linux, not with bsd', () => {
    expect(reassemble(cover(0, 1), 'linux')).toBe('332224')
    expect(reassemble(cover(0, 1), 'bsd')).toBe('331124')
  })

  it('is split by a new one inside with last', () => {
    const inside: Part[] = [
      { offset: 0, units: 4 },
      { offset: 1, units: 1 },
      { offset: 4, units: 1, last: true },
    ]
    expect(reassemble(inside, 'last')).toBe('12113')
    expect(reassemble(inside, 'bsd-right')).toBe('11113')
  })
})

// ---- Model ------------------------------------------------------------------------------------------------------

interface Run {
  readonly owner: number
  readonly start: number
  readonly end: number
}

/** Runs of bytes (units) that belong to one fragment. */
function runsOf(owners: readonly (number | undefined)[]): Run[] {
  const runs: Run[] = []
  for (let i = 0; i < owners.length; i++) {
    const owner = owners[i]
    if (owner === undefined) continue
    let end = i + 1
    while (owners[end] === owner) end++
    runs.push({ owner, start: i, end })
    i = end - 1
  }
  return runs
}

/** The rule of each policy, in the words of its definition. */
function oldWins(policy: FragmentPolicy, old: Run, from: number, to: number): boolean {
  const reachesEnd = old.end >= to
  const covered = from <= old.start && to >= old.end
  switch (policy) {
    case 'first':
    case 'drop':
      return true
    case 'last':
      return false
    case 'bsd':
      return old.start <= from
    case 'linux':
      return old.start < from
    case 'bsd-right':
      if (covered) return false
      return old.start < from ? reachesEnd : true
    case 'windows':
      return !(covered && from !== old.start && to !== old.end)
    case 'solaris':
      return !(covered && from !== old.start)
  }
}

/** The datagram, one letter per unit, or '' while it is incomplete. */
function model(parts: readonly Part[], policy: FragmentPolicy): string {
  let owners: (number | undefined)[] = []
  let size = -1
  let high = 0
  for (const [index, { offset, units, last }] of parts.entries()) {
    const to = offset + units
    if (last ? to < high || (size >= 0 && to !== size) : size >= 0 && to > size) continue
    const runs = runsOf(owners)
    if (policy === 'drop') {
      const touched = runs.filter((run) => run.start < to && run.end > offset)
      if (touched.length > 0) return ''
    }
    if (last) size = to
    high = Math.max(high, to)
    const next = [...owners]
    for (let unit = offset; unit < to; unit++) {
      const old = runs.find((run) => run.start <= unit && unit < run.end)
      if (old === undefined || !oldWins(policy, old, offset, to)) next[unit] = index
    }
    owners = Array.from({ length: high }, (_, i) => next[i])
    if (size >= 0 && owners.length === size && owners.every((owner) => owner !== undefined)) {
      return owners.map((owner) => letter(owner!)).join('')
    }
  }
  return ''
}

describe('random overlaps', () => {
  const part = fc.record({ offset: fc.nat(11), units: fc.integer({ min: 1, max: 6 }) })
  // Fragments anywhere, then all that is needed to complete the datagram.
  const parts = fc.array(part, { minLength: 1, maxLength: 9 }).chain((random) => {
    const high = Math.max(...random.map(({ offset, units }) => offset + units))
    const fill = fc.shuffledSubarray(
      Array.from({ length: high }, (_, offset) => ({ offset, units: 1 })),
      { minLength: high },
    )
    const last = { offset: high, units: 1, last: true }
    return fill.map((rest): Part[] => [...random, ...rest, last])
  })
  for (const policy of FRAGMENT_POLICIES) {
    it(`give the bytes of the model with '${policy}'`, () => {
      fc.assert(
        fc.property(parts, (list) => {
          expect(reassemble(list, policy)).toBe(model(list, policy))
        }),
        { numRuns: 300 },
      )
    })
  }
})

describe('the policy of a network', () => {
  const overlap = (destination: string): Uint8Array[] => {
    const six = destination.includes(':')
    return [
      { offset: 0, more: true, fill: 'a' },
      { offset: 0, more: true, fill: 'b' },
      { offset: 8, more: false, fill: 'c' },
    ].map(({ offset, more, fill }) => {
      const payload = new Uint8Array(8).fill(fill.charCodeAt(0))
      if (!six) {
        return ethernet(
          ipv4(payload, { ...ends, destination, id: 9, fragmentOffset: offset, moreFragments: more }),
        )
      }
      const body = Uint8Array.of(0, 0, offset | (more ? 1 : 0), 0, 0, 0, 9)
      return ethernet(
        ipv6(payload, {
          source: '2001:db8::1',
          destination,
          protocol: RAW,
          extensions: [{ type: 44, body }],
        }),
      )
    })
  }

  it('is that of the longest prefix that holds the destination', () => {
    const run = watch({
      defrag: {
        policy: 'last',
        ipv6Policy: 'first',
        targets: [
          { network: '10.0.0.0/8', policy: 'first' },
          { network: '10.1.0.0/16', policy: 'linux' },
          { network: '2001:db8:1::/48', policy: 'last' },
          { network: '10.1.2.3', policy: 'bsd' },
        ],
      },
    })
    const first = (destination: string): string => {
      run.packets.length = 0
      for (const frame of overlap(destination)) run.send(frame)
      return run.packets[0]!.payload[0]!
    }
    expect(first('192.0.2.77')).toBe('b')
    expect(first('10.9.9.9')).toBe('a')
    expect(first('10.1.9.9')).toBe('b')
    expect(first('10.1.2.3')).toBe('a')
    expect(first('2001:db8:1::5')).toBe('b')
    expect(first('2001:db8:2::5')).toBe('a')
  })

  it('is refused when it does not exist', () => {
    expect(() => watch({ defrag: { policy: 'minix' as FragmentPolicy } })).toThrow(RangeError)
    expect(() => watch({ defrag: { targets: [{ network: '10.0.0.0/33', policy: 'bsd' }] } })).toThrow(
      '10.0.0.0/33',
    )
  })
})

it('has a protocol number no decoder claims', () => {
  expect(Object.values(PROTOCOL)).not.toContain(RAW)
})
