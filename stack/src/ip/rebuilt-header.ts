/** Makes the header of a datagram put together from fragments: that of its first fragment, as if it had come whole. */
import { foldChecksum, IP_PROTOCOL, IPV4, IPV4_FLAG, IPV6, IPV6_EXTENSION, sumWords } from '../wire/index.js'

/**
 * Corrects the header at the start of `view`.
 * @param header its length; IPv6: with the extension headers in front of the fragment header, which is left out
 * @param total length of the datagram
 * @param nextHeader IPv6: protocol the fragment header named
 */
export function writeHeader(view: DataView, header: number, total: number, nextHeader: number): void {
  if (view.getUint8(0) >> 4 === 4) {
    view.setUint16(IPV4.TOTAL_LENGTH, total)
    view.setUint16(
      IPV4.FRAGMENT,
      view.getUint16(IPV4.FRAGMENT) & (IPV4_FLAG.DONT_FRAGMENT | IPV4_FLAG.RESERVED),
    )
    view.setUint16(IPV4.CHECKSUM, 0)
    view.setUint16(IPV4.CHECKSUM, foldChecksum(sumWords(view, 0, header, 0)))
    return
  }
  view.setUint16(IPV6.PAYLOAD_LENGTH, total - IPV6.HEADER_LENGTH)
  // The decoder has walked this chain when the fragment came: it ends at `header`.
  let field: number = IPV6.NEXT_HEADER
  let at: number = IPV6.HEADER_LENGTH
  while (at < header) {
    const type = view.getUint8(field)
    const units = view.getUint8(at + IPV6_EXTENSION.LENGTH)
    field = at + IPV6_EXTENSION.NEXT_HEADER
    // The length byte of an (atomic) fragment header is reserved: it has 8 bytes.
    if (type === IP_PROTOCOL.FRAGMENT) at += 8
    else at += type === IP_PROTOCOL.AUTHENTICATION ? (units + 2) << 2 : (units + 1) << 3
  }
  view.setUint8(field, nextHeader)
}
