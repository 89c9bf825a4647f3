/** Content codings by the names that senders give them. */
import { wordIs } from './words.js'

/** `Content-Encoding` of the body: the ones that can be undone, and the rest. */
export const CODING = { IDENTITY: 0, GZIP: 1, DEFLATE: 2, OTHER: 3, BROTLI: 4 } as const
export type CodingId = (typeof CODING)[keyof typeof CODING]

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const GZIP = ascii('gzip')
const X_GZIP = ascii('x-gzip')
const DEFLATE = ascii('deflate')
const BROTLI = ascii('br')

/** The coding that the word `bytes[start, end)` names. */
export function codingOf(bytes: Uint8Array, start: number, end: number): CodingId {
  if (wordIs(bytes, start, end, GZIP) || wordIs(bytes, start, end, X_GZIP)) return CODING.GZIP
  if (wordIs(bytes, start, end, DEFLATE)) return CODING.DEFLATE
  return wordIs(bytes, start, end, BROTLI) ? CODING.BROTLI : CODING.OTHER
}
