/**
 * Segments that not every host takes, or that may not reach the receiver at all.
 *
 * In: a segment with data, or an RST, and what is known of its connection. Out: how doubtful it is. Doubtful data waits
 * until the receiver has acknowledged it, and gives way to less doubtful data with the same numbers. With `tcp.doubtful:
 * 'wait'` only. Called by the tracker; names as in tracker.ts.
 */
import {
  ACKED,
  FLAG_ESTABLISHED,
  FLAGS,
  ROW_SHIFT,
  SIDE_ACK,
  STATE,
  TTL_MASK,
  TTL_SHIFT,
  WINDOW,
} from '../flow/layout.js'
import { type Packet, parseTcpOptions, TCP_FLAG, TcpOptions } from '../wire/index.js'

/** A TTL lower than usual is as doubtful as the difference is large: at most 255. */
const BEYOND_WINDOW = 256
const OLD_ACK = 257
const SIGNED = 258

/** A header that has room for a signature (RFC 2385) besides its 20 bytes. */
const SIGNED_HEADER = 40
const LARGEST_UNSCALED = 0xffff

export class SegmentDoubt {
  private readonly words: Int32Array
  private readonly packet: Packet
  /** Doubtful segments wait. */
  readonly enabled: boolean
  private readonly options = new TcpOptions()

  constructor(words: Int32Array, packet: Packet, enabled: boolean) {
    this.words = words
    this.packet = packet
    this.enabled = enabled
  }

  /** Whether a segment that is the next one in order, by `s`, is to be looked at all the same. */
  suspects(row: number, s: number): boolean {
    const p = this.packet
    if (p.ttl < ((this.words[(row << ROW_SHIFT) + FLAGS] >>> (TTL_SHIFT + 8 * s)) & TTL_MASK)) return true
    return p.tcpHeaderLength >= SIGNED_HEADER && this.enabled && p.payloadWireLength > 0
  }

  /** Notes the TTL of a packet by `s`: usual is the largest up to the end of the handshake, for that one arrives. */
  learn(row: number, s: number): void {
    if (!this.enabled) return
    const at = (row << ROW_SHIFT) + FLAGS
    const flags = this.words[at]
    const shift = TTL_SHIFT + 8 * s
    const usual = (flags >>> shift) & TTL_MASK
    const { ttl, tcpFlags } = this.packet
    if (ttl <= usual || (usual !== 0 && (flags & FLAG_ESTABLISHED) !== 0 && (tcpFlags & TCP_FLAG.SYN) === 0))
      return
    this.words[at] = (flags & ~(TTL_MASK << shift)) | (ttl << shift)
  }

  /** How doubtful the data of the packet is, 0 for not at all. `sequence`: number of its first byte. */
  ofData(row: number, s: number, S: number, R: number, sequence: number): number {
    if (!this.enabled) return 0
    const words = this.words
    const p = this.packet
    if ((words[R + STATE] & SIDE_ACK) === 0) return 0
    if (((sequence - words[R + ACKED] - words[R + WINDOW]) | 0) >= 0) return BEYOND_WINDOW
    if ((words[S + STATE] & SIDE_ACK) !== 0) {
      const window = words[R + WINDOW]
      const behind = (words[S + ACKED] - p.tcpAck) | 0
      if (behind > (window > LARGEST_UNSCALED ? window : LARGEST_UNSCALED)) return OLD_ACK
    }
    if (p.tcpHeaderLength >= SIGNED_HEADER) {
      parseTcpOptions(p, this.options)
      if (this.options.signed) return SIGNED
    }
    return this.missingTtl(row, s)
  }

  /** Whether an RST with another number than the next may be ignored by its receiver, or not reach it. */
  ofReset(row: number, s: number, next: boolean): boolean {
    return this.enabled && (!next || this.missingTtl(row, s) > 0)
  }

  private missingTtl(row: number, s: number): number {
    const usual = (this.words[(row << ROW_SHIFT) + FLAGS] >>> (TTL_SHIFT + 8 * s)) & TTL_MASK
    const missing = usual - this.packet.ttl
    return missing > 0 ? missing : 0
  }
}
