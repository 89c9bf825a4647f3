/** `outOfOrder.acrossSides`: what both sides say is delivered in the order they said it, however late its packets come. */
import { describe, expect, it } from 'vitest'
import {
  conversation,
  feed,
  randomFrom,
  resegment,
  type TestPacket,
} from '../../test/support/conversation.js'
import { TCP_FLAG } from '../../test/support/frames.js'
import type { StackOptionsInput } from '../src/index.js'
import { recorder } from './support/recorder.js'
import { simulate, WIRE } from './support/simulator.js'

const { ACK } = TCP_FLAG
const talk = () => conversation().handshake()

function run(
  packets: readonly TestPacket[],
  options: StackOptionsInput['outOfOrder'] = { acrossSides: true },
) {
  const { stack, lines } = recorder({ midstream: true, outOfOrder: options })
  feed(stack, packets)
  const before = [...lines]
  stack.finish()
  expect(stack.counters.heldBytes).toBe(0)
  const streams = (list: string[]): string[] => list.filter((line) => /^(data|gap)/.test(line))
  return { stack, all: streams(lines), before: streams(before) }
}

const SAID = [
  'data to server at 0: ask 1',
  'data to client at 0: answer 1',
  'data to server at 5: ask 2',
  'data to client at 8: answer 2',
]

/** Packets 3, 5, 7 and 9 carry data, with an ACK behind each. */
const four = (): TestPacket[] =>
  talk().client('ask 1').server('answer 1').client('ask 2').server('answer 2').packets()

function order(packets: readonly TestPacket[], ...at: number[]): TestPacket[] {
  return at.map((index) => packets[index]!)
}

describe('packets of one direction that come late', () => {
  it.each([
    ['as they were sent', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ['a question behind its answer', [0, 1, 2, 5, 3, 4, 6, 7, 8, 9, 10]],
    ['an answer behind the next question', [0, 1, 2, 3, 4, 7, 5, 6, 8, 9, 10]],
    ['each behind the other', [0, 1, 2, 9, 7, 5, 3, 4, 6, 8, 10]],
    ['one side behind the other', [0, 1, 2, 4, 5, 8, 9, 3, 6, 7, 10]],
    ['one side, and no handshake', [1, 0, 2, 4, 5, 8, 9, 3, 6, 7, 10]],
  ])('%s', (_, at) => {
    const { before } = run(order(four(), ...at))
    expect(before).toEqual(SAID)
  })

  it('are not waited for by default', () => {
    const { before } = run(order(four(), 0, 1, 2, 5, 3, 4, 6, 7, 8, 9, 10), {})
    expect(before.slice(0, 2)).toEqual(SAID.slice(0, 2).reverse())
  })

  it('are put where they belong, whatever the order', () => {
    const random = randomFrom(4)
    const turns = Array.from({ length: 8 }, (_, i) => `${'line '.repeat(1 + (i % 4))}${i}\r\n`)
    const c = talk()
    for (const [i, turn] of turns.entries()) {
      if (i % 2 === 0) c.client(turn)
      else c.server(turn)
    }
    const packets = resegment(c.close().packets(), 6)
    for (let round = 0; round < 300; round++) {
      const late = packets
        .map((packet, i) => ({ packet, at: i < 3 ? i : i + random() * 10 }))
        .sort((a, b) => a.at - b.at)
        .map(({ packet }) => packet)
      const said: string[] = []
      let last = ''
      for (const line of run(late).all) {
        const [, side, text] = /^data to (\w+) at \d+: (.*)$/s.exec(line)!
        if (side === last) said[said.length - 1] += text
        else said.push(text!)
        last = side!
      }
      expect(said).toEqual(turns)
    }
  })
})

describe('what is acknowledged and never comes', () => {
  it('was lost by the capture, when the receiver takes what waits for it', () => {
    const c = talk().skip('client', 5)
    c.server('answer 1')
    for (let i = 0; i < 12; i++) c.ack('client')
    const { before } = run(c.packets())
    expect(before).toEqual(['gap to server at 0 +5', 'data to client at 0: answer 1'])
  })

  it('is not waited for longer than that', () => {
    const c = talk().skip('client', 5).server('answer 1').delay(600).ack('client')
    c.client('ask 2').server('answer 2')
    expect(run(c.packets()).all).toEqual(['gap to server at 0 +5', ...SAID.slice(1)])
  })

  it('does not matter once the connection is over', () => {
    const c = talk().skip('client', 5).server('answer 1')
    expect(run(c.packets()).all).toEqual(['data to client at 0: answer 1'])
  })

  it('is not waited for where the capture shows one side alone', () => {
    const packets = talk().client('ask 1').server('answer 1').client('ask 2').packets()
    const only = (side: string) => run(packets.filter(({ from }) => from === side)).before
    expect(only('client')).toEqual([SAID[0], SAID[2]])
    expect(only('server')).toEqual([SAID[1]])
  })

  it('was never sent, when other data comes in place of that which acknowledged it', () => {
    const c = talk()
    c.segment('client', { seq: c.seq('client'), ack: (c.seq('server') + 100) >>> 0, payload: 'XXXXX' })
    c.segment('client', {
      seq: (c.seq('client') + 2) >>> 0,
      ack: (c.seq('server') + 50) >>> 0,
      payload: 'YYYYYYY',
    })
    c.client('ask 1').server('answer 1').client('ask 2').server('answer 2')
    expect(run(c.packets()).before).toEqual(SAID)
    // Without the option the first copy counts.
    expect(run(c.packets(), {}).before[0]).not.toBe(SAID[0])
  })

  it('keeps within the limits of out-of-order data', () => {
    const c = talk().skip('client', 5)
    for (let i = 0; i < 50; i++) c.segment('server', { flags: ACK, payload: `${String(i).padStart(9)}\n` })
    for (const limits of [{ sideBytes: 100 }, { sideSegments: 5 }, { totalBytes: 4096 }]) {
      const { all, stack } = run(c.packets(), { acrossSides: true, ...limits })
      expect(all.filter((line) => line.startsWith('data')).length).toBe(50)
      expect(
        stack.counters.heldBytesLimit + stack.counters.heldSegmentsLimit + stack.counters.heldTotalLimit,
      ).toBeGreaterThan(0)
    }
  })
})

describe('whole connections over bad networks', () => {
  it.each([
    ['beside one endpoint', { client: WIRE, server: { loss: 150, duplication: 150, delay: 250 } }],
    [
      'between two networks',
      { client: { loss: 50, duplication: 50, delay: 40 }, server: { loss: 50, duplication: 50, delay: 40 } },
    ],
  ])('every byte comes, %s', (_, links) => {
    const stack = { outOfOrder: { acrossSides: true } }
    const { faults, gapBytes } = simulate({ seed: 3, ...links, connections: 1000, stack })
    expect(faults).toEqual([])
    expect(gapBytes).toBe(0)
  })
})
