/**
 * Other IP packets and links for the same conversation: fragments, options, IPv6, tunnels, VLANs.
 *
 * In: the packets of one conversation and random numbers. Out: frames, or `undefined` where the evasion does not apply;
 * with each evasion the link type its frames have. Called by the evasion tests.
 */
import type { CapturedFrame } from './conversation.js'
import { shuffled } from './evasion.js'
import {
  checksum,
  concat,
  ETHERTYPE,
  ethernet,
  fromHex,
  type Ipv6Extension,
  ipv4,
  ipv6,
  PROTOCOL,
  udp,
} from './frames.js'
import type { Recorded } from './recorded.js'
import { geneve, gre, gtp, mpls, pppoe, vxlan } from './tunnels.js'

type Random = () => number
export type IpEvasion = (conversation: Recorded, random: Random) => CapturedFrame[] | undefined

const ETHERNET_HEADER = 14
const OUTER = { source: '192.0.2.1', destination: '192.0.2.2' }
const IP_IN_IP = 4
const IPV6_IN_IP = 41
const GRE = 47

const packetOf = (frame: Uint8Array): Uint8Array => frame.subarray(ETHERNET_HEADER)
const text = (frame: Uint8Array, at: number): string => frame.subarray(at, at + 4).join('.')
const u16 = (value: number): [number, number] => [value >> 8, value & 0xff]

/** What an IPv4 header without options says, in the form that `ipv4` takes. */
function headerOf(packet: Uint8Array) {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  return {
    source: text(packet, 12),
    destination: text(packet, 16),
    protocol: packet[9]!,
    ttl: packet[8]!,
    tos: packet[1]!,
    id: view.getUint16(4),
    dontFragment: (view.getUint16(6) & 0x4000) !== 0,
    reservedBit: (view.getUint16(6) & 0x8000) !== 0,
  }
}

/** Whole packets, with an IPv4 header of 20 bytes. */
function isPlain(packet: Uint8Array): boolean {
  return packet[0] === 0x45 && ((packet[6]! << 8) | packet[7]!) % 0x4000 === 0
}

const payloadOf = (packet: Uint8Array): Uint8Array => packet.subarray(20, (packet[2]! << 8) | packet[3]!)

/** Every packet in other frames. */
const each =
  (make: (packet: Uint8Array, number: number, random: Random) => Uint8Array | Uint8Array[]): IpEvasion =>
  ({ packets }, random) =>
    packets.flatMap(({ frame, seconds, nanoseconds }, number) =>
      [make(packetOf(frame), number, random)].flat().map((bytes) => ({ frame: bytes, seconds, nanoseconds })),
    )

interface Piece {
  readonly at: number
  readonly bytes: Uint8Array
  readonly more: boolean
}

/** Every packet with more than `size` bytes after its header in fragments, as `order` gives them. */
const cut =
  (
    size: number,
    order: (pieces: Piece[], random: Random) => Piece[] = (pieces) => pieces,
    overlap = 0,
    options?: Uint8Array,
  ): IpEvasion =>
  (conversation, random) =>
    each((packet, number) => {
      const payload = payloadOf(packet)
      if (!isPlain(packet) || payload.length <= size) return ethernet(packet)
      const pieces: Piece[] = []
      for (let at = 0; at < payload.length; at += size) {
        const end = Math.min(payload.length, at + size + overlap)
        pieces.push({ at, bytes: payload.subarray(at, end), more: end < payload.length })
      }
      const header = {
        ...headerOf(packet),
        dontFragment: false,
        id: (number * 7 + 1) & 0xffff,
        ...(options && { options }),
      }
      return order(pieces, random).map(({ at, bytes, more }) =>
        ethernet(ipv4(bytes, { ...header, fragmentOffset: at, moreFragments: more })),
      )
    })(conversation, random)

/** In front of each fragment but the first one, which comes last, another with the same numbers that does not arrive. */
const lowDecoys: IpEvasion = each((packet, number) => {
  const payload = payloadOf(packet)
  if (!isPlain(packet) || payload.length <= 48) return ethernet(packet)
  const header = { ...headerOf(packet), dontFragment: false, id: (number * 7 + 1) & 0xffff }
  const piece = (bytes: Uint8Array, at: number, ttl = header.ttl): Uint8Array =>
    ethernet(
      ipv4(bytes, { ...header, ttl, fragmentOffset: at, moreFragments: at + bytes.length < payload.length }),
    )
  const middle = payload.subarray(24, 48)
  return [
    piece(new Uint8Array(24).fill(0x58), 24, 3),
    piece(middle, 24),
    piece(payload.subarray(48), 48),
    piece(payload.subarray(0, 24), 0),
  ]
})

