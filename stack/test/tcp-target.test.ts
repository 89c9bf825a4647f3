/** What differs between receivers besides overlaps: resets, timestamps; and data that is ahead of the handshake. */
import { describe, expect, it } from 'vitest'
import { type Conversation, conversation, feed } from '../../test/support/conversation.js'
import { TCP_FLAG } from '../../test/support/frames.js'
import {
  createStack,
  ON_CONN_END,
  ON_NEW_DATA,
  type StackOptionsInput,
  SVR,
  type TcpPolicy,
} from '../src/index.js'

const { SYN, RST, ACK } = TCP_FLAG
const HUGE = { window: 65_535 }

/** What each side got, with `!` where the flow was not established, and how flows ended. */
function run(c: Conversation, options: StackOptionsInput = {}, finish = false): string {
  const stack = createStack({ seed: 1, maxFlows: 16, ...options })
  const parts: string[] = []
  const socket = stack.monitorStream()
  socket.on(ON_NEW_DATA, (flow, { side, bytes, start, end }) => {
    const text = Buffer.from(bytes.subarray(start, end)).toString('latin1')
    parts.push(`${side === SVR ? '>' : '<'}${text}${flow.established ? '' : '!'}`)
  })
  socket.on(ON_CONN_END, (_flow, { reason }) => parts.push(reason))
  feed(stack, c.packets())
  if (finish) stack.finish()
  return parts.join(' ')
}

describe('resets', () => {
  /** After 4 bytes: a reset `ahead` of the next byte that the server expects. */
  const reset = (policy: TcpPolicy, ahead: number): string => {
    const c = conversation().handshake().client('abcd')
    c.segment('client', { seq: c.seq('client') + ahead, flags: RST })
    return run(c.client('efgh'), { tcp: { policy } })
  }
  it.each([
    // Exactly at the next byte, inside the window, behind the window, before the next byte.
    ['first', [true, false, false, false]],
    ['windows', [true, false, false, false]],
    ['win2003', [true, false, false, false]],
    ['vista', [true, false, false, false]],
    ['irix', [true, false, false, false]],
    ['hpux10', [true, false, false, false]],
    ['macos', [true, false, false, false]],
    ['last', [true, false, false, false]],
    ['bsd', [true, true, false, false]],
    ['linux', [true, true, false, false]],
    ['old-linux', [true, true, false, false]],
    ['solaris', [true, true, false, false]],
    ['hpux11', [true, true, true, false]],
  ] as const)('%s', (policy, obeyed) => {
    expect([0, 1000, 500_000, -2].map((ahead) => reset(policy, ahead).includes('rst'))).toEqual(obeyed)
  })
})

describe('a reset behind a hole', () => {
  // The receiver waits for the missing bytes: it does not expect what its sender has sent last.
  const hole = (): Conversation =>
    conversation()
      .handshake()
      .segment('client', { seq: 1003, payload: 'cd' })
      .segment('client', { seq: 1005, flags: RST })

  it('is not obeyed', () => {
    expect(run(hole().segment('client', { seq: 1001, payload: 'ab' }))).toBe('>ab >cd')
  })

  it('is, once the hole is filled; and one behind a FIN counts the FIN', () => {
    const c = hole().segment('client', { seq: 1001, payload: 'ab' })
    expect(run(c.segment('client', { seq: 1005, flags: RST }))).toBe('>ab >cd rst')
    const closed = (ahead: number): Conversation => {
      const talk = conversation().handshake().fin('client').ack('server')
      return talk.segment('client', { seq: talk.seq('client') + ahead, flags: RST })
    }
    expect([run(closed(-1).fin('server')), run(closed(0))]).toEqual(['', 'rst'])
  })
})

