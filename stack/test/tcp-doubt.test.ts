/** `tcp.doubtful: 'wait'`: data that not every host takes counts once its receiver has acknowledged it. */
import { describe, expect, it } from 'vitest'
import { type Conversation, conversation, feed, type SegmentFields } from '../../test/support/conversation.js'
import { concat, TCP_FLAG, tcpFrame } from '../../test/support/frames.js'
import { createStack, type StackOptionsInput } from '../src/index.js'
import { recorder } from './support/recorder.js'
import { simulate, WIRE } from './support/simulator.js'

const { ACK, RST } = TCP_FLAG
const WAIT: StackOptionsInput = { tcp: { doubtful: 'wait' } }
const talk = (): Conversation => conversation().handshake()

type Change = SegmentFields & { ttl?: number }

/** Feeds a conversation in which the packets that `mark` names are changed. */
function run(c: Conversation, changes: Readonly<Record<number, Change>>, options: StackOptionsInput = WAIT) {
  const { stack, lines } = recorder(options)
  const packets = c.packets().map((packet, at) => {
    const change = changes[at]
    if (change === undefined) return packet
    const { ttl, ...fields } = change
    const tcp = { ...packet.tcp!, ...fields, ipv4: { ...packet.tcp!.ipv4, ...(ttl && { ttl }) } }
    return { ...packet, tcp, frame: tcpFrame(tcp) }
  })
  feed(stack, packets)
  const streams = (): string[] => lines.filter((line) => /^(data|gap|end)/.test(line))
  const before = streams()
  stack.finish()
  expect(stack.counters.heldBytes).toBe(0)
  return { before, after: streams().slice(before.length), stack }
}

/** Packet 3 in place of packet 4, of the same length, or longer. */
const twice = (payload = 'XXXX'): Conversation => {
  const c = talk()
  return c
    .segment('client', { seq: c.seq('client'), flags: ACK, payload })
    .client('good')
    .client('more')
}
const GOOD = ['data to server at 0: good', 'data to server at 4: more']

const SIGNATURE = concat(Uint8Array.of(19, 18), new Uint8Array(18))
const KINDS: readonly (readonly [string, Change])[] = [
  ['a lower TTL', { ttl: 63 }],
  ['an acknowledgement long outdated', { ack: 5001 - 70_000 }],
  ['a signature', { options: SIGNATURE }],
]

describe('a stream that ends', () => {
  it('is not as long as doubtful segments say', () => {
    const c = talk()
    const decoy = { seq: c.seq('client'), flags: ACK | TCP_FLAG.FIN, payload: 'XXXXXXXX' }
    c.segment('client', decoy)
    const last = { seq: c.seq('client'), flags: ACK | TCP_FLAG.FIN, payload: 'good' }
    c.segment('client', last)
    c.segment('server', { seq: c.seq('server'), ack: (last.seq + 5) >>> 0, flags: ACK })
    const { before, after } = run(c, { 3: { ttl: 60 } })
    expect([...before, ...after].filter((line) => line.startsWith('data'))).toEqual([
      'data to server at 0: good',
    ])
  })
})

describe.each(KINDS)('data with %s', (_, change) => {
  it('gives way to other data', () => {
    expect(run(twice(), { 3: change }).before).toEqual(GOOD)
    expect(run(twice('XXXXXXXXXX'), { 3: change }).before).toEqual(GOOD)
  })

  it('counts by default', () => {
    expect(run(twice(), { 3: change }, {}).before).toEqual(['data to server at 0: XXXX', GOOD[1]])
  })

  it('counts once it is acknowledged', () => {
    const c = talk().segment('client', { payload: 'good' })
    expect(run(c, { 3: change }).before).toEqual([])
    expect(run(c.ack('server'), { 3: change }).before).toEqual([GOOD[0]])
    expect(run(c.client('more'), { 3: change }).before).toEqual(GOOD)
  })

  it('counts where nothing is acknowledged, and at the end', () => {
    const c = talk().segment('client', { payload: 'good' }).segment('client', { payload: 'more' })
    const { after } = run(c, { 4: change })
    expect(after.slice(0, 1)).toEqual([GOOD[1]])
    const oneSide = { ...WAIT, midstream: true }
    const { stack, lines } = recorder(oneSide)
    feed(
      stack,
      c.packets().filter(({ from }) => from === 'client'),
    )
    expect(lines.filter((line) => line.startsWith('data'))).toEqual(GOOD)
  })

  it('is not delivered where it was not taken', () => {
    const c = talk()
    c.client('good')
      .segment('client', { seq: c.seq('client'), flags: ACK, payload: 'XXXX' })
      .close()
    const { before, after } = run(c, { 5: change })
    expect([...before, ...after]).toEqual([GOOD[0], 'end fin'])
  })
})

