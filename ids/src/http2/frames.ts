/**
 * Frames of one direction (RFC 9113 section 4): where one begins, what it is, and how much of it is still to come.
 *
 * In: bytes in pieces of any size. Out: the 9-byte header of the present frame, read; the caller deals with the payload.
 */

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const

export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 0x20 } as const

const HEADER = 9

export class FrameHeader {
  type = 0
  flags = 0
  stream = 0
  /** Bytes of the payload that have not come yet. */
  remaining = 0
  private readonly bytes = new Uint8Array(HEADER)
  private have = 0

  /** Waits for the next header. */
  reset(): void {
    this.have = 0
    this.remaining = 0
  }

  /** The header has been read. */
  get complete(): boolean {
    return this.have === HEADER
  }

  /** Reads on in `bytes[start, end)`; returns the index of the first byte that is not part of the header. */
  read(bytes: Uint8Array, start: number, end: number): number {
    let i = start
    while (i < end && this.have < HEADER) this.bytes[this.have++] = bytes[i++]!
    if (this.have === HEADER) {
      const head = this.bytes
      this.remaining = (head[0]! << 16) | (head[1]! << 8) | head[2]!
      this.type = head[3]!
      this.flags = head[4]!
      this.stream = ((head[5]! & 0x7f) << 24) | (head[6]! << 16) | (head[7]! << 8) | head[8]!
    }
    return i
  }
}
