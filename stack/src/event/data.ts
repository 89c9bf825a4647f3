/** Payload of data events in the forms applications like: for those who do not mind an allocation. */

/** What ON_NEW_DATA and ON_DATAGRAM hand over of their bytes. */
export interface DataRange {
  /** Holds the bytes, and others. */
  readonly bytes: Uint8Array
  /** Index of the first byte in `bytes`. */
  readonly start: number
  /** Index after the last one. */
  readonly end: number
}

/** The bytes as a view of their own, valid during the call, never to be written. */
export function bytesOf({ bytes, start, end }: DataRange): Uint8Array {
  return bytes.subarray(start, end)
}

/** The bytes as text, by default one character for each byte. */
export function textOf({ bytes, start, end }: DataRange, encoding: BufferEncoding = 'latin1'): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString(encoding)
}