describe('data beyond the window', () => {
  const options = { options: new Uint8Array(0) }
  const narrow = (c: Conversation): ReturnType<typeof run> => {
    const window = Object.fromEntries(c.packets().map((_, i) => [i, { window: 4, ...options }]))
    return run(c, window)
  }

  it('gives way to what is sent once there is room', () => {
    const c = talk()
    c.segment('client', { seq: (c.seq('client') + 4) >>> 0, flags: ACK, payload: 'XXXX' })
    c.client('good').client('more')
    expect(narrow(c).before).toEqual(GOOD)
    const closed = talk()
    closed.client('good').segment('server', { window: 0 })
    expect(narrow(closed).before).toEqual([GOOD[0]])
  })

  it('counts when it was acknowledged all the same', () => {
    const c = talk().segment('client', { payload: 'good' }).segment('client', { payload: 'more' })
    expect(narrow(c).before).toEqual([GOOD[0]])
    expect(narrow(c.ack('server')).before).toEqual(GOOD)
  })
})

describe('resets', () => {
  const reset = (fields: SegmentFields): Conversation => {
    const c = talk().client('good')
    return c.segment('client', { seq: c.seq('client'), flags: RST, ...fields }).client('more')
  }
  const policy: StackOptionsInput = { tcp: { policy: 'bsd', doubtful: 'wait' } }

  it('with a lower TTL, or inside the window only, end nothing', () => {
    expect(run(reset({}), { 5: { ttl: 9 } }, policy).before).toEqual(GOOD)
    const c = talk().client('good')
    c.segment('client', { seq: (c.seq('client') + 9) >>> 0, flags: RST }).client('more')
    expect(run(c, {}, policy).before).toEqual(GOOD)
    expect(run(c, {}, { tcp: { policy: 'bsd' } }).before[1]).toBe('end rst')
  })

  it('with the next number end the connection', () => {
    expect(run(reset({}), {}, policy).before[1]).toBe('end rst')
  })
})

describe('what is usual', () => {
  it('is the largest TTL of the handshake: a SYN that did not arrive tells nothing', () => {
    const c = conversation().segment('client', { seq: 77, flags: TCP_FLAG.SYN, ack: 0 }).handshake()
    c.segment('client', { seq: c.seq('client'), flags: ACK, payload: 'XXXX' })
      .client('good')
      .client('more')
    expect(run(c, { 0: { ttl: 4 }, 4: { ttl: 5 } }).before.filter((line) => line.startsWith('data'))).toEqual(
      GOOD,
    )
  })

  it('may be anything else', () => {
    expect(() => createStack({ tcp: { doubtful: 'maybe' as 'wait' } })).toThrow('tcp.doubtful')
  })
})

it('whole connections lose nothing', () => {
  const links = { client: WIRE, server: { loss: 150, duplication: 150, delay: 250 } }
  const stack = { tcp: { doubtful: 'wait' }, outOfOrder: { acrossSides: true } } as const
  const { faults, gapBytes } = simulate({ seed: 5, ...links, connections: 1000, stack })
  expect(faults).toEqual([])
  expect(gapBytes).toBe(0)
})
