/**
 * Turning hostile or merely odd text into something that is safe on one line of a log, and small shared wordings.
 */
/** C0, DEL, C1, line and paragraph separators, and the marks that reorder text on a terminal. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
const UNSAFE_ONCE = new RegExp(UNSAFE.source)

/** `text` with every control character as `\xNN` or `\u{NNNN}`: it cannot end the line or drive the terminal. */
export const visible = (text: string): string =>
  UNSAFE_ONCE.test(text)
    ? text.replace(UNSAFE, (character) => escapeCharacter(character.charCodeAt(0)))
    : text

const escapeCharacter = (code: number): string =>
  code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`

const IP_PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'HOPOPT'],
  [1, 'ICMP'],
  [2, 'IGMP'],
  [4, 'IPENCAP'],
  [6, 'TCP'],
  [17, 'UDP'],
  [41, 'IPV6'],
  [47, 'GRE'],
  [50, 'ESP'],
  [51, 'AH'],
  [58, 'IPV6-ICMP'],
  [89, 'OSPF'],
  [103, 'PIM'],
  [132, 'SCTP'],
])

export const PROTOCOL = { ICMP: 1, TCP: 6, UDP: 17, ICMP6: 58 } as const

/** Snort 3's packet types: TCP, UDP, ICMP (both versions), IP for everything else. */
export const snort3Protocol = (protocol: number): string => {
  switch (protocol) {
    case PROTOCOL.TCP:
      return 'TCP'
    case PROTOCOL.UDP:
      return 'UDP'
    case PROTOCOL.ICMP:
    case PROTOCOL.ICMP6:
      return 'ICMP'
    default:
      return 'IP'
  }
}

/** Snort 2's names: those of /etc/protocols in capitals. */
export const snort2Protocol = (protocol: number): string =>
  IP_PROTOCOL_NAMES.get(protocol) ?? `PROTO:${String(protocol).padStart(3, '0')}`

/** EVE's names. */
export const eveProtocol = (protocol: number): string =>
  protocol === PROTOCOL.ICMP6
    ? 'IPv6-ICMP'
    : (IP_PROTOCOL_NAMES.get(protocol) ?? String(protocol).padStart(3, '0'))

export const hasPorts = (protocol: number): boolean => protocol === PROTOCOL.TCP || protocol === PROTOCOL.UDP

export const isIcmp = (protocol: number): boolean => protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMP6

/** `12UAPRSF` with `*` for a flag that is not set, as Snort prints TCP flags. */
export const tcpFlagText = (flags: number): string => {
  let text = ''
  for (let bit = 7; bit >= 0; bit--) text += (flags & (1 << bit)) !== 0 ? '12UAPRSF'[7 - bit] : '*'
  return text
}

export const hex = (value: number): string => `0x${(value >>> 0).toString(16).toUpperCase()}`
