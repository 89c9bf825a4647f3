/** Bytes and sets of the network and of rules as short, safe text. */
const PRINTABLE_LOW = 0x20
const PRINTABLE_HIGH = 0x7e
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Bytes shown of a buffer. */
export const SHOWN_BYTES = 64

const charText = (byte: number): string => {
  if (byte === 0x0d) return '\\r'
  if (byte === 0x0a) return '\\n'
  if (byte === QUOTE || byte === BACKSLASH) return `\\${String.fromCharCode(byte)}`
  if (byte >= PRINTABLE_LOW && byte <= PRINTABLE_HIGH) return String.fromCharCode(byte)
  return `\\x${byte.toString(16).padStart(2, '0')}`
}

/** `"text\r\n…"`: at most `limit` bytes of `[start, end)`, every byte that is not plain text escaped. */
export const quoted = (bytes: Uint8Array, start: number, end: number, limit = SHOWN_BYTES): string => {
  const last = Math.min(end, start + limit)
  let text = ''
  for (let at = start; at < last; at++) text += charText(bytes[at]!)
  return `"${text}${last < end ? '…' : ''}"`
}

export const shorten = (text: string, limit: number): string =>
  text.length > limit ? `${text.slice(0, limit)}…` : text
