/**
 * The parts of a SIP message (RFC 3261 section 7) that rules ask about.
 *
 * In: the bytes of a datagram, or of a message in a stream. Out: method or status in the facts, and the buffers
 * `sip_header` (the lines behind the start line, with the empty line) and `sip_body`.
 */
import { BUF, type BufferSet } from '../inspect/buffers.js'
import { ascii, lineEnd, startsWith } from '../service/patterns.js'
import { FACTS, type ProtocolFacts } from './facts.js'

const MAX_START_LINE = 2048
const MAX_METHOD = 64
const SPACE = 0x20
const CR = 13
const LF = 10

/** False when the bytes are no SIP message; then nothing is filled in. */
export function readSip(
  facts: ProtocolFacts,
  buffers: BufferSet,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  let first = start
  while (first < end && (bytes[first] === CR || bytes[first] === LF)) first++
  const line = lineEnd(bytes, first, end, MAX_START_LINE)
  if (bytes[line] !== LF || line >= end) return false
  let word = first
  while (word < line && word - first < MAX_METHOD && bytes[word]! > SPACE) word++
  if (word === first || bytes[word] !== SPACE) return false
  let text = ''
  for (let i = first; i < word; i++) text += String.fromCharCode(bytes[i]!)
  text = text.toLowerCase()
  facts.sipMethod = ''
  facts.sipStatus = 0
  if (text === 'sip/2.0') {
    let status = 0
    let at = word + 1
    for (; at < line && at - word <= 3 && bytes[at]! >= 0x30 && bytes[at]! <= 0x39; at++) {
      status = status * 10 + bytes[at]! - 0x30
    }
    if (at - word !== 4) return false
    facts.sipStatus = status
  } else facts.sipMethod = text
  facts.kind = FACTS.SIP
  const header = line + 1
  const body = bodyStart(bytes, header, end)
  buffers.set(BUF.SIP_HEADER, bytes, header, body)
  if (body < end) buffers.set(BUF.SIP_BODY, bytes, body, end)
  return true
}

export function removeSip(buffers: BufferSet): void {
  buffers.remove(BUF.SIP_HEADER)
  buffers.remove(BUF.SIP_BODY)
}

/** Behind the empty line; `end` when there is none. */
function bodyStart(bytes: Uint8Array, start: number, end: number): number {
  let empty = true
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte === LF) {
      if (empty) return i + 1
      empty = true
    } else if (byte !== CR) empty = false
  }
  return end
}

/** Content-Length and its compact form, in lower case (RFC 3261 section 20.14). */
const LENGTH_NAMES: readonly Uint8Array[] = ['content-length', 'l'].map(ascii)
const MAX_LENGTH_DIGITS = 7
const COLON = 0x3a
const TAB = 9

/** Bytes of the message at `start` (RFC 3261 section 18.3); -1 when its header is not all there. */
export function sipLength(bytes: Uint8Array, start: number, end: number): number {
  const body = bodyStart(bytes, start, end)
  if (body === end && !endsWithEmptyLine(bytes, start, end)) return -1
  let length = 0
  for (let line = start; line < body; ) {
    const stop = bytes.indexOf(LF, line)
    if (stop < 0 || stop >= body) break
    const value = lengthAt(bytes, line, stop)
    if (value >= 0) length = value
    line = stop + 1
  }
  return body - start + length
}

function endsWithEmptyLine(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 2 || bytes[end - 1] !== LF) return false
  return bytes[end - 2] === LF || (bytes[end - 2] === CR && end - start > 2 && bytes[end - 3] === LF)
}

/** The number in a Content-Length line; -1 for any other line. */
function lengthAt(bytes: Uint8Array, start: number, end: number): number {
  const name = LENGTH_NAMES.find((word) => startsWith(bytes, start, end, word))
  if (name === undefined) return -1
  let at = start + name.length
  while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++
  if (bytes[at] !== COLON) return -1
  at++
  while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++
  let value = -1
  for (let digits = 0; at < end && digits < MAX_LENGTH_DIGITS; at++, digits++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) break
    value = (value < 0 ? 0 : value) * 10 + digit
  }
  return value
}