describe('timestamps', () => {
  const option = (value: number): { options: Uint8Array } => ({
    options: Uint8Array.of(1, 1, 8, 10, value >>> 24, value >>> 16, value >>> 8, value, 0, 0, 0, 0),
  })
  const opened = (first: number, ack = first): Conversation =>
    conversation()
      .segment('client', { flags: SYN, ack: 0, ...option(first) })
      .segment('server', { flags: SYN | ACK, ...HUGE, ...option(5) })
      .segment('client', { flags: ACK, ...option(ack) })
  const say = (c: Conversation, payload: string, value: number, seq?: number): Conversation =>
    c.segment('client', { payload, flags: ACK, ...option(value), ...(seq === undefined ? {} : { seq }) })
  const hear = (c: Conversation, bytes: number): Conversation =>
    c.segment('server', { flags: ACK, ack: 1001 + bytes, ...HUGE, ...option(6) })
  const by = (policy: TcpPolicy): StackOptionsInput => ({ tcp: { policy, timestamps: 'check' } })

  it('of the past: the segment is dropped, and the right one counts', () => {
    const c = say(say(opened(1000), 'evil', 900, 1001), 'good', 1001, 1001)
    expect(run(c, by('bsd'))).toBe('>good')
    // Without the check the first one to come counts.
    expect(run(c)).toBe('>evil')
  })

  it('move on with the segments in order, not with those behind a hole', () => {
    const c = hear(say(opened(1000), 'ab', 2000), 2)
    expect(run(say(say(c, 'ef', 9000, 1005), 'cd', 3000, 1003), by('first'))).toBe('>ab >cd >ef')
    expect(run(say(hear(say(opened(1000), 'ab', 2000), 2), 'cd', 1500), by('first'))).toBe('>ab')
  })

  it('wrap around', () => {
    expect(run(say(opened(0xffff_fff0), 'ab', 5), by('first'))).toBe('>ab')
  })

  it('one behind is near enough for linux', () => {
    expect(run(say(opened(1000), 'ab', 999), by('linux'))).toBe('>ab')
    expect(run(say(opened(1000), 'ab', 998), by('linux'))).toBe('')
    expect(run(say(opened(1000), 'ab', 999), by('bsd'))).toBe('')
  })

  it('of 0 in the SYN: a value, or none, or one to be replaced', () => {
    const old = 0x9000_0000
    expect(run(say(opened(0), 'ab', old), by('bsd'))).toBe('')
    expect(run(say(opened(0, old), 'ab', old - 5), by('win2003'))).toBe('>ab')
    expect(run(say(opened(0, old), 'ab', old - 5), by('windows'))).toBe('')
    expect(run(say(opened(0, old), 'ab', old), by('windows'))).toBe('>ab')
  })

  it('out of order are not looked at by hpux11', () => {
    const c = (): Conversation => say(say(opened(1000), 'cd', 900, 1003), 'ab', 1000, 1001)
    expect(run(c(), by('hpux10'))).toBe('>ab')
    expect(run(c(), by('hpux11'), true)).toBe('>ab >cd shutdown')
  })

  it('left out once are not looked at any more by solaris', () => {
    const c = (): Conversation => say(opened(1000).segment('client', { payload: 'ab' }), 'cd', 900)
    expect(run(c(), by('bsd'))).toBe('>ab')
    expect(run(c(), by('solaris'), true)).toBe('>ab >cd shutdown')
  })

  it('of a connection that has none, or was picked up midstream, mean nothing', () => {
    const none = conversation().handshake()
    expect(run(say(say(none, 'ab', 1000), 'cd', 900), by('bsd'))).toBe('>ab >cd')
    const mid = say(say(conversation(), 'ab', 1000), 'cd', 900)
    expect(run(mid, { ...by('bsd'), midstream: true })).toBe('>ab >cd')
  })

  it('of a reset are not looked at', () => {
    const c = opened(1000).segment('client', { flags: RST, ...option(5) })
    expect(run(c, by('bsd'))).toBe('rst')
  })
})

describe('data ahead of the end of the handshake', () => {
  const syn = (): Conversation => conversation().segment('client', { flags: SYN, ack: 0, payload: 'GET /' })

  it('of a SYN is delivered once the handshake is over', () => {
    const c = syn().segment('server', { flags: SYN | ACK })
    expect(run(c)).toBe('')
    expect(run(c.segment('client', { payload: ' HTTP' }))).toBe('>GET / > HTTP')
  })

  it('of a SYN+ACK, and what a server says before the last ACK, as well', () => {
    const c = syn()
      .segment('server', { flags: SYN | ACK, payload: 'HTTP/1' })
      .segment('server', { payload: '.1' })
    expect(run(c)).toBe('')
    c.ack('client')
    expect(run(c).includes('!')).toBe(false)
    expect(run(c).split(' ').sort()).toEqual(['/', '<.1', '<HTTP/1', '>GET'])
  })

  it('is not out of order', () => {
    const stack = createStack({ seed: 1, maxFlows: 16 })
    stack.monitorStream().on(ON_NEW_DATA, () => {})
    feed(
      stack,
      syn()
        .segment('client', { payload: 'a' })
        .segment('server', { flags: SYN | ACK })
        .segment('client', { payload: 'b' })
        .packets(),
    )
    expect(stack.counters.outOfOrder).toBe(0)
  })

  it('is delivered at the end of a connection that never gets there', () => {
    expect(run(syn().segment('server', { flags: SYN | ACK }), {}, true)).toBe('>GET /! shutdown')
  })

  it('waits up to 64 KiB', () => {
    const c = conversation()
      .segment('client', { flags: SYN, ack: 0, ...HUGE })
      .segment('server', { flags: SYN | ACK, ...HUGE })
    for (let i = 0; i < 66; i++) c.segment('server', { payload: new Uint8Array(1000).fill(0x61) })
    expect(66_000 - run(c).replaceAll(/[^a]/g, '').length).toBeLessThanOrEqual(65_536)
  })

  it('is not held back where the capture shows one side alone', () => {
    const server = conversation()
    server
      .segment('server', { flags: SYN | ACK, ack: 1001 })
      .segment('server', { payload: 'hello', ack: 1001 })
    expect(run(server, { midstream: true })).toBe('<hello')
    const client = conversation().segment('client', { flags: SYN, ack: 0 })
    client.segment('client', { payload: 'hello' })
    expect(run(client)).toBe('>hello')
  })
})
