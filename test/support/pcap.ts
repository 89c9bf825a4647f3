/**
 * Capture files from packet lists, written here byte by byte so that tests of the readers and of the writer have
 * something independent to compare with.
 */
import { writeFileSync } from 'node:fs'
import { type CapturedFrame, LINKTYPE_ETHERNET } from './conversation.js'
import { concat } from './frames.js'

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

/** The whole packets of a classic pcap file (either byte order, micro- or nanoseconds); what is cut off is left out. */
export function pcapPackets(file: Uint8Array): Required<CapturedFrame>[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const little = (view.getUint32(0, true) & 0xffff0000) >>> 0 === 0xa1b20000
  const unit = view.getUint32(0, little) === 0xa1b23c4d ? 1 : 1000
  const packets: Required<CapturedFrame>[] = []
  for (let at = 24; at + 16 <= file.length; ) {
    const captured = view.getUint32(at + 8, little)
    const frame = file.subarray(at + 16, at + 16 + captured)
    if (frame.length < captured) break
    packets.push({
      frame,
      seconds: view.getUint32(at, little),
      nanoseconds: view.getUint32(at + 4, little) * unit,
      wireLength: view.getUint32(at + 12, little),
    })
    at += 16 + captured
  }
  return packets
}
