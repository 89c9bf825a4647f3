/**
 * The byte ranges that rule options look at, one slot per Snort buffer.
 *
 * In: the HTTP inspector, the raw-stream units and the packet units fill a `BufferSet`.
 * Out: the multi-pattern search and the option evaluators read it.
 */

/** Buffer numbers; the names are Snort's. Dense from 0, so they index arrays. */
export const BUF = {
  PKT_DATA: 0,
  FILE_DATA: 1,
  HTTP_URI: 2,
  HTTP_RAW_URI: 3,
  HTTP_HEADER: 4,
  HTTP_RAW_HEADER: 5,
  HTTP_COOKIE: 6,
  HTTP_RAW_COOKIE: 7,
  HTTP_METHOD: 8,
  HTTP_STAT_CODE: 9,
  HTTP_STAT_MSG: 10,
  HTTP_CLIENT_BODY: 11,
  BASE64_DATA: 12,
  RAW_DATA: 13,
  SIP_HEADER: 14,
  SIP_BODY: 15,
  DCE_STUB_DATA: 16,
  /** Never there. */
  NOTHING: 17,
  /** A DNP3 application fragment, put together. */
  DNP3_DATA: 18,
  /** What follows the function of a Modbus message. */
  MODBUS_DATA: 19,
  /** The first of `HTTP_PARTS` slots, which a rule fills with the parts of a message that it names (`HttpPart`). */
  HTTP_PART: 20,
} as const

export type BufferId = (typeof BUF)[keyof typeof BUF]

/** Different parts that one rule may name. */
export const HTTP_PARTS = 8

/** Body of a request whose file data are the parts of that body; there in such messages only. */
export const HTTP_BODY = (BUF.HTTP_PART + HTTP_PARTS) as BufferId

export const BUFFER_COUNT = HTTP_BODY + 1

/** Slot of a rule's part number `index`. */
export function partSlot(index: number): BufferId {
  return (BUF.HTTP_PART + index) as BufferId
}

export function isPartSlot(id: BufferId): boolean {
  return id >= BUF.HTTP_PART && id < HTTP_BODY
}

/** Snort's name of each buffer, indexed by `BufferId`. */
export const BUFFER_NAMES: readonly string[] = [
  'pkt_data',
  'file_data',
  'http_uri',
  'http_raw_uri',
  'http_header',
  'http_raw_header',
  'http_cookie',
  'http_raw_cookie',
  'http_method',
  'http_stat_code',
  'http_stat_msg',
  'http_client_body',
  'base64_data',
  'raw_data',
  'sip_header',
  'sip_body',
  'dce_stub_data',
  'nothing',
  'dnp3_data',
  'modbus_data',
  ...Array.from({ length: HTTP_PARTS }, (_, index) => `http_part_${index + 1}`),
  'http_body',
]

const EMPTY = new Uint8Array(0)

/**
 * One range of bytes per buffer. An absent buffer has `end < 0`; an empty one has `start === end`.
 *
 * `base[id]` is the position, in the whole logical buffer, of the byte at `start[id]`: 0 unless the buffer is a
 * sliding window over something longer (a big body). Absolute positions (`offset`, `depth`, `isdataat:N`) count from
 * the logical start, so `depth:2` never matches at the start of a later window.
 *
 * `fresh[id]` is the first index that no earlier inspection has searched; the multi-pattern search starts there (less
 * the longest pattern), full evaluation looks at everything.
 *
 * Fast because the four arrays keep one shape for ever and every slot is written as an integer.
 */
export class BufferSet {
  readonly bytes: Uint8Array[] = new Array<Uint8Array>(BUFFER_COUNT).fill(EMPTY)
  readonly start = new Int32Array(BUFFER_COUNT)
  readonly end = new Int32Array(BUFFER_COUNT).fill(-1)
  readonly fresh = new Int32Array(BUFFER_COUNT)
  readonly base = new Float64Array(BUFFER_COUNT)

  set(id: BufferId, bytes: Uint8Array, start: number, end: number): void {
    this.bytes[id] = bytes
    this.start[id] = start
    this.end[id] = end
    this.fresh[id] = start
    this.base[id] = 0
  }

  setWindow(id: BufferId, bytes: Uint8Array, start: number, end: number, fresh: number, base: number): void {
    this.bytes[id] = bytes
    this.start[id] = start
    this.end[id] = end
    this.fresh[id] = fresh
    this.base[id] = base
  }

  remove(id: BufferId): void {
    this.end[id] = -1
    this.bytes[id] = EMPTY
  }

  /** Makes every buffer absent and lets go of the memory behind it. */
  clear(): void {
    this.end.fill(-1)
    this.bytes.fill(EMPTY)
  }

  has(id: BufferId): boolean {
    return this.end[id]! >= 0
  }

  length(id: BufferId): number {
    const end = this.end[id]!
    return end < 0 ? -1 : end - this.start[id]!
  }
}