const garbage = ({ at, bytes, more }: Piece): Piece => ({
  at,
  bytes: new Uint8Array(bytes.length).fill(0x58),
  more,
})

/** Each fragment behind the first comes with other bytes before, and the first one, which makes it whole, last. */
function decoyed(pieces: Piece[]): Piece[] {
  return [...pieces.slice(1).flatMap((piece) => [garbage(piece), piece]), pieces[0]!]
}

const twin = (address: string): string => {
  const [a, b, c, d] = address.split('.').map(Number)
  return `2001:db8::${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`
}

/** The transport bytes of a TCP or UDP packet, with the checksum that they have between other addresses. */
function rechecked(packet: Uint8Array, source: Uint8Array, destination: Uint8Array): Uint8Array | undefined {
  const protocol = packet[9]!
  const at = protocol === PROTOCOL.TCP ? 16 : protocol === PROTOCOL.UDP ? 6 : -1
  const out = payloadOf(packet).slice()
  if (at < 0 || out.length < 8) return undefined
  out[at] = out[at + 1] = 0
  const pseudo = concat(
    source,
    destination,
    Uint8Array.of(0, 0, ...u16(out.length)),
    Uint8Array.of(0, 0, 0, protocol),
  )
  const sum = checksum(pseudo, out)
  out.set(u16(sum === 0 ? 0xffff : sum), at)
  return out
}

/** The same over IPv6; as IPv6 packets, `undefined` for what has no IPv6 form. */
function sixth(packet: Uint8Array, extensions: readonly Ipv6Extension[] = []): Uint8Array | undefined {
  if (!isPlain(packet)) return undefined
  const { source, destination, protocol, ttl } = headerOf(packet)
  const addresses = { source: twin(source), destination: twin(destination), hopLimit: ttl }
  const header = ipv6(new Uint8Array(0), { ...addresses, protocol })
  const payload = rechecked(packet, header.subarray(8, 24), header.subarray(24, 40))
  return payload && ipv6(payload, { ...addresses, protocol, extensions })
}

const overIpv6 =
  (make: (packet: Uint8Array, number: number, random: Random) => Uint8Array | Uint8Array[]): IpEvasion =>
  (conversation, random) => {
    if (conversation.packets.some(({ frame }) => sixth(packetOf(frame)) === undefined)) return undefined
    return each(make)(conversation, random)
  }

const PADDING: Ipv6Extension = { type: 0, body: fromHex('00 01 04 00 00 00 00') }
const DESTINATION: Ipv6Extension = { type: 60, body: fromHex('01 01 0c 00 00 00 00 00 00 00 00 00 00 00 00') }
const PADDING_FOR_DESTINATION: Ipv6Extension = { ...PADDING, type: 60 }
/** RFC 4302, in front of a payload of protocol `next`; 12 bytes of integrity check value. */
const authentication = (next: number): Uint8Array =>
  concat(Uint8Array.of(next, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1), new Uint8Array(12))
const ROUTING: Ipv6Extension = { type: 43, body: fromHex('00 00 00 00 00 00 00') }

function cut6(
  packet: Uint8Array,
  size: number,
  id: number,
  extensions: readonly Ipv6Extension[] = [],
): Uint8Array[] {
  const whole = sixth(packet)!
  const payload = whole.subarray(40)
  const { source, destination, protocol, ttl } = headerOf(packet)
  const addresses = { source: twin(source), destination: twin(destination), hopLimit: ttl }
  if (payload.length <= size) return [ethernet(sixth(packet, extensions)!)]
  const out: Uint8Array[] = []
  for (let at = 0; at < payload.length; at += size) {
    const more = at + size < payload.length ? 1 : 0
    const body = Uint8Array.of(0, ...u16(at | more), 0, 0, ...u16(id))
    out.push(
      ethernet(
        ipv6(payload.subarray(at, at + size), {
          ...addresses,
          protocol,
          extensions: [...extensions, { type: 44, body }],
        }),
      ),
    )
  }
  return out
}

