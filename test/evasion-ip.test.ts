/**
 * The same attack in other IP packets: fragments, tunnels, links and IPv6. The signatures raised must be those of the
 * plain conversation.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { type ConversationOptions, resegment, shuffle, type TestPacket } from './support/conversation.js'
import { Attacks, fragments, plain, shuffled, type Variant } from './support/evasion.js'
import { ETHERTYPE, ethernet, fragmentIpv4, ipv4, ipv6, PROTOCOL, tcp, udp } from './support/frames.js'
import { gre, mpls, pppoe, vxlan } from './support/tunnels.js'

const ETHERNET_HEADER = 14

/** The IPv6 address that stands for a client's IPv4 address. */
function overIpv6(options: ConversationOptions): ConversationOptions {
  const [a, b, c, d] = options.client!.split('.').map(Number)
  const client = `2001:db8::${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`
  return { ...options, client, server: '2001:db8::80' }
}

/** Fragments that overlap by half; both copies of a byte are the same. */
function overlapping(packets: readonly TestPacket[]): TestPacket[] {
  return packets.flatMap((packet, id) => {
    if (packet.tcp === undefined) return [packet]
    const segment = tcp(packet.tcp)
    const { source, destination } = packet.tcp
    const out: TestPacket[] = []
    for (let at = 0; at < segment.length; at += 24) {
      const end = Math.min(segment.length, at + 48)
      const header = {
        source,
        destination,
        protocol: PROTOCOL.TCP,
        id,
        fragmentOffset: at,
        moreFragments: end < segment.length,
      }
      out.push({ ...packet, frame: ethernet(ipv4(segment.subarray(at, end), header)) })
    }
    return out
  })
}

/** Every IP packet inside another frame. */
function inside(
  packets: readonly TestPacket[],
  wrap: (packet: Uint8Array, number: number) => Uint8Array | Uint8Array[],
): TestPacket[] {
  return packets.flatMap((packet, number) =>
    [wrap(packet.frame.subarray(ETHERNET_HEADER), number)].flat().map((frame) => ({ ...packet, frame })),
  )
}

const OUTER = { source: '192.0.2.1', destination: '192.0.2.2' }

const VARIANTS: Readonly<Record<string, Variant>> = {
  'fragments of 24 bytes': (exchange, options) => fragments(plain(exchange, options), 24),
  'fragments of 8 bytes, last first': (exchange, options) =>
    fragments(resegment(plain(exchange, options), 300), 8, (pieces) => pieces.reverse()),
  'fragments shuffled, each twice': (exchange, options) =>
    fragments(plain(exchange, options), 40, (pieces) => shuffled([...pieces, ...pieces], 7)),
  'fragments that overlap': (exchange, options) => overlapping(plain(exchange, options)),
  'fragments of small segments out of order': (exchange, options) =>
    fragments(shuffle(resegment(plain(exchange, options), 37), 3), 16, (pieces) => shuffled(pieces, 9)),
  IPv6: (exchange, options) => plain(exchange, overIpv6(options)),
  'IPv6 fragments, last first': (exchange, options) =>
    fragments(plain(exchange, overIpv6(options)), 32, (pieces) => pieces.reverse()),
  'two VLAN tags': (exchange, options) => plain(exchange, { ...options, vlans: [100, 7] }),
  'padded frames': (exchange, options) =>
    resegment(plain(exchange, { ...options, frame: { ethernet: { padTo: 60 } } }), 3),
  'inside GRE': (exchange, options) =>
    inside(plain(exchange, options), (packet) =>
      ethernet(ipv4(gre(packet, { type: ETHERTYPE.IPV4, key: 9 }), { ...OUTER, protocol: 47 })),
    ),
  'inside IPv4, that in fragments': (exchange, options) =>
    inside(plain(exchange, options), (packet, id) =>
      fragmentIpv4(packet, { ...OUTER, protocol: 4, id }, 128).map((piece) => ethernet(piece)),
    ),
  'inside IPv6': (exchange, options) =>
    inside(plain(exchange, options), (packet) =>
      ethernet(ipv6(packet, { source: '2001:db8::1', destination: '2001:db8::2', protocol: 4 })),
    ),
  'inside VXLAN': (exchange, options) =>
    inside(plain(exchange, options), (packet) =>
      ethernet(
        ipv4(
          udp({ ...OUTER, sourcePort: 40_000, destinationPort: 4789, payload: vxlan(ethernet(packet), 5) }),
          { ...OUTER, protocol: PROTOCOL.UDP },
        ),
      ),
    ),
  'inside MPLS': (exchange, options) =>
    inside(plain(exchange, options), (packet) => ethernet(mpls(packet, [16, 17]), { etherType: 0x8847 })),
  'inside PPPoE': (exchange, options) =>
    inside(plain(exchange, options), (packet) =>
      ethernet(pppoe(packet, { session: 1, protocol: 0x21 }), { etherType: 0x8864 }),
    ),
}

describe('the signatures raised do not depend on the IP packets that carried the traffic', () => {
  const attacks = new Attacks()
  afterAll(() => attacks.close())

  it.each(Object.entries(VARIANTS))('%s', (_name, variant) => {
    expect(attacks.differences(variant)).toEqual([])
  })
})
