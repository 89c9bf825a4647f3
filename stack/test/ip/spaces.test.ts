/** Flows of the same addresses and ports in different tunnels: when they are one flow, and when not. */
import { describe, expect, it } from 'vitest'
import { conversation, type TestPacket } from '../../../test/support/conversation.js'
import { ethernet, ipv4, udp } from '../../../test/support/frames.js'
import { geneve, gre, gtp, mpls, pppoe, vxlan } from '../../../test/support/tunnels.js'
import { createStack, ON_CONN_END, ON_NEW_DATA } from '../../src/index.js'

const ends = { source: '198.51.100.1', destination: '198.51.100.2' }
const over = (payload: Uint8Array, protocol: number): Uint8Array =>
  ethernet(ipv4(payload, { ...ends, protocol }))
const overUdp = (payload: Uint8Array, destinationPort: number): Uint8Array =>
  over(udp({ ...ends, sourcePort: 50_000, destinationPort, payload }), 17)
const inside = (frame: Uint8Array): Uint8Array => frame.subarray(14)

/** Puts a frame into a tunnel of a number. */
type Wrap = (frame: Uint8Array, number: number) => Uint8Array

/** Two tenants hold the same conversation at the same time, but for what they say. */
function tenants(wrap: Wrap, numbers: readonly [number, number], back = numbers): TestPacket[] {
  const talks = ['first', 'second'].map((text) =>
    conversation({ clientIsn: 77 }).handshake().client(text).close().packets(),
  )
  return talks[0].flatMap((_, i) => {
    return talks.map((talk, tenant) => {
      const packet = talk[i]
      const number = (packet.from === 'client' ? numbers : back)[tenant]
      return { ...packet, frame: wrap(packet.frame, number) }
    })
  })
}

function told(packets: readonly TestPacket[]): { texts: string[]; ends: string[]; flows: number } {
  const stack = createStack({ seed: 1, maxFlows: 100 })
  const texts: string[] = []
  const reasons: string[] = []
  const socket = stack.monitorStream()
  socket.on(ON_NEW_DATA, (_flow, { bytes, start, end }) => {
    texts.push(Buffer.from(bytes.subarray(start, end)).toString())
  })
  socket.on(ON_CONN_END, (_flow, { reason }) => reasons.push(reason))
  for (const { frame, seconds, nanoseconds } of packets) {
    stack.frame(frame, 0, frame.length, frame.length, seconds, nanoseconds, 1, 0)
  }
  return { texts, ends: reasons, flows: stack.counters.flows }
}

describe('flows of the same addresses', () => {
  it.each<[string, Wrap]>([
    ['VXLAN networks', (frame, number) => overUdp(vxlan(frame, number), 4789)],
    ['GENEVE networks', (frame, number) => overUdp(geneve(frame, { type: 0x6558, network: number }), 6081)],
    ['GRE keys', (frame, number) => over(gre(inside(frame), { type: 0x0800, key: number }), 47)],
    ['NVGRE networks', (frame, number) => over(gre(frame, { type: 0x6558, key: number << 8 }), 47)],
    [
      'PPPoE sessions',
      (frame, number) =>
        ethernet(pppoe(inside(frame), { session: number, protocol: 0x21 }), { etherType: 0x8864 }),
    ],
    [
      'networks inside the same network',
      (frame, number) => overUdp(vxlan(overUdp(vxlan(frame, number), 4789), 9), 4789),
    ],
    [
      'networks with the same network inside',
      (frame, number) => overUdp(vxlan(overUdp(vxlan(frame, 9), 4789), number), 4789),
    ],
  ])('in different %s are different flows', (_name, wrap) => {
    expect(told(tenants(wrap, [5, 6]))).toEqual({
      texts: ['first', 'second'],
      ends: ['fin', 'fin'],
      flows: 2,
    })
    // And those of one network are one.
    expect(told(tenants(wrap, [5, 5]).filter((_, i) => i % 2 === 0))).toMatchObject({
      flows: 1,
      ends: ['fin'],
    })
  })

  it.each<[string, Wrap]>([
    ['MPLS labels', (frame, number) => ethernet(mpls(inside(frame), [number]), { etherType: 0x8847 })],
    ['GTP endpoints', (frame, number) => overUdp(gtp(inside(frame), number), 2152)],
    [
      'flow identifiers of NVGRE',
      (frame, number) => over(gre(frame, { type: 0x6558, key: 0x500 | number }), 47),
    ],
  ])('with %s that differ by direction are one flow', (_name, wrap) => {
    const packets = tenants(wrap, [5, 5], [6, 6]).filter((_, i) => i % 2 === 0)
    expect(told(packets)).toEqual({ texts: ['first'], ends: ['fin'], flows: 1 })
  })
})
