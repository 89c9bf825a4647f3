/**
 * Builds network frames byte by byte for tests: Ethernet with VLAN tags, IPv4, IPv6, TCP, UDP and ICMP.
 *
 * In: plain option objects, every header field may be set. Out: one fresh Uint8Array per call, with right lengths and
 * checksums unless the options override them. Pure functions, no state. Strings given as payload are latin-1: one byte
 * per character. Called by conversation.ts and by tests that need a single odd packet.
 */

export const ETHERTYPE = { IPV4: 0x0800, IPV6: 0x86dd, ARP: 0x0806, VLAN: 0x8100, QINQ: 0x88a8 } as const
export const PROTOCOL = { ICMP: 1, TCP: 6, UDP: 17, ICMPV6: 58 } as const
export const TCP_FLAG = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
} as const

/** Bytes, or a latin-1 string. */
export type Data = Uint8Array | string

/** One byte per character; characters above U+00FF are a mistake in the test. */
export function toBytes(data: Data): Uint8Array {
  if (typeof data !== 'string') return data
  const out = new Uint8Array(data.length)
  for (let i = 0; i < data.length; i++) {
    const code = data.charCodeAt(i)
    if (code > 0xff) throw new RangeError(`character U+${code.toString(16)} does not fit in a byte`)
    out[i] = code
  }
  return out
}

/** Bytes from hexadecimal text; blanks are ignored. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '')
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) throw new RangeError(`not hexadecimal: ${text}`)
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  )
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Internet checksum (RFC 1071) over all parts, each padded to an even length. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += (part[i]! << 8) | (part[i + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

/** 4 or 16 bytes of an address in text form (`192.0.2.1`, `2001:db8::1`, `::ffff:192.0.2.1`). */
export function addressBytes(text: string): Uint8Array {
  if (!text.includes(':')) {
    const parts = text.split('.').map(Number)
    if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) {
      throw new RangeError(`not an IP address: ${text}`)
    }
    return Uint8Array.from(parts)
  }
  const [head = '', tail] = text.split('::')
  const words = (side: string): number[] =>
    side === ''
      ? []
      : side.split(':').flatMap((group) => {
          if (!group.includes('.')) return [Number.parseInt(group, 16)]
          const [a, b, c, d] = addressBytes(group)
          return [(a! << 8) | b!, (c! << 8) | d!]
        })
  const front = words(head)
  const back = words(tail ?? '')
  const missing = 8 - front.length - back.length
  if (tail === undefined ? missing !== 0 : missing < 1) throw new RangeError(`not an IP address: ${text}`)
  const all = [...front, ...new Array<number>(missing).fill(0), ...back]
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]))
}

export interface VlanTag {
  readonly id: number
  readonly priority?: number
  /** Tag protocol id; default 0x8100. */
  readonly tpid?: number
}

export interface EthernetOptions {
  readonly sourceMac?: Uint8Array
  readonly destinationMac?: Uint8Array
  /** Of the payload; default: told from its IP version nibble. */
  readonly etherType?: number
  /** Outermost first. */
  readonly vlans?: readonly (number | VlanTag)[]
  /** Zero bytes are added up to this frame length (60 is what a wire does). */
  readonly padTo?: number
}

export function ethernet(payload: Uint8Array, options: EthernetOptions = {}): Uint8Array {
  const etherType = options.etherType ?? (payload[0]! >> 4 === 6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4)
  const header: number[] = [
    ...(options.destinationMac ?? [2, 0, 0, 0, 0, 2]),
    ...(options.sourceMac ?? [2, 0, 0, 0, 0, 1]),
  ]
  for (const vlan of options.vlans ?? []) {
    const tag = typeof vlan === 'number' ? { id: vlan } : vlan
    const tpid = tag.tpid ?? ETHERTYPE.VLAN
    const control = ((tag.priority ?? 0) << 13) | tag.id
    header.push(tpid >> 8, tpid & 0xff, (control >> 8) & 0xff, control & 0xff)
  }
  header.push(etherType >> 8, etherType & 0xff)
  const frame = concat(Uint8Array.from(header), payload)
  const padding = (options.padTo ?? 0) - frame.length
  return padding > 0 ? concat(frame, new Uint8Array(padding)) : frame
}

export interface Ipv4Options {
  readonly source: string
  readonly destination: string
  readonly protocol: number
  readonly ttl?: number
  readonly tos?: number
  readonly id?: number
  readonly dontFragment?: boolean
  readonly moreFragments?: boolean
  readonly reservedBit?: boolean
  /** In bytes; a multiple of 8. */
  readonly fragmentOffset?: number
  /** IP options; padded with zeroes to a multiple of 4. */
  readonly options?: Uint8Array
  readonly version?: number
  /** Header length field in 32-bit words, when it should lie. */
  readonly headerWords?: number
  /** Total length field, when it should lie. */
  readonly totalLength?: number
  readonly checksum?: number
}

