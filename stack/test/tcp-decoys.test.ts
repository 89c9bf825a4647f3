/** Segments that no receiver takes, and segments that the capture shows late: the stream is the one that was received. */
import { describe, expect, it } from 'vitest'
import {
  type ConversationOptions,
  conversation,
  feed,
  type TestPacket,
} from '../../test/support/conversation.js'
import { concat, TCP_FLAG } from '../../test/support/frames.js'
import type { StackOptionsInput } from '../src/index.js'
import { recorder } from './support/recorder.js'

const { FIN, PSH } = TCP_FLAG

const talk = (options: ConversationOptions = {}) => conversation(options).handshake()

function run(packets: readonly TestPacket[], options: StackOptionsInput = {}) {
  const { stack, lines } = recorder(options)
  feed(stack, packets)
  const before = [...lines]
  stack.finish()
  return { stack, lines, before }
}

const dataOf = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith('data'))

describe('segments that every host drops', () => {
  it.each([
    ['no flag', 0],
    ['PSH alone', PSH],
    ['FIN alone', FIN],
  ])('with %s are not used', (_, flags) => {
    const c = talk()
    c.segment('client', { seq: c.seq('client'), flags, ack: 0, payload: 'XXXX' })
    c.client('good').server('fine').close()
    const { stack, lines } = run(c.packets())
    expect(dataOf(lines)).toEqual(['data to server at 0: good', 'data to client at 0: fine'])
    expect(lines.at(-1)).toBe('end fin')
    expect(stack.counters.withoutAck).toBe(1)
  })

  it('with an acknowledgement of what was never sent are not used', () => {
    const c = talk()
    c.segment('client', { seq: c.seq('client'), ack: (c.seq('server') + 200_000) >>> 0, payload: 'XXXX' })
    c.client('good').server('fine').close()
    const { stack, lines } = run(c.packets())
    expect(dataOf(lines)).toEqual(['data to server at 0: good', 'data to client at 0: fine'])
    expect(stack.counters.outOfWindow).toBe(1)
  })

  it('acknowledgements ahead of the data they acknowledge are no decoys', () => {
    const c = talk({ acks: false })
    c.segment('client', { ack: (c.seq('server') + 60_000) >>> 0, payload: 'one' })
    c.segment('client', { ack: (c.seq('server') + 120_000) >>> 0, payload: 'two' })
    expect(dataOf(run(c.packets()).lines)).toEqual(['data to server at 0: one', 'data to server at 3: two'])
  })

  it('a loss of more than a window is overcome by an acknowledgement without data', () => {
    const c = talk()
    c.skip('server', 500_000).ack('client').client('good')
    expect(dataOf(run(c.packets()).lines)).toEqual(['data to server at 0: good'])
  })

  it('with an old timestamp are not used, wherever the option stands', () => {
    const stamp = (value: number, before: number[]): Uint8Array => {
      const option = Uint8Array.of(8, 10, 0, 0, 0, value, 0, 0, 0, 0)
      return concat(Uint8Array.from(before), option)
    }
    for (const before of [
      [1, 1],
      [3, 3, 1],
    ]) {
      const c = conversation().handshake({ options: stamp(50, [1, 1]) })
      c.segment('client', { payload: 'a', options: stamp(60, before) })
      c.segment('client', { seq: c.seq('client'), payload: 'X', options: stamp(59, before) })
      c.segment('client', { payload: 'b', options: stamp(60, before) })
      const { stack, lines } = run(c.packets(), { tcp: { timestamps: 'check' } })
      expect(dataOf(lines)).toEqual(['data to server at 0: a', 'data to server at 1: b'])
      expect(stack.counters.pawsDropped).toBe(1)
    }
  })
})

describe('data that the capture shows after the connection has closed', () => {
  it('is delivered, and the end comes behind it', () => {
    const c = talk({ acks: false })
    const late = { seq: (c.seq('server') + 4) >>> 0, payload: 'last' }
    c.client('hi').server('the ').skip('server', 4).fin('server').fin('client').ack('server')
    c.segment('server', { ...late, ack: c.seq('client') })
    const { before } = run(c.packets())
    expect(before.filter((line) => /^(data|gap|end)/.test(line))).toEqual([
      'data to server at 0: hi',
      'data to client at 0: the ',
      'data to client at 4: last',
      'end fin',
    ])
  })

  it('is not waited for any longer than late packets are', () => {
    const c = talk()
    c.client('hi').skip('server', 4).fin('server').fin('client').ack('server')
    const other = conversation({ client: '203.0.113.6', start: 1_700_000_030 }).handshake()
    const { before } = run([...c.packets(), ...other.packets()])
    expect(before).toContain('gap to client at 0 +4')
    expect(before).toContain('end fin')
  })
})
