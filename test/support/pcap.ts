/**
 * Capture files from packet lists, written here byte by byte so that tests of the readers and of the writer have
 * something independent to compare with.
 */
import { writeFileSync } from 'node:fs'
import { LINKTYPE_ETHERNET } from './conversation.js'
import { concat } from './frames.js'

/** What a capture file needs of a packet; TestPacket is one. */
export interface CapturedFrame {
  readonly frame: Uint8Array
  readonly seconds: number
  readonly nanoseconds: number
  /** Bytes of the frame on the wire, when the capture cut it short. */
  readonly wireLength?: number
}

export interface PcapOptions {
  readonly linkType?: number
  readonly snaplen?: number
  /** Fractions of seconds in nanoseconds (magic 0xa1b23c4d) instead of microseconds. */
  readonly nanoseconds?: boolean
  readonly bigEndian?: boolean
}

/** A classic pcap file; frames longer than `snaplen` are cut. */
export function pcapBytes(packets: readonly CapturedFrame[], options: PcapOptions = {}): Uint8Array {
  const little = !options.bigEndian
  const snaplen = options.snaplen ?? 262144
  const words = (...values: readonly number[]): Uint8Array => {
    const out = new Uint8Array(values.length * 4)
    const view = new DataView(out.buffer)
    values.forEach((value, i) => {
      view.setUint32(i * 4, value, little)
    })
    return out
  }
  const header = words(
    options.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4,
    0,
    0,
    0,
    snaplen,
    options.linkType ?? LINKTYPE_ETHERNET,
  )
  const view = new DataView(header.buffer)
  view.setUint16(4, 2, little)
  view.setUint16(6, 4, little)
  const records = packets.flatMap(({ frame, seconds, nanoseconds, wireLength }) => {
    const captured = frame.subarray(0, snaplen)
    const fraction = options.nanoseconds ? nanoseconds : Math.floor(nanoseconds / 1000)
    return [words(seconds, fraction, captured.length, wireLength ?? frame.length), captured]
  })
  return concat(header, ...records)
}

export function writePcap(path: string, packets: readonly CapturedFrame[], options: PcapOptions = {}): void {
  writeFileSync(path, pcapBytes(packets, options))
}
