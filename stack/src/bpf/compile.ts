/** Filter expressions to programs, by libpcap's own compiler. */
import { loadNetworkAddon, type PcapBinding } from '../native.js'
import { BpfError } from './error.js'
import { BpfProgram } from './program.js'
import { looksLikeProgram, parseProgram } from './text.js'

export interface CompileOptions {
  /** Value a matching packet yields: the bytes a kernel would keep of it. Default 262,144. */
  readonly snaplen?: number
  /**
   * IPv4 network mask of the link, for `ip broadcast`, as a 32-bit number. Left out, such expressions are an error, as in
   * libpcap.
   */
  readonly netmask?: number
}

const DEFAULT_SNAPLEN = 262_144
const NETMASK_UNKNOWN = 0xffff_ffff
/** As much as a kernel socket, and room for generated filters of several thousand addresses. */
const MAX_EXPRESSION = 1 << 20

/** Link types numbered otherwise in capture files (LINKTYPE_) than in libpcap (DLT_) on this system. */
const DLT_OF: ReadonlyMap<number, number> = new Map([
  [50, 9], // PPP_HDLC: PPP
  [100, 11], // ATM_RFC1483
  [101, process.platform === 'openbsd' ? 14 : 12], // RAW
  [102, 15], // SLIP_BSDOS
  [103, 16], // PPP_BSDOS
  [106, 19], // ATM_CLIP
  ...(process.platform === 'openbsd' ? [[108, 12] as const] : []), // LOOP
])

/** '' when expressions can be compiled on this machine, else why not. */
export function bpfUnavailable(): string {
  const { addon, reason } = loadNetworkAddon()
  if (addon?.pcap !== undefined) return ''
  const why = addon === undefined ? reason : 'the native network addon was built without libpcap'
  return (
    `filter expressions need libpcap: ${why} (Debian: apt-get install g++ libpcap-dev, then npm start); ` +
    "without it, give a program made elsewhere: the output of 'tcpdump -ddd -r FILE EXPRESSION'"
  )
}

function compiler(): PcapBinding {
  const pcap = loadNetworkAddon().addon?.pcap
  if (pcap === undefined) throw new BpfError('unavailable', bpfUnavailable())
  return pcap
}

/**
 * A program for `expression` (the language of pcap-filter(7); '' matches everything) over packets of `linkType` (number
 * of a capture file or DLT). Also takes a compiled program as text, `tcpdump -ddd`, for which the caller vouches that it
 * was made for this link type; no libpcap is needed then. Host names are looked up, which may take a while.
 * @throws BpfError
 */
export function compileBpf(expression: string, linkType: number, options: CompileOptions = {}): BpfProgram {
  if (looksLikeProgram(expression)) return new BpfProgram(parseProgram(expression))
  if (expression.length > MAX_EXPRESSION || expression.includes('\0')) {
    throw new BpfError('expression', 'the filter expression is too long, or holds a NUL')
  }
  const pcap = compiler()
  const { snaplen = DEFAULT_SNAPLEN, netmask = NETMASK_UNKNOWN } = options
  try {
    return new BpfProgram(pcap.compile(expression, DLT_OF.get(linkType) ?? linkType, snaplen, netmask, 1))
  } catch (error) {
    throw new BpfError('expression', `filter '${expression}': ${(error as Error).message}`)
  }
}
