/**
 * The parts of a SIP message (RFC 3261 section 7) that rules ask about.
 *
 * In: the bytes of a datagram, or of the beginning of a turn. Out: method or status in the facts, and the buffers
 * `sip_header` (the lines behind the start line, with the empty line) and `sip_body`.
 */
import { BUF, type BufferSet } from '../inspect/buffers.js'
import { lineEnd } from '../service/patterns.js'
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
