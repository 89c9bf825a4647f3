/** Addresses from text. */
import { parseNetwork } from '../ip/network.js'

/**
 * Bytes of an IPv4 (4) or IPv6 (16) address, in network order.
 * @throws RangeError when the text is not an address
 */
export function parseAddress(text: string): Uint8Array {
  if (text.includes('/')) throw new RangeError(`not an address: ${JSON.stringify(text)}`)
  const { version, words } = parseNetwork(text)
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  words.forEach((word, i) => {
    view.setInt32(4 * i, word)
  })
  return version === 4 ? bytes.slice(12) : bytes
}
