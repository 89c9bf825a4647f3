/** pcapng blocks, byte by byte, for tests. */
import { concat } from '../../../test/support/frames.js'

export class PcapngBuilder {
  private readonly parts: Uint8Array[] = []
  private readonly little: boolean

  constructor(bigEndian = false) {
    this.little = !bigEndian
  }

  words(...values: readonly number[]): Uint8Array {
    const out = new Uint8Array(values.length * 4)
    const view = new DataView(out.buffer)
    values.forEach((value, i) => {
      view.setUint32(i * 4, value >>> 0, this.little)
    })
    return out
  }

  halves(...values: readonly number[]): Uint8Array {
    const out = new Uint8Array(values.length * 2)
    const view = new DataView(out.buffer)
    values.forEach((value, i) => {
      view.setUint16(i * 2, value, this.little)
    })
    return out
  }

  /** Any block; `lengths` to lie about its length at the begin and the end. */
  block(type: number, body: Uint8Array, lengths: { head?: number; tail?: number } = {}): this {
    const padded = pad(body)
    const length = padded.length + 12
    this.parts.push(this.words(type, lengths.head ?? length), padded, this.words(lengths.tail ?? length))
    return this
  }

  section(version = 1): this {
    return this.block(0x0a0d0d0a, concat(this.words(0x1a2b3c4d), this.halves(version, 0), this.words(-1, -1)))
  }

  interface(linkType: number, options: readonly (readonly [number, Uint8Array])[] = [], snaplen = 0): this {
    const encoded = options.map(([code, value]) => concat(this.halves(code, value.length), pad(value)))
    const end = options.length > 0 ? this.halves(0, 0) : new Uint8Array(0)
    return this.block(1, concat(this.halves(linkType, 0), this.words(snaplen), ...encoded, end))
  }

  packet(
    data: Uint8Array,
    options: { interface?: number; time?: bigint; wire?: number; captured?: number } = {},
  ): this {
    const time = options.time ?? 0n
    const fields = this.words(
      options.interface ?? 0,
      Number(time >> 32n),
      Number(time & 0xffffffffn),
      options.captured ?? data.length,
      options.wire ?? data.length,
    )
    return this.block(6, concat(fields, data))
  }

  obsoletePacket(data: Uint8Array, interfaceId: number, time: bigint): this {
    const fields = this.words(Number(time >> 32n), Number(time & 0xffffffffn), data.length, data.length)
    return this.block(2, concat(this.halves(interfaceId, 0xffff), fields, data))
  }

  simplePacket(data: Uint8Array, wire = data.length): this {
    return this.block(3, concat(this.words(wire), data))
  }

  /** Appends another section, which may have another byte order. */
  append(other: PcapngBuilder): this {
    this.parts.push(other.bytes())
    return this
  }

  bytes(): Uint8Array {
    return concat(...this.parts)
  }
}

function pad(bytes: Uint8Array): Uint8Array {
  return concat(bytes, new Uint8Array((4 - (bytes.length % 4)) % 4))
}
