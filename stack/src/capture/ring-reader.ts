/**
 * Walks the blocks of a mapped TPACKET_V3 receive ring (linux/if_packet.h) and finds the frames in it, where they are.
 *
 * The kernel fills a block and hands it over by its status word; the reader gives it back the same way. In between, the
 * frame's few fields are read from the mapped memory with plain loads: no system call, no copy, no allocation.
 */

/** What a ring holds before each frame, and says of it. Byte offsets. */
const BLOCK_STATUS = 8
const BLOCK_FRAMES = 12
const BLOCK_FIRST = 16
const FRAME_NEXT = 0
const FRAME_SECONDS = 4
const FRAME_NANOSECONDS = 8
const FRAME_CAPTURED = 12
const FRAME_WIRE = 16
const FRAME_STATUS = 20
const FRAME_MAC = 24
const FRAME_TAG = 32
const FRAME_TAG_TYPE = 36
/** struct sockaddr_ll follows the 48 bytes of the header. */
const FRAME_PACKET_TYPE = 48 + 10

const STATUS_KERNEL = 0
const STATUS_USER = 1
const STATUS_CHECKSUM_NOT_READY = 8
const STATUS_TAG_VALID = 0x10
const STATUS_TAG_TYPE_VALID = 0x40
const PACKET_OUTGOING = 4

/** struct virtio_net_hdr, right before each frame. Byte offsets. */
export const VIRTIO_LENGTH = 10
const VIRTIO_FLAGS = 0
const VIRTIO_HEADER_LENGTH = 2
const VIRTIO_CHECKSUM_START = 6
const VIRTIO_CHECKSUM_OFFSET = 8
const VIRTIO_NEEDS_CHECKSUM = 1

const TAG_LENGTH = 4
const ADDRESSES = 12
const ETHER_VLAN = 0x8100

export class RingReader {
  /** The whole ring: what frames lie in. */
  readonly bytes: Uint8Array
  /** The frame `next` found: offset in `bytes`, captured and wire length, time. */
  offset = 0
  captured = 0
  wire = 0
  seconds = 0
  nanoseconds = 0
  /** The kernel had taken a VLAN tag off, which has been put back. */
  tagged = false
  /** Frames whose checksum the network card was to fill in, which has been done here. */
  completed = 0
  private readonly words: Int32Array
  private readonly halves: Uint16Array
  private readonly blockSize: number
  private readonly blockCount: number
  private readonly ethernet: boolean
  private readonly skipOutgoing: boolean
  private block = 0
  private left = 0
  private cursor = 0

  /**
   * @param memory the ring, frames with a virtio_net_hdr and at least four free bytes before that
   * @param ethernet frames are Ethernet: tags are put back
   * @param skipOutgoing leave out what this host sends
   */
  constructor(memory: ArrayBuffer, blockSize: number, ethernet: boolean, skipOutgoing: boolean) {
    this.bytes = new Uint8Array(memory)
    this.words = new Int32Array(memory)
    this.halves = new Uint16Array(memory)
    this.blockSize = blockSize
    this.blockCount = memory.byteLength / blockSize
    this.ethernet = ethernet
    this.skipOutgoing = skipOutgoing
  }

  /** Takes the next block if the kernel has handed it over. */
  take(): boolean {
    const at = this.block * this.blockSize
    if ((Atomics.load(this.words, (at + BLOCK_STATUS) >> 2) & STATUS_USER) === 0) return false
    this.left = this.words[(at + BLOCK_FRAMES) >> 2]!
    this.cursor = at + this.words[(at + BLOCK_FIRST) >> 2]!
    return true
  }

  /** Gives the block taken last back. Its frames are gone. */
  release(): void {
    Atomics.store(this.words, (this.block * this.blockSize + BLOCK_STATUS) >> 2, STATUS_KERNEL)
    this.block = this.block + 1 === this.blockCount ? 0 : this.block + 1
    this.left = 0
  }

