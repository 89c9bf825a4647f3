/** Options that look at bytes: contents, expressions, numbers read from them, and which buffer they are in. */
import type { BufferId } from '../../inspect/buffers.js'
import type { HttpPart } from '../../inspect/http-part.js'
import type { RegexFlags } from '../../match/matcher.js'
import type { NumberOrVariable, NumericTest } from './values.js'

export interface ContentOption {
  readonly kind: 'content'
  readonly buffer: BufferId
  readonly bytes: Uint8Array
  readonly negated: boolean
  readonly nocase: boolean
  /** Counts from the cursor (`distance`/`within`), not from the buffer start (`offset`/`depth`). */
  readonly relative: boolean
  /** `offset`, or `distance` when relative; default 0. */
  readonly offset: NumberOrVariable
  /** `depth`, or `within` when relative; undefined = to the end of the buffer. */
  readonly depth: NumberOrVariable | undefined
  readonly fastPattern: FastPatternMark | undefined
}

export interface FastPatternMark {
  /** `fast_pattern:only`: the content is searched for (caseless, anywhere), moves no cursor and orders nothing. */
  readonly only: boolean
  /** `fast_pattern:offset,length`: the slice given to the matcher; undefined = all of it. */
  readonly slice: readonly [offset: number, length: number] | undefined
}

export interface PcreOption {
  readonly kind: 'pcre'
  readonly buffer: BufferId
  /** One byte per character. */
  readonly pattern: string
  readonly flags: RegexFlags
  readonly negated: boolean
  /** R: the subject begins at the cursor. */
  readonly relative: boolean
  /** O: not subject to the configured match limit. */
  readonly ignoreLimits: boolean
  /** 2.9 http pcre (U, P, H…) leaves the cursor where it was. */
  readonly movesCursor: boolean
}

export interface IsDataAtOption {
  readonly kind: 'isdataat'
  readonly buffer: BufferId
  readonly at: NumberOrVariable
  readonly negated: boolean
  readonly relative: boolean
}

/** Common part of the options that read a number from the buffer. */
export interface ByteRead {
  readonly buffer: BufferId
  /** Bytes to read: 1…4 binary, 1…10 as text; 0 in `byte_jump` reads nothing and counts as the value 0. */
  readonly count: number
  readonly offset: NumberOrVariable
  readonly relative: boolean
  readonly littleEndian: boolean
  /** Text number: 0 = base from its prefix (strtoul), else 8, 10 or 16; undefined = binary. */
  readonly textBase: 0 | 8 | 10 | 16 | undefined
  /** Byte order of the DCE/RPC request (`dce`). */
  readonly dce: boolean
  /** ANDed with the value, which is then shifted right by the mask's trailing zero bits; undefined = none. */
  readonly bitmask: number | undefined
}

export interface ByteTestOption extends ByteRead {
  readonly kind: 'byte_test'
  readonly op: '<' | '>' | '=' | '<=' | '>=' | '&' | '^'
  readonly negated: boolean
  readonly value: NumberOrVariable
}

export interface ByteJumpOption extends ByteRead {
  readonly kind: 'byte_jump'
  readonly multiplier: number
  /** 1 = none, else the value is rounded up to a multiple of it (2 or 4). */
  readonly align: 1 | 2 | 4
  readonly from: 'here' | 'beginning' | 'end'
  readonly postOffset: NumberOrVariable
}

export interface ByteExtractOption extends ByteRead {
  readonly kind: 'byte_extract'
  readonly name: string
  readonly multiplier: number
  readonly align: 1 | 2 | 4
}

export interface ByteMathOption extends ByteRead {
  readonly kind: 'byte_math'
  readonly op: '+' | '-' | '*' | '/' | '<<' | '>>'
  readonly value: NumberOrVariable
  readonly name: string
}

/** Puts the cursor at the start of a buffer (`file_data`, `pkt_data`, `base64_data`, Snort 3 sticky buffers). */
export interface SetBufferOption {
  readonly kind: 'set_buffer'
  readonly buffer: BufferId
  /** What the buffer holds, when it is one of the slots for parts of a message. */
  readonly part?: HttpPart
}

export interface Base64DecodeOption {
  readonly kind: 'base64_decode'
  readonly buffer: BufferId
  readonly bytes: number | undefined
  readonly offset: number
  readonly relative: boolean
}

/** Length of a whole buffer: `urilen` (http_uri or http_raw_uri), `bufferlen` (any). */
export interface BufferLengthOption {
  readonly kind: 'buffer_length'
  readonly buffer: BufferId
  readonly test: NumericTest
  readonly relative: boolean
}

export interface Asn1Option {
  readonly kind: 'asn1'
  readonly buffer: BufferId
  readonly bitstringOverflow: boolean
  readonly doubleOverflow: boolean
  /** Longest element allowed; undefined = no test. */
  readonly oversizeLength: number | undefined
  readonly offset: number
  readonly relative: boolean
}

/** Moves the cursor over a BER element (`ber_skip`) or into it (`ber_data`). */
export interface BerOption {
  readonly kind: 'ber_data' | 'ber_skip'
  readonly buffer: BufferId
  readonly type: number
  /** `ber_skip`: another type is passed without moving. */
  readonly optional: boolean
}

export interface SdPatternOption {
  readonly kind: 'sd_pattern'
  readonly buffer: BufferId
  /** A regular expression, or one of the built-in kinds. */
  readonly pattern: string
  readonly threshold: number
}

/** Hash of `length` bytes at `offset`. */
export interface HashOption {
  readonly kind: 'hash'
  readonly buffer: BufferId
  readonly algorithm: 'md5' | 'sha256' | 'sha512'
  readonly digest: Uint8Array
  readonly length: number
  readonly offset: number
  readonly relative: boolean
  readonly negated: boolean
}

/** What takes the place of the content before it, inline; as long as that. */
export interface ReplaceOption {
  readonly kind: 'replace'
  readonly buffer: BufferId
  readonly bytes: Uint8Array
}
