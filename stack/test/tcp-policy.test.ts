/** Target-based reassembly: which copy of a byte counts, by the receiver's policy; by example, and against a byte map. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Conversation, conversation, feed } from '../../test/support/conversation.js'
import { TCP_FLAG } from '../../test/support/frames.js'
import {
  createStack,
  ON_CONN_START,
  ON_GAP,
  ON_NEW_DATA,
  ON_OVERLAP_CONFLICT,
  type StackOptionsInput,
  SVR,
  TCP_POLICIES,
  TCP_TRAITS,
  type TcpPolicy,
} from '../src/index.js'

const { SYN, ACK } = TCP_FLAG
const HUGE = { window: 65_535 }

const opened = (options = {}): Conversation =>
  conversation(options)
    .segment('client', { flags: SYN, ack: 0 })
    .segment('server', { flags: SYN | ACK, ...HUGE })
    .ack('client')

/** Segment of the client at stream offset `offset`. */
const at = (c: Conversation, offset: number, payload: string | Uint8Array): Conversation =>
  c.segment('client', { seq: (1001 + offset) >>> 0, payload, flags: ACK })
/** Acknowledgement of the server, up to stream offset `offset`. */
const acked = (c: Conversation, offset: number): Conversation =>
  c.segment('server', { ack: (1001 + offset) >>> 0, flags: ACK, ...HUGE })

/** The stream the server gets, `.` for what is missing. */
function stream(c: Conversation, options: StackOptionsInput, finish = true): string {
  const stack = createStack({ seed: 1, maxFlows: 16, ...options })
  let text = ''
  const socket = stack.monitorStream()
  socket.on(ON_NEW_DATA, (_flow, { side, bytes, start, end }) => {
    if (side === SVR) text += Buffer.from(bytes.subarray(start, end)).toString('latin1')
  })
  socket.on(ON_GAP, (_flow, { side, length }) => {
    if (side === SVR) text += '.'.repeat(length)
  })
  feed(stack, c.packets())
  if (finish) stack.finish()
  expect(stack.counters.heldBytes === 0 || !finish).toBe(true)
  return text
}
const by = (policy: TcpPolicy): StackOptionsInput => ({ tcp: { policy } })

describe('a new segment in each relation to a queued one', () => {
  // Queued: bytes 4 to 8. The new segment begins before, with or after them and ends before, with or after them; then
  // the missing bytes come one by one, so that they decide nothing.
  const STARTS = { before: 2, same: 4, after: 5 } as const
  const ENDS = { before: 7, same: 8, after: 10 } as const
  /** Who gets the shared bytes, by beginning (rows) and end: the tables of Novak and Sturges, and Snort 3. */
  const WINNERS: Readonly<Record<TcpPolicy, string>> = {
    first: 'ooo ooo ooo',
    vista: 'ooo ooo ooo',
    last: 'nnn nnn nnn',
    bsd: 'nnn ooo ooo',
    macos: 'nnn ooo ooo',
    windows: 'nnn ooo ooo',
    win2003: 'nnn ooo ooo',
    linux: 'nnn oon ooo',
    irix: 'nnn oon ooo',
    hpux10: 'nnn oon ooo',
    'old-linux': 'nnn onn ooo',
    solaris: 'onn onn oon',
    hpux11: 'onn onn oon',
  }
  it.each(TCP_POLICIES)('%s', (policy) => {
    const found = Object.values(STARTS).map((from) =>
      Object.values(ENDS)
        .map((to) => {
          const c = at(at(opened(), 4, 'oooo'), from, 'n'.repeat(to - from))
          const text = stream(c, by(policy))
          const shared = text.slice(Math.max(4, from), Math.min(8, to))
          expect(new Set(shared).size).toBe(1)
          // Outside of what they share both keep their bytes.
          expect(text.slice(Math.min(from, 4))).toBe(
            Array.from({ length: Math.max(8, to) - Math.min(4, from) }, (_, i) => {
              const offset = Math.min(from, 4) + i
              const old = offset >= 4 && offset < 8
              return old && offset >= from && offset < to ? shared[0] : old ? 'o' : 'n'
            }).join(''),
          )
          return shared[0]
        })
        .join(''),
    )
    expect(found.join(' ')).toBe(WINNERS[policy])
  })

  it('judges a segment longer than a chunk of memory as one', () => {
    // Begins after the long one but is not the beginning of anything: with BSD the long one stays, all of it.
    const long = new Uint8Array(6000).fill(0x6f)
    const c = at(at(opened(), 10, long), 2000, 'n'.repeat(3000))
    expect(stream(c, by('bsd'))).not.toContain('n')
    expect(stream(c, by('last'))).toBe(
      `${'.'.repeat(10)}${'o'.repeat(1990)}${'n'.repeat(3000)}${'o'.repeat(1010)}`,
    )
  })
})