export function ipv4(payload: Uint8Array, options: Ipv4Options): Uint8Array {
  const ipOptions = padded(options.options, 4)
  const header = new Uint8Array(20 + ipOptions.length)
  const view = new DataView(header.buffer)
  const offset = options.fragmentOffset ?? 0
  if (offset % 8 !== 0) throw new RangeError(`fragment offset ${offset} is not a multiple of 8`)
  header[0] = ((options.version ?? 4) << 4) | (options.headerWords ?? header.length / 4)
  header[1] = options.tos ?? 0
  view.setUint16(2, options.totalLength ?? header.length + payload.length)
  view.setUint16(4, options.id ?? 0)
  view.setUint16(
    6,
    (options.reservedBit ? 0x8000 : 0) |
      (options.dontFragment ? 0x4000 : 0) |
      (options.moreFragments ? 0x2000 : 0) |
      (offset / 8),
  )
  header[8] = options.ttl ?? 64
  header[9] = options.protocol
  header.set(addressBytes(options.source), 12)
  header.set(addressBytes(options.destination), 16)
  header.set(ipOptions, 20)
  view.setUint16(10, options.checksum ?? checksum(header))
  return concat(header, payload)
}

/** Cuts the payload of an IPv4 packet in fragments of at most `size` payload bytes (a multiple of 8), in order. */
export function fragmentIpv4(payload: Uint8Array, options: Ipv4Options, size: number): Uint8Array[] {
  const out: Uint8Array[] = []
  for (let at = 0; at === 0 || at < payload.length; at += size) {
    const moreFragments = at + size < payload.length
    out.push(ipv4(payload.subarray(at, at + size), { ...options, fragmentOffset: at, moreFragments }))
  }
  return out
}

export interface Ipv6Extension {
  /** Protocol number of this header (0 hop-by-hop, 43 routing, 44 fragment, 60 destination options). */
  readonly type: number
  /** Everything after the next-header byte, length byte included. */
  readonly body: Uint8Array
}

export interface Ipv6Options {
  readonly source: string
  readonly destination: string
  /** Protocol of the payload. */
  readonly protocol: number
  readonly hopLimit?: number
  readonly trafficClass?: number
  readonly flowLabel?: number
  readonly extensions?: readonly Ipv6Extension[]
  readonly version?: number
  /** Payload length field, when it should lie. */
  readonly payloadLength?: number
}

export function ipv6(payload: Uint8Array, options: Ipv6Options): Uint8Array {
  const extensions = options.extensions ?? []
  const chain = extensions.map((extension, i) =>
    concat(Uint8Array.of(extensions[i + 1]?.type ?? options.protocol), extension.body),
  )
  const rest = concat(...chain, payload)
  const header = new Uint8Array(40)
  const view = new DataView(header.buffer)
  view.setUint32(
    0,
    (((options.version ?? 6) << 28) | ((options.trafficClass ?? 0) << 20) | (options.flowLabel ?? 0)) >>> 0,
  )
  view.setUint16(4, options.payloadLength ?? rest.length)
  header[6] = extensions[0]?.type ?? options.protocol
  header[7] = options.hopLimit ?? 64
  header.set(addressBytes(options.source), 8)
  header.set(addressBytes(options.destination), 24)
  return concat(header, rest)
}

/** Like fragmentIpv4, with a fragment header (RFC 8200, 4.5) after the given extension headers. */
export function fragmentIpv6(
  payload: Uint8Array,
  options: Ipv6Options,
  size: number,
  identification = 1,
): Uint8Array[] {
  const out: Uint8Array[] = []
  for (let at = 0; at === 0 || at < payload.length; at += size) {
    const body = new Uint8Array(7)
    const view = new DataView(body.buffer)
    view.setUint16(1, at | (at + size < payload.length ? 1 : 0))
    view.setUint32(3, identification)
    const extensions = [...(options.extensions ?? []), { type: 44, body }]
    out.push(ipv6(payload.subarray(at, at + size), { ...options, extensions }))
  }
  return out
}

/** IPv4 or IPv6 according to the addresses, with the fields both have. */
export function ip(payload: Uint8Array, options: IpOptions & { readonly protocol: number }): Uint8Array {
  return isIpv6(options)
    ? ipv6(payload, { ...options.ipv6, ...options })
    : ipv4(payload, { ...options.ipv4, ...options })
}

export interface IpOptions {
  readonly source: string
  readonly destination: string
  readonly ipv4?: Partial<Ipv4Options>
  readonly ipv6?: Partial<Ipv6Options>
}

export function isIpv6(options: { readonly source: string }): boolean {
  return options.source.includes(':')
}

