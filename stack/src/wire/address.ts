/** Text form of addresses. Allocates strings: for outputs, never for every packet. */

/** Dotted-decimal form of the 4 bytes at `offset`. */
export function formatIPv4(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`
}

/**
 * Form of RFC 5952 of the 16 bytes at `offset`: lower case, no leading zeros, the longest run of at least two zero
 * groups (the first of equal ones) as '::', IPv4-mapped addresses with a dotted tail.
 */
export function formatIPv6(bytes: Uint8Array, offset: number): string {
  let bestAt = -1
  let bestLength = 1
  let runAt = -1
  for (let i = 0; i < 8; i++) {
    if ((bytes[offset + 2 * i]! | bytes[offset + 2 * i + 1]!) !== 0) {
      runAt = -1
      continue
    }
    if (runAt < 0) runAt = i
    if (i - runAt + 1 > bestLength) {
      bestLength = i - runAt + 1
      bestAt = runAt
    }
  }
  const mapped =
    bestAt === 0 && bestLength === 5 && bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff
  if (mapped) return `::ffff:${formatIPv4(bytes, offset + 12)}`
  let text = ''
  for (let i = 0; i < 8; i++) {
    if (i === bestAt) {
      text += '::'
      i += bestLength - 1
      continue
    }
    if (text !== '' && !text.endsWith('::')) text += ':'
    text += ((bytes[offset + 2 * i]! << 8) | bytes[offset + 2 * i + 1]!).toString(16)
  }
  return text
}

function putWord(bytes: Uint8Array, offset: number, word: number): void {
  bytes[offset] = word >>> 24
  bytes[offset + 1] = word >>> 16
  bytes[offset + 2] = word >>> 8
  bytes[offset + 3] = word
}

/** Alerts have addresses made into text by the thousand, and all numbers they need are here. */
const OCTETS: readonly string[] = Array.from({ length: 256 }, (_, octet) => String(octet))

/**
 * Text of an address held as four words, the way `Packet` and flow keys hold it.
 * @param version 4 (the address is in `w3`) or 6
 */
export function formatAddressWords(version: number, w0: number, w1: number, w2: number, w3: number): string {
  if (version === 4) {
    const left = `${OCTETS[w3 >>> 24]!}.${OCTETS[(w3 >>> 16) & 0xff]!}`
    return `${left}.${OCTETS[(w3 >>> 8) & 0xff]!}.${OCTETS[w3 & 0xff]!}`
  }
  const bytes = new Uint8Array(16)
  putWord(bytes, 0, w0)
  putWord(bytes, 4, w1)
  putWord(bytes, 8, w2)
  putWord(bytes, 12, w3)
  return formatIPv6(bytes, 0)
}