const inUdp = (port: number, make: (packet: Uint8Array) => Uint8Array): IpEvasion =>
  each((packet) =>
    ethernet(
      ipv4(udp({ ...OUTER, sourcePort: 40_000, destinationPort: port, payload: make(packet) }), {
        ...OUTER,
        protocol: PROTOCOL.UDP,
      }),
    ),
  )

const inIp = (protocol: number, make: (packet: Uint8Array) => Uint8Array = (packet) => packet): IpEvasion =>
  each((packet) => ethernet(ipv4(make(packet), { ...OUTER, protocol })))

const link = (header: string): IpEvasion => each((packet) => concat(fromHex(header), packet))

const NOP_OPTIONS = Uint8Array.of(1, 1, 1, 0)
const ROUTE_OPTIONS = Uint8Array.of(7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)

export const IP_EVASIONS: Readonly<Record<string, IpEvasion>> = {
  'fragments of 8 bytes': cut(8),
  'fragments of 16 bytes': cut(16),
  'fragments of 24 bytes': cut(24),
  'fragments of 64 bytes': cut(64),
  'fragments of 24 bytes, last first': cut(24, (pieces) => pieces.reverse()),
  'fragments of 24 bytes, shuffled': cut(24, (pieces, random) =>
    shuffled(pieces, Math.floor(random() * 1e9)),
  ),
  'fragments of 32 bytes, twice': cut(32, (pieces) => [...pieces.slice(0, -1), ...pieces]),
  'fragments of 32 bytes, twice, last first': cut(32, (pieces) => [...pieces.slice(1), ...pieces].reverse()),
  'fragments that overlap with the same bytes': cut(24, undefined, 16),
  'fragments that overlap with the same bytes, last first': cut(24, (pieces) => pieces.reverse(), 16),
  'fragments with options': cut(24, undefined, 0, NOP_OPTIONS),
  'fragments with other bytes before': cut(24, decoyed),
  'IP options, no-operations': each((packet) =>
    ethernet(
      isPlain(packet) ? ipv4(payloadOf(packet), { ...headerOf(packet), options: NOP_OPTIONS }) : packet,
    ),
  ),
  'IP options, record route': each((packet) =>
    ethernet(
      isPlain(packet) ? ipv4(payloadOf(packet), { ...headerOf(packet), options: ROUTE_OPTIONS }) : packet,
    ),
  ),
  'VLAN tags, eight': each((packet) => ethernet(packet, { vlans: [1, 2, 3, 4, 5, 6, 7, 8] })),
  'LLC and SNAP': each((packet) =>
    concat(
      ethernet(packet).subarray(0, 12),
      Uint8Array.of(...u16(packet.length + 8)),
      fromHex('aaaa03 000000 0800'),
      packet,
    ),
  ),
  ERSPAN: inIp(GRE, (packet) => concat(fromHex('1000 88be 00000001 1001 0001 00000000'), ethernet(packet))),
  'fragments, others with a lower TTL between': lowDecoys,
  'frames padded': each((packet) => ethernet(packet, { padTo: packet.length + 40 })),
  VLAN: each((packet) => ethernet(packet, { vlans: [42] })),
  QinQ: each((packet) => ethernet(packet, { vlans: [{ id: 9, tpid: ETHERTYPE.QINQ }, 42] })),
  'three VLAN tags': each((packet) => ethernet(packet, { vlans: [1, 2, 3] })),
  'VLAN and fragments': each((packet, number) => {
    const payload = payloadOf(packet)
    if (!isPlain(packet) || payload.length <= 40) return ethernet(packet, { vlans: [42] })
    return [0, 40].map((at) =>
      ethernet(
        ipv4(at === 0 ? payload.subarray(0, 40) : payload.subarray(40), {
          ...headerOf(packet),
          dontFragment: false,
          id: number + 1,
          fragmentOffset: at,
          moreFragments: at === 0,
        }),
        { vlans: [42] },
      ),
    )
  }),
  MPLS: each((packet) => ethernet(mpls(packet, [16]), { etherType: 0x8847 })),
  'MPLS, three labels': each((packet) => ethernet(mpls(packet, [16, 17, 18]), { etherType: 0x8847 })),
  PPPoE: each((packet) => ethernet(pppoe(packet, { session: 1, protocol: 0x21 }), { etherType: 0x8864 })),
  GRE: inIp(GRE, (packet) => gre(packet, { type: ETHERTYPE.IPV4 })),
  'GRE with key and sequence': inIp(GRE, (packet) =>
    gre(packet, { type: ETHERTYPE.IPV4, key: 7, sequence: 1 }),
  ),
  'Ethernet in GRE': inIp(GRE, (packet) => gre(ethernet(packet), { type: 0x6558 })),
  'IP in IP': inIp(IP_IN_IP),
  'IP in IP in IP': inIp(IP_IN_IP, (packet) => ipv4(packet, { ...OUTER, protocol: IP_IN_IP })),
  '4in6': each((packet) =>
    ethernet(ipv6(packet, { source: '2001:db8:1::1', destination: '2001:db8:1::2', protocol: IP_IN_IP })),
  ),
  VXLAN: inUdp(4789, (packet) => vxlan(ethernet(packet), 5)),
  Geneve: inUdp(6081, (packet) => geneve(ethernet(packet), { network: 5, type: 0x6558 })),
  GTP: inUdp(2152, (packet) => gtp(packet, 5)),
  'IP in IP in fragments': each((packet, number) => {
    if (packet.length <= 48) return ethernet(ipv4(packet, { ...OUTER, protocol: IP_IN_IP }))
    return [packet.subarray(0, 48), packet.subarray(48)].map((bytes, at) =>
      ethernet(
        ipv4(bytes, {
          ...OUTER,
          protocol: IP_IN_IP,
          id: number + 1,
          fragmentOffset: at * 48,
          moreFragments: at === 0,
        }),
      ),
    )
  }),
  IPv6: overIpv6((packet) => ethernet(sixth(packet)!)),
  'IPv6 with extension headers': overIpv6((packet) =>
    ethernet(sixth(packet, [PADDING, DESTINATION, ROUTING])!),
  ),
  'IPv6 with forty extension headers': overIpv6((packet) =>
    ethernet(sixth(packet, new Array<Ipv6Extension>(40).fill(PADDING_FOR_DESTINATION))!),
  ),
  'IPv6, atomic fragments': overIpv6((packet, number) =>
    ethernet(sixth(packet, [{ type: 44, body: Uint8Array.of(0, 0, 0, 0, 0, ...u16(number)) }])!),
  ),
  'authentication header': each((packet) =>
    ethernet(
      isPlain(packet)
        ? ipv4(concat(authentication(packet[9]!), payloadOf(packet)), { ...headerOf(packet), protocol: 51 })
        : packet,
    ),
  ),
  'IPv6 fragments of 16 bytes': overIpv6((packet, number) => cut6(packet, 16, number)),
  'IPv6 fragments of 64 bytes, last first': overIpv6((packet, number) => cut6(packet, 64, number).reverse()),
  'IPv6 fragments behind extension headers': overIpv6((packet, number) =>
    cut6(packet, 40, number, [PADDING, DESTINATION]),
  ),
  '6in4': overIpv6((packet) => ethernet(ipv4(sixth(packet)!, { ...OUTER, protocol: IPV6_IN_IP }))),
  'IPv6 in GRE': overIpv6((packet) =>
    ethernet(ipv4(gre(sixth(packet)!, { type: ETHERTYPE.IPV6 }), { ...OUTER, protocol: GRE })),
  ),
  'raw IP': each((packet) => packet),
  'cooked capture': link('0000 0001 0006 000000000000 0000 0800'),
  'cooked capture, version 2': link('0800 0000 00000001 0001 00 06 0000000000000000'),
  'BSD loopback': link('02000000'),
}

const LINK_TYPES: Readonly<Record<string, number>> = {
  'raw IP': 101,
  'cooked capture': 113,
  'cooked capture, version 2': 276,
  'BSD loopback': 0,
}

export const ipEvasions: readonly (readonly [string, IpEvasion, { linkType?: number }])[] = Object.entries(
  IP_EVASIONS,
).map(([name, evade]) => [name, evade, name in LINK_TYPES ? { linkType: LINK_TYPES[name]! } : {}])