export interface TcpOptions {
  /** Addresses of the IP header, for the checksum. */
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly seq?: number
  readonly ack?: number
  /** Sum of TCP_FLAG values; default ACK. */
  readonly flags?: number
  readonly window?: number
  readonly urgent?: number
  /** TCP options; padded with zeroes (end of options) to a multiple of 4. */
  readonly options?: Uint8Array
  readonly payload?: Data
  /** Data offset field in 32-bit words, when it should lie. */
  readonly headerWords?: number
  readonly checksum?: number
}

export function tcp(options: TcpOptions): Uint8Array {
  const tcpOptions = padded(options.options, 4)
  const payload = toBytes(options.payload ?? '')
  const segment = new Uint8Array(20 + tcpOptions.length + payload.length)
  const view = new DataView(segment.buffer)
  view.setUint16(0, options.sourcePort)
  view.setUint16(2, options.destinationPort)
  view.setUint32(4, options.seq ?? 0)
  view.setUint32(8, options.ack ?? 0)
  segment[12] = (options.headerWords ?? 5 + tcpOptions.length / 4) << 4
  segment[13] = options.flags ?? TCP_FLAG.ACK
  view.setUint16(14, options.window ?? 65535)
  view.setUint16(18, options.urgent ?? 0)
  segment.set(tcpOptions, 20)
  segment.set(payload, 20 + tcpOptions.length)
  view.setUint16(16, options.checksum ?? transportChecksum(options, PROTOCOL.TCP, segment))
  return segment
}

export interface UdpOptions {
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload?: Data
  /** Length field, when it should lie. */
  readonly length?: number
  readonly checksum?: number
}

export function udp(options: UdpOptions): Uint8Array {
  const payload = toBytes(options.payload ?? '')
  const datagram = new Uint8Array(8 + payload.length)
  const view = new DataView(datagram.buffer)
  view.setUint16(0, options.sourcePort)
  view.setUint16(2, options.destinationPort)
  view.setUint16(4, options.length ?? datagram.length)
  datagram.set(payload, 8)
  // A computed checksum of zero is sent as all ones (RFC 768): zero means "none".
  view.setUint16(6, options.checksum ?? (transportChecksum(options, PROTOCOL.UDP, datagram) || 0xffff))
  return datagram
}

export interface IcmpOptions {
  readonly source: string
  readonly destination: string
  readonly type: number
  readonly code?: number
  /** Second word of the header: identifier and sequence number of an echo. */
  readonly id?: number
  readonly seq?: number
  readonly payload?: Data
  readonly checksum?: number
}

/** ICMP for IPv4 addresses, ICMPv6 for IPv6 ones. */
export function icmp(options: IcmpOptions): Uint8Array {
  const payload = toBytes(options.payload ?? '')
  const message = new Uint8Array(8 + payload.length)
  const view = new DataView(message.buffer)
  message[0] = options.type
  message[1] = options.code ?? 0
  view.setUint16(4, options.id ?? 0)
  view.setUint16(6, options.seq ?? 0)
  message.set(payload, 8)
  const sum = isIpv6(options) ? transportChecksum(options, PROTOCOL.ICMPV6, message) : checksum(message)
  view.setUint16(2, options.checksum ?? sum)
  return message
}

/** Everything around a transport header. */
export interface FrameOptions extends IpOptions {
  readonly ethernet?: EthernetOptions
}

export function tcpFrame(options: FrameOptions & TcpOptions): Uint8Array {
  return ethernet(ip(tcp(options), ipOf(options, PROTOCOL.TCP)), options.ethernet)
}

export function udpFrame(options: FrameOptions & UdpOptions): Uint8Array {
  return ethernet(ip(udp(options), ipOf(options, PROTOCOL.UDP)), options.ethernet)
}

export function icmpFrame(options: FrameOptions & IcmpOptions): Uint8Array {
  const protocol = isIpv6(options) ? PROTOCOL.ICMPV6 : PROTOCOL.ICMP
  return ethernet(ip(icmp(options), ipOf(options, protocol)), options.ethernet)
}

// Only the IP part: transport options named like IP ones (options, checksum) must not leak into the IP header.
function ipOf(options: FrameOptions, protocol: number): IpOptions & { readonly protocol: number } {
  return {
    source: options.source,
    destination: options.destination,
    protocol,
    ...(options.ipv4 && { ipv4: options.ipv4 }),
    ...(options.ipv6 && { ipv6: options.ipv6 }),
  }
}

function transportChecksum(
  options: { readonly source: string; readonly destination: string },
  protocol: number,
  segment: Uint8Array,
): number {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, segment.length)
  return checksum(
    addressBytes(options.source),
    addressBytes(options.destination),
    length,
    Uint8Array.of(0, protocol),
    segment,
  )
}

function padded(bytes: Uint8Array | undefined, multiple: number): Uint8Array {
  if (bytes === undefined) return new Uint8Array(0)
  return concat(bytes, new Uint8Array((multiple - (bytes.length % multiple)) % multiple))
}