describe('bytes in order', () => {
  const twice = (): Conversation => acked(at(at(opened(), 0, 'GOOD'), 0, 'EVIL'), 4)

  it('are delivered at once, and the first copy stays', () => {
    for (const policy of TCP_POLICIES.filter((name) => !TCP_TRAITS[name].untilAcked)) {
      expect(stream(at(opened(), 0, 'GOOD'), by(policy), false)).toBe('GOOD')
      expect(stream(twice(), by(policy))).toBe('GOOD')
    }
  })

  it('wait for their acknowledgement where a later copy may count', () => {
    for (const policy of TCP_POLICIES.filter((name) => TCP_TRAITS[name].untilAcked)) {
      expect(stream(at(opened(), 0, 'GOOD'), by(policy), false)).toBe('')
      expect(stream(acked(at(opened(), 0, 'GOOD'), 2), by(policy), false)).toBe('GO')
      expect(stream(twice(), by(policy), false)).toBe('EVIL')
      // What has been acknowledged does not change any more.
      expect(stream(at(acked(at(opened(), 0, 'GOOD'), 2), 0, 'EVIL'), by(policy))).toBe('GOIL')
    }
  })

  it('that are acknowledged before they are captured are delivered at once', () => {
    expect(stream(at(acked(opened(), 4), 0, 'GOOD'), by('last'), false)).toBe('GOOD')
  })

  it('are not out of order because earlier ones still wait', () => {
    const stack = createStack({ seed: 1, maxFlows: 16, ...by('last') })
    stack.monitorStream().on(ON_NEW_DATA, () => {})
    feed(stack, at(at(opened(), 0, 'ab'), 2, 'cd').packets())
    expect(stack.counters.outOfOrder).toBe(0)
  })
})

describe('the policy of a flow', () => {
  const overlap = (options = {}): Conversation => at(at(at(opened(options), 4, 'oooo'), 2, 'nnnn'), 0, 'ab')

  it('is that of the receiver, by the longest network that holds it', () => {
    const targets = [
      { network: '10.0.0.0/8', policy: 'bsd' },
      { network: '10.1.0.0/16', policy: 'vista' },
      { network: '2001:db8::/32', policy: 'bsd' },
    ] as const
    const tcp = { policy: 'first', targets } as const
    expect(stream(overlap({ server: '10.2.0.1' }), { tcp })).toBe('abnnnnoo')
    expect(stream(overlap({ server: '10.1.0.1' }), { tcp })).toBe('abnnoooo')
    expect(stream(overlap({ server: '192.0.2.1', client: '10.2.0.1' }), { tcp })).toBe('abnnoooo')
    expect(stream(overlap({ server: '2001:db8::1', client: '2001:db9::1' }), { tcp })).toBe('abnnnnoo')
  })

  it('may be set for one flow, at any time', () => {
    const stack = createStack({ seed: 1, maxFlows: 16 })
    let text = ''
    const socket = stack.monitorStream()
    socket.on(ON_CONN_START, (flow) => {
      expect(flow.side(SVR).policy).toBe('first')
      flow.side(SVR).setPolicy('bsd')
      expect(flow.side(SVR).policy).toBe('bsd')
      expect(() => flow.side(SVR).setPolicy('os2' as TcpPolicy)).toThrow(RangeError)
    })
    socket.on(ON_NEW_DATA, (_flow, { bytes, start, end }) => {
      text += Buffer.from(bytes.subarray(start, end)).toString('latin1')
    })
    feed(stack, overlap().packets())
    expect(text).toBe('abnnnnoo')
  })

  it('may go from one that waits to one that does not, with bytes waiting', () => {
    const stack = createStack({ seed: 1, maxFlows: 16, ...by('last') })
    let text = ''
    const socket = stack.monitorStream()
    socket.on(ON_OVERLAP_CONFLICT, (flow) => flow.side(SVR).setPolicy('first'))
    socket.on(ON_NEW_DATA, (_flow, { bytes, start, end }) => {
      text += Buffer.from(bytes.subarray(start, end)).toString('latin1')
    })
    feed(stack, at(at(opened(), 0, 'GOOD'), 0, 'EVIL').packets())
    expect(text).toBe('GOOD')
  })

  it('has to be one there is', () => {
    expect(() => createStack(by('os2' as TcpPolicy))).toThrow(RangeError)
    expect(() => createStack({ tcp: { targets: [{ network: 'here', policy: 'bsd' }] } })).toThrow(RangeError)
  })
})

