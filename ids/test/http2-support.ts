/** HTTP/2 written by hand: frames, and header blocks of literals. */
import { bytesOf } from './http-support.js'

export const PREFACE = bytesOf('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PUSH_PROMISE = 5
export const CONTINUATION = 9
export const END_STREAM = 1
export const END_HEADERS = 4
export const PADDED = 8
export const PRIORITY = 0x20

type Bytes = Uint8Array | readonly number[] | string

export function join(...parts: readonly Bytes[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...bytesOf(part)] : [...part])))
}

export function frame(type: number, flags: number, stream: number, payload: Bytes = []): Uint8Array {
  const body = join(payload)
  const { length } = body
  const id = [stream >>> 24, (stream >>> 16) & 0xff, (stream >>> 8) & 0xff, stream & 0xff]
  return join([length >>> 16, (length >>> 8) & 0xff, length & 0xff, type, flags, ...id], body)
}

export function integer(prefix: number, bits: number, value: number): number[] {
  const most = 2 ** bits - 1
  if (value < most) return [prefix | value]
  const out = [prefix | most]
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80)
  out.push(rest)
  return out
}

export const string = (text: string): number[] => [...integer(0, 7, text.length), ...bytesOf(text)]

/** A header block: literals that are not kept. */
export function block(fields: readonly (readonly [string, string])[]): Uint8Array {
  return join(...fields.map(([name, value]) => [0, ...string(name), ...string(value)]))
}

export const GET = (path: string): readonly (readonly [string, string])[] => [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'h.example'],
  [':path', path],
]

export const STATUS = (status: string): readonly (readonly [string, string])[] => [[':status', status]]

/** HEADERS that are complete in themselves. */
export function headers(
  stream: number,
  fields: readonly (readonly [string, string])[],
  end = true,
): Uint8Array {
  return frame(HEADERS, END_HEADERS | (end ? END_STREAM : 0), stream, block(fields))
}
