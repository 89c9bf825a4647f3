/** Builds tunnel headers around packets and frames for tests; the results go into `ethernet`, `ip` or `udp` of frames.ts. */
import { concat } from './frames.js'

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values)
}

const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff]
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)]

export interface GreOptions {
  /** EtherType of the content. */
  readonly type: number
  readonly key?: number
  readonly sequence?: number
  /** Adds the checksum field (0: not verified by anyone here). */
  readonly checksum?: boolean
  /** Source route entries, the list's end not included; adds the routing field. */
  readonly routes?: Uint8Array
  readonly version?: number
}

/** GRE version 0. */
export function gre(inner: Uint8Array, options: GreOptions): Uint8Array {
  const { key, sequence, routes } = options
  const flags =
    (options.checksum ? 0x8000 : 0) |
    (routes ? 0x4000 : 0) |
    (key === undefined ? 0 : 0x2000) |
    (sequence === undefined ? 0 : 0x1000) |
    (options.version ?? 0)
  return concat(
    bytes(...u16(flags), ...u16(options.type)),
    bytes(...(options.checksum || routes ? u32(0) : [])),
    bytes(...(key === undefined ? [] : u32(key))),
    bytes(...(sequence === undefined ? [] : u32(sequence))),
    routes ? concat(routes, bytes(0, 0, 0, 0)) : bytes(),
    inner,
  )
}

/** GRE version 1 (PPTP) with a PPP frame of the protocol inside. */
export function pptp(
  inner: Uint8Array,
  options: { call: number; sequence?: number; protocol?: number },
): Uint8Array {
  const ppp = concat(bytes(0xff, 0x03, ...u16(options.protocol ?? 0x21)), inner)
  const sequence = options.sequence === undefined ? [] : u32(options.sequence)
  const flags = 0x2001 | (sequence.length > 0 ? 0x1000 : 0)
  return concat(
    bytes(...u16(flags), ...u16(0x880b), ...u16(ppp.length), ...u16(options.call), ...sequence),
    ppp,
  )
}

/** ERSPAN II header; in GRE of type 0x88be with a sequence number. */
export function erspan2(frame: Uint8Array, session: number): Uint8Array {
  return concat(bytes(...u16(0x1000), ...u16(session), ...u32(0)), frame)
}

/** ERSPAN III header, with a platform subheader when asked for; in GRE of type 0x22eb. */
export function erspan3(frame: Uint8Array, session: number, platform = false): Uint8Array {
  const header = bytes(...u16(0x2000), ...u16(session), ...u32(0), ...u16(0), ...u16(platform ? 1 : 0))
  return concat(header, platform ? new Uint8Array(8) : bytes(), frame)
}

/** A label stack, outermost label first. */
export function mpls(inner: Uint8Array, labels: readonly number[]): Uint8Array {
  const stack = labels.flatMap((label, i) => u32((label << 12) | (i === labels.length - 1 ? 0x100 : 0) | 64))
  return concat(bytes(...stack), inner)
}

/** A PPPoE session frame with the PPP protocol inside (0x21 IPv4, 0x57 IPv6). */
export function pppoe(
  inner: Uint8Array,
  options: { session: number; protocol: number; length?: number },
): Uint8Array {
  const length = options.length ?? inner.length + 2
  return concat(bytes(0x11, 0, ...u16(options.session), ...u16(length), ...u16(options.protocol)), inner)
}

/** Teredo has no header of its own; the server adds an origin indication, a client with a secret an authentication. */
export function teredo(
  inner: Uint8Array,
  { origin = false, authentication = false }: { origin?: boolean; authentication?: boolean } = {},
): Uint8Array {
  return concat(
    authentication ? concat(bytes(0, 1, 2, 3, 0x41, 0x42, 0x43, 0x44, 0x45), new Uint8Array(9)) : bytes(),
    origin ? bytes(0, 0, 0xff, 0xfe, 1, 2, 3, 4) : bytes(),
    inner,
  )
}

export function vxlan(frame: Uint8Array, network: number, flags = 0x08): Uint8Array {
  return concat(bytes(flags, 0, 0, 0, ...u32(network << 8)), frame)
}

/** @param options bytes of the options, a multiple of 4 */
export function geneve(
  inner: Uint8Array,
  { network, type, options = bytes() }: { network: number; type: number; options?: Uint8Array },
): Uint8Array {
  return concat(bytes(options.length / 4, 0, ...u16(type), ...u32(network << 8)), options, inner)
}

/** GTP version 1 user data, with a sequence number and extension headers (each a multiple of 4 bytes) when given. */
export function gtp(inner: Uint8Array, endpoint: number, extensions: readonly Uint8Array[] = []): Uint8Array {
  const optional = extensions.length === 0 ? bytes() : concat(bytes(0, 1, 0, 0x85), ...extensions)
  const length = optional.length + inner.length
  return concat(
    bytes(extensions.length > 0 ? 0x36 : 0x30, 0xff, ...u16(length), ...u32(endpoint)),
    optional,
    inner,
  )
}