describe('ON_OVERLAP_CONFLICT', () => {
  const conflicts = (c: Conversation, options: StackOptionsInput = {}, retain = 0): string[] => {
    const stack = createStack({ seed: 1, maxFlows: 16, ...options })
    const lines: string[] = []
    const socket = stack.monitorStream({ retain: { server: retain } })
    socket.on(ON_OVERLAP_CONFLICT, (_flow, { side, offset, sequence, earlier, later, winner }) => {
      expect(sequence).toBe(1001 + offset)
      const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
      lines.push(`to ${side} at ${offset}: ${text(earlier)} ${text(later)}, ${winner}`)
    })
    feed(stack, c.packets())
    return lines
  }

  it('hands over both versions of queued bytes, once for each earlier segment', () => {
    const c = at(at(at(opened(), 4, 'abcd'), 10, 'efg'), 5, 'BCDxxEFyy')
    expect(conflicts(c)).toEqual(['to 1 at 5: bcd BCD, earlier', 'to 1 at 10: efg EFy, earlier'])
    expect(conflicts(c, by('bsd'))).toEqual(['to 1 at 5: bcd BCD, earlier', 'to 1 at 10: efg EFy, later'])
  })

  it('is not raised for true retransmissions', () => {
    expect(conflicts(at(at(at(opened(), 4, 'abcd'), 5, 'bcde'), 0, '0123abcd'))).toEqual([])
  })

  it('compares an in-order segment with what is queued', () => {
    const c = at(at(opened(), 2, 'CD'), 0, 'abcdef')
    expect(conflicts(c)).toEqual(['to 1 at 2: CD cd, earlier'])
    expect(conflicts(c, by('linux'))).toEqual(['to 1 at 2: CD cd, later'])
  })

  it('compares with delivered bytes as far as they are retained', () => {
    const c = at(at(opened(), 0, 'abcdef'), 0, 'abXdeYgh')
    expect(conflicts(c)).toEqual([])
    expect(conflicts(c, {}, 100)).toEqual(['to 1 at 0: abcdef abXdeY, earlier'])
    expect(conflicts(c, {}, 3)).toEqual(['to 1 at 3: def deY, earlier'])
    expect(conflicts(at(at(opened(), 0, 'abcdef'), 1, 'bZ'), {}, 100)).toEqual(['to 1 at 1: bc bZ, earlier'])
  })

  it('sees bytes that wait for their acknowledgement', () => {
    expect(conflicts(at(at(opened(), 0, 'GOOD'), 0, 'EVIL'), by('old-linux'))).toEqual([
      'to 1 at 0: GOOD EVIL, later',
    ])
  })

  it('survives handlers that stop the flow', () => {
    const stack = createStack({ seed: 1, maxFlows: 16 })
    stack.monitorStream().on(ON_OVERLAP_CONFLICT, (flow) => flow.stop())
    feed(stack, at(at(at(opened(), 4, 'abcd'), 10, 'efg'), 3, 'xxxxxxxxxxxx').packets())
    expect(stack.counters.heldBytes).toBe(0)
  })
})

// ---- Properties --------------------------------------------------------------------------------------------------

/** The rules in words, written down anew: does the segment [from, to) win over the queued run [start, end)? */
const wins: Readonly<Record<string, (start: number, end: number, from: number, to: number) => boolean>> = {
  first: () => false,
  last: () => true,
  bsd: (start, _end, from) => from < start,
  linux: (start, end, from, to) => from < start || (from === start && to > end),
  'old-linux': (start, end, from, to) => from < start || (from === start && to >= end),
  solaris: (start, end, from, to) => to > end || (to === end && from <= start),
}
const LIKE: Readonly<Partial<Record<TcpPolicy, string>>> = {
  vista: 'first',
  windows: 'bsd',
  win2003: 'bsd',
  macos: 'bsd',
  irix: 'linux',
  hpux10: 'linux',
  hpux11: 'solaris',
}