  /** The next frame of the block taken; false when there is none left. */
  next(): boolean {
    const { words, halves } = this
    while (this.left > 0) {
      this.left--
      const at = this.cursor
      const word = at >> 2
      this.cursor = at + words[word + (FRAME_NEXT >> 2)]!
      if (this.skipOutgoing && this.bytes[at + FRAME_PACKET_TYPE] === PACKET_OUTGOING) continue
      this.offset = at + halves[(at + FRAME_MAC) >> 1]!
      this.captured = words[word + (FRAME_CAPTURED >> 2)]!
      this.wire = words[word + (FRAME_WIRE >> 2)]!
      this.seconds = words[word + (FRAME_SECONDS >> 2)]! >>> 0
      this.nanoseconds = words[word + (FRAME_NANOSECONDS >> 2)]!
      this.tagged = false
      const status = words[word + (FRAME_STATUS >> 2)]!
      if ((status & (STATUS_CHECKSUM_NOT_READY | STATUS_TAG_VALID)) !== 0) this.finishFrame(at, status)
      return true
    }
    return false
  }

  /** Makes the frame what it is on a wire. */
  private finishFrame(at: number, status: number): void {
    if ((status & STATUS_CHECKSUM_NOT_READY) !== 0) this.completeChecksum()
    if ((status & STATUS_TAG_VALID) === 0 || !this.ethernet || this.captured < ADDRESSES) return
    const { bytes, halves } = this
    const before = this.offset - VIRTIO_LENGTH
    bytes.copyWithin(before - TAG_LENGTH, before, this.offset + ADDRESSES)
    const typed = (status & STATUS_TAG_TYPE_VALID) !== 0
    const tagType = typed ? halves[(at + FRAME_TAG_TYPE) >> 1]! : ETHER_VLAN
    const tag = halves[(at + FRAME_TAG) >> 1]!
    this.offset -= TAG_LENGTH
    this.captured += TAG_LENGTH
    this.wire += TAG_LENGTH
    this.tagged = true
    const to = this.offset + ADDRESSES
    bytes[to] = tagType >> 8
    bytes[to + 1] = tagType & 0xff
    bytes[to + 2] = tag >> 8
    bytes[to + 3] = tag & 0xff
    this.growVirtio(VIRTIO_HEADER_LENGTH, TAG_LENGTH)
  }

  /**
   * A frame from this host whose checksum was left to the network card: the field holds the sum of the pseudo header.
   * The virtio header says where the field is and from where to add up; afterwards it says that nothing is left to do.
   */
  private completeChecksum(): void {
    const { bytes, offset, captured } = this
    const virtio = offset - VIRTIO_LENGTH
    if ((bytes[virtio + VIRTIO_FLAGS]! & VIRTIO_NEEDS_CHECKSUM) === 0 || captured < this.wire) return
    const start = this.virtio(VIRTIO_CHECKSUM_START)
    const field = start + this.virtio(VIRTIO_CHECKSUM_OFFSET)
    if (field + 2 > captured) return
    const end = offset + captured
    let sum = 0
    let i = offset + start
    for (; i + 1 < end; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!
    if (i < end) sum += bytes[i]! << 8
    while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
    // Zero stands for "no checksum" in UDP, and equals all ones otherwise.
    const checksum = ~sum & 0xffff || 0xffff
    bytes[offset + field] = checksum >> 8
    bytes[offset + field + 1] = checksum & 0xff
    bytes[virtio + VIRTIO_FLAGS]! &= ~VIRTIO_NEEDS_CHECKSUM
    this.completed++
  }

  /** A number of the virtio header, which is in the byte order of the machine and need not be aligned. */
  private virtio(field: number): number {
    const at = this.offset - VIRTIO_LENGTH + field
    return LITTLE_ENDIAN
      ? this.bytes[at]! | (this.bytes[at + 1]! << 8)
      : (this.bytes[at]! << 8) | this.bytes[at + 1]!
  }

  private growVirtio(field: number, by: number): void {
    const at = this.offset - VIRTIO_LENGTH + field
    const value = this.virtio(field)
    if (value === 0) return
    this.bytes[at + (LITTLE_ENDIAN ? 0 : 1)] = (value + by) & 0xff
    this.bytes[at + (LITTLE_ENDIAN ? 1 : 0)] = (value + by) >> 8
  }
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
