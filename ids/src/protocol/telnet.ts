/**
 * Takes Telnet commands (RFC 854, RFC 855) out of what Telnet and FTP control connections carry, as the receiver does.
 *
 * In: the bytes of a window. Out: the same without commands, negotiations and subnegotiations; erase character and erase
 * line are carried out, a doubled IAC is one byte. Rules see the result as packet data, and the bytes as they came as
 * raw data.
 */
const IAC = 0xff
const SE = 0xf0
const ERASE_CHARACTER = 0xf7
const ERASE_LINE = 0xf8
const SB = 0xfa
const WILL = 0xfb
const DONT = 0xfe
const LF = 10

export class TelnetText {
  bytes = new Uint8Array(0)
  end = 0
  /** Where the byte that was at `fresh` is now. */
  fresh = 0

  /** False when there is nothing to take out; else `bytes[0, end)` is the text. Valid until the next call. */
  read(bytes: Uint8Array, start: number, end: number, fresh: number): boolean {
    const first = bytes.indexOf(IAC, start)
    if (first < 0 || first >= end) return false
    if (this.bytes.length < end - start) this.bytes = new Uint8Array(end - start)
    const out = this.bytes
    let length = 0
    this.fresh = -1
    for (let at = start; at < end; ) {
      if (this.fresh < 0 && at >= fresh) this.fresh = length
      const byte = bytes[at]!
      if (byte !== IAC) {
        out[length++] = byte
        at++
        continue
      }
      const command = at + 1 < end ? bytes[at + 1]! : SE
      if (command === IAC) out[length++] = IAC
      else if (command === ERASE_CHARACTER) length = Math.max(0, length - 1)
      else if (command === ERASE_LINE) while (length > 0 && out[length - 1] !== LF) length--
      if (command === SB) at = behindSubnegotiation(bytes, at + 2, end)
      else at += command >= WILL && command <= DONT ? 3 : 2
    }
    if (this.fresh < 0 || this.fresh > length) this.fresh = length
    this.end = length
    return true
  }
}

function behindSubnegotiation(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at + 1 < end; at++) {
    if (bytes[at] !== IAC) continue
    if (bytes[at + 1] === SE) return at + 2
    // A doubled IAC is a parameter.
    at++
  }
  return end
}