/** A stream as a map from offsets to bytes and to the segments they came in. */
class ByteMap {
  readonly bytes = new Map<number, { readonly fill: number; readonly from: number }>()
  /** Bytes before this offset are final. */
  final = 0
  private count = 0
  private readonly rule: (start: number, end: number, from: number, to: number) => boolean
  private readonly waits: boolean
  private ack = 0

  constructor(policy: TcpPolicy) {
    this.rule = wins[LIKE[policy] ?? policy]!
    this.waits = ['last', 'old-linux', 'solaris', 'hpux11'].includes(policy)
  }

  get contiguous(): number {
    let end = this.final
    while (this.bytes.has(end)) end++
    return end
  }

  segment(offset: number, length: number, fill: number): void {
    const from = Math.max(offset, this.final)
    const to = offset + length
    const id = ++this.count
    const taken: number[] = []
    for (let i = from; i < to; i++) {
      const queued = this.bytes.get(i)
      if (queued === undefined) {
        taken.push(i)
        continue
      }
      let start = i
      while (start > this.final && this.bytes.get(start - 1)?.from === queued.from) start--
      let end = i + 1
      while (this.bytes.get(end)?.from === queued.from) end++
      if (this.rule(start, end, from, to)) taken.push(i)
    }
    for (const i of taken) this.bytes.set(i, { fill, from: id })
    this.settle()
  }

  acknowledge(offset: number): void {
    this.ack = Math.max(this.ack, offset)
    this.settle()
  }

  private settle(): void {
    this.final = this.waits ? Math.max(this.final, Math.min(this.contiguous, this.ack)) : this.contiguous
  }
}

interface Step {
  readonly from: number
  readonly length: number
  /** Acknowledges this part of what is contiguous, in place of sending. */
  readonly ack: number | undefined
}

const step: fc.Arbitrary<Step> = fc.record({
  from: fc.nat(120),
  length: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 2, max: 40 }) },
    { weight: 1, arbitrary: fc.constantFrom(2100, 5000) },
  ),
  ack: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined, freq: 4 }),
})

describe('any overlaps', () => {
  it.each(TCP_POLICIES)('%s: every byte is the one the policy says', (policy) => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 25 }),
        fc.constantFrom(1000, 0xffff_ffd0, 0x7fff_ffd0),
        fc.boolean(),
        (steps, isn, hole) => {
          const model = new ByteMap(policy)
          const c = opened({ clientIsn: isn })
          let fill = 0
          for (const { from, length, ack } of steps) {
            if (ack !== undefined) {
              const offset = Math.floor(ack * model.contiguous)
              model.acknowledge(offset)
              c.segment('server', { ack: (isn + 1 + offset) >>> 0, flags: ACK, ...HUGE })
              continue
            }
            // With a hole in front nothing is in order until the end.
            const offset = from + (hole ? 1 : 0)
            fill = (fill % 200) + 1
            model.segment(offset, length, fill)
            const payload = new Uint8Array(length).fill(fill)
            c.segment('client', { seq: (isn + 1 + offset) >>> 0, flags: ACK, payload })
          }
          const stack = createStack({ seed: 1, maxFlows: 16, tcp: { policy } })
          const got = new Map<number, number>()
          let next = 0
          const socket = stack.monitorStream()
          socket.on(ON_NEW_DATA, (_flow, { offset, bytes, start, end }) => {
            expect(offset).toBe(next)
            for (let i = start; i < end; i++) got.set(next++, bytes[i]!)
          })
          socket.on(ON_GAP, (_flow, { offset, length }) => {
            expect(offset).toBe(next)
            next += length
          })
          feed(stack, c.packets())
          expect(next).toBe(model.final)
          stack.finish()
          expect([...got]).toEqual(
            [...model.bytes]
              .map(([offset, { fill: byte }]) => [offset, byte] as const)
              .sort(([a], [b]) => a - b),
          )
          expect(stack.counters.heldBytes).toBe(0)
        },
      ),
      { numRuns: 50 },
    )
  })
})
