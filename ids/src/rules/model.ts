/**
 * A rule after parsing: plain immutable data, the same for both dialects.
 *
 * In: built by the dialect parsers and the option registry. Out: read by detection (grouping, evaluation), by the
 * outputs (msg, classtype, references) and by `weir rules`. Nothing here knows how an option is evaluated.
 */
import type { BufferId } from '../inspect/buffers.js'
import type { HttpNumber, HttpPart } from '../inspect/http-part.js'
import type { RegexFlags } from '../match/matcher.js'

export type Dialect = 'snort2' | 'snort3'

export const RULE_ACTIONS = [
  'alert',
  'log',
  'pass',
  'drop',
  'sdrop',
  'reject',
  'block',
  'react',
  'rewrite',
] as const
export type RuleAction = (typeof RULE_ACTIONS)[number]

/** `http`, `ssl`… (Snort 3: a service in place of a protocol) are `tcp` with that service. */
export type RuleProtocol = 'tcp' | 'udp' | 'icmp' | 'ip'

/** Where a piece of rule text stands: 1-based line and column (in characters). */
export interface SourcePosition {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** An IPv4 network is stored as its IPv4-mapped IPv6 form (`::ffff:a.b.c.d`, prefix + 96). */
export interface IpNetwork {
  /** 16 bytes, network order, host bits zero. */
  readonly address: Uint8Array
  /** 0…128 */
  readonly prefix: number
}

/** An address matches when it is in any of `include` (or `include` is empty) and in none of `exclude`. */
export interface IpSet {
  readonly any: boolean
  readonly include: readonly IpNetwork[]
  readonly exclude: readonly IpNetwork[]
}

/** Sorted, disjoint, inclusive ranges, already complemented for negations. `any` is 0…65535. */
export interface PortSet {
  readonly any: boolean
  readonly ranges: readonly (readonly [low: number, high: number])[]
}

/** A number written in the rule, or the name of a `byte_extract`/`byte_math` variable. */
export type NumberOrVariable = number | string

/** Comparison as written; `lo`/`hi` are inclusive for `<>` in Snort 2 text; for the others only `lo` counts. */
export interface NumericTest {
  readonly op: '=' | '!=' | '<' | '>' | '<=' | '>=' | 'range-inclusive' | 'range-exclusive'
  readonly lo: number
  readonly hi: number
}

export interface ContentOption {
  readonly kind: 'content'
  readonly buffer: BufferId
  readonly bytes: Uint8Array
  readonly negated: boolean
  readonly nocase: boolean
  /** Counts from the cursor (`distance`/`within`), not from the buffer start (`offset`/`depth`). */
  readonly relative: boolean
  /** `offset`, or `distance` when relative; default 0. */
  readonly offset: NumberOrVariable
  /** `depth`, or `within` when relative; undefined = to the end of the buffer. */
  readonly depth: NumberOrVariable | undefined
  readonly fastPattern: FastPatternMark | undefined
}

export interface FastPatternMark {
  /** `fast_pattern:only`: the content is searched for (caseless, anywhere), moves no cursor and orders nothing. */
  readonly only: boolean
  /** `fast_pattern:offset,length`: the slice given to the matcher; undefined = all of it. */
  readonly slice: readonly [offset: number, length: number] | undefined
}

export interface PcreOption {
  readonly kind: 'pcre'
  readonly buffer: BufferId
  /** One byte per character. */
  readonly pattern: string
  readonly flags: RegexFlags
  readonly negated: boolean
  /** R: the subject begins at the cursor. */
  readonly relative: boolean
  /** O: not subject to the configured match limit. */
  readonly ignoreLimits: boolean
  /** 2.9 http pcre (U, P, H…) leaves the cursor where it was. */
  readonly movesCursor: boolean
}

export interface IsDataAtOption {
  readonly kind: 'isdataat'
  readonly buffer: BufferId
  readonly at: NumberOrVariable
  readonly negated: boolean
  readonly relative: boolean
}

/** Common part of the options that read a number from the buffer. */
export interface ByteRead {
  readonly buffer: BufferId
  /** Bytes to read: 1…4 binary, 1…10 as text; 0 in `byte_jump` reads nothing and counts as the value 0. */
  readonly count: number
  readonly offset: NumberOrVariable
  readonly relative: boolean
  readonly littleEndian: boolean
  /** Text number: 0 = base from its prefix (strtoul), else 8, 10 or 16; undefined = binary. */
  readonly textBase: 0 | 8 | 10 | 16 | undefined
  /** Byte order of the DCE/RPC request (`dce`). */
  readonly dce: boolean
  /** ANDed with the value, which is then shifted right by the mask's trailing zero bits; undefined = none. */
  readonly bitmask: number | undefined
}

export interface ByteTestOption extends ByteRead {
  readonly kind: 'byte_test'
  readonly op: '<' | '>' | '=' | '<=' | '>=' | '&' | '^'
  readonly negated: boolean
  readonly value: NumberOrVariable
}

export interface ByteJumpOption extends ByteRead {
  readonly kind: 'byte_jump'
  readonly multiplier: number
  /** 1 = none, else the value is rounded up to a multiple of it (2 or 4). */
  readonly align: 1 | 2 | 4
  readonly from: 'here' | 'beginning' | 'end'
  readonly postOffset: NumberOrVariable
}

export interface ByteExtractOption extends ByteRead {
  readonly kind: 'byte_extract'
  readonly name: string
  readonly multiplier: number
  readonly align: 1 | 2 | 4
}

export interface ByteMathOption extends ByteRead {
  readonly kind: 'byte_math'
  readonly op: '+' | '-' | '*' | '/' | '<<' | '>>'
  readonly value: NumberOrVariable
  readonly name: string
}

export interface FlowOption {
  readonly kind: 'flow'
  readonly direction: 'to_server' | 'to_client' | undefined
  readonly state: 'established' | 'not_established' | 'stateless' | undefined
  readonly stream: 'no_stream' | 'only_stream' | undefined
  readonly frag: 'no_frag' | 'only_frag' | undefined
}

export interface FlowbitsOption {
  readonly kind: 'flowbits'
  readonly action: 'set' | 'setx' | 'unset' | 'toggle' | 'isset' | 'isnotset' | 'reset' | 'noalert'
  /** Empty with a `group`: every name of the group (`isset,any,group`). */
  readonly names: readonly string[]
  /** How several names combine: `a&b` all, `a|b` any. */
  readonly combine: 'all' | 'any'
  readonly group: string | undefined
}

/** Puts the cursor at the start of a buffer (`file_data`, `pkt_data`, `base64_data`, Snort 3 sticky buffers). */
export interface SetBufferOption {
  readonly kind: 'set_buffer'
  readonly buffer: BufferId
  /** What the buffer holds, when it is one of the slots for parts of a message. */
  readonly part?: HttpPart
}

export interface Base64DecodeOption {
  readonly kind: 'base64_decode'
  readonly buffer: BufferId
  readonly bytes: number | undefined
  readonly offset: number
  readonly relative: boolean
}

/** Length of a whole buffer: `urilen` (http_uri or http_raw_uri), `bufferlen` (any). */
export interface BufferLengthOption {
  readonly kind: 'buffer_length'
  readonly buffer: BufferId
  readonly test: NumericTest
  readonly relative: boolean
}

export interface DsizeOption {
  readonly kind: 'dsize'
  readonly test: NumericTest
}

export interface TcpFlagsOption {
  readonly kind: 'flags'
  /** FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128. */
  readonly flags: number
  /** Removed from the packet's flags before the test. */
  readonly ignore: number
  readonly match: 'exact' | 'all' | 'any' | 'none'
}

/** Equality or range on one header field. */
export interface HeaderNumberOption {
  readonly kind: 'header_number'
  readonly field:
    | 'ttl'
    | 'tos'
    | 'id'
    | 'fragoffset'
    | 'ip_proto'
    | 'seq'
    | 'ack'
    | 'window'
    | 'itype'
    | 'icode'
    | 'icmp_id'
    | 'icmp_seq'
  readonly test: NumericTest
}

export interface FragBitsOption {
  readonly kind: 'fragbits'
  /** more fragments 1, don't fragment 2, reserved 4 */
  readonly bits: number
  readonly match: 'exact' | 'all' | 'any' | 'none'
}

export interface IpOptsOption {
  readonly kind: 'ipopts'
  /** IP option type, or 'any'. */
  readonly option: number | 'any'
}

export interface SameIpOption {
  readonly kind: 'sameip'
}

/** What matches are counted for: an address, the rule as a whole, a flow, a pair of addresses. */
export const TRACKS = ['by_src', 'by_dst', 'by_rule', 'by_flow', 'by_both'] as const
export type Track = (typeof TRACKS)[number]

export interface RateOption {
  readonly kind: 'detection_filter' | 'threshold'
  readonly type: 'limit' | 'threshold' | 'both' | undefined
  readonly track: Track
  readonly count: number
  readonly seconds: number
}

/** True when one of `states` occurs in the unit, or one of `not` does not (`SSL_STATE` bits). */
export interface SslStateOption {
  readonly kind: 'ssl_state'
  readonly states: number
  readonly not: number
}

/** The same for versions (`SSL_VERSION` bits). */
export interface SslVersionOption {
  readonly kind: 'ssl_version'
  readonly versions: number
  readonly not: number
}

export interface SipMethodOption {
  readonly kind: 'sip_method'
  /** Lower case. */
  readonly methods: readonly string[]
  readonly negated: boolean
}

export interface SipStatCodeOption {
  readonly kind: 'sip_stat_code'
  /** 100…999 exact, 1…9 a class. */
  readonly codes: readonly number[]
}

export interface DceIfaceOption {
  readonly kind: 'dce_iface'
  /** 16 bytes in the order of the text form. */
  readonly uuid: Uint8Array
  readonly version: NumericTest | undefined
  /** Later fragments match too. */
  readonly anyFragment: boolean
}

export interface DceOpnumOption {
  readonly kind: 'dce_opnum'
  readonly ranges: readonly (readonly [low: number, high: number])[]
}

/** A number that a message of a control-system protocol carries. */
export interface MessageNumberOption {
  readonly kind: 'message_number'
  readonly keyword: 'dnp3_func' | 'modbus_func' | 'modbus_unit' | 'iec104_apci_type' | 'iec104_asdu_func'
  readonly value: number
}

/** True when the DNP3 response has one of these internal indications. */
export interface Dnp3IndOption {
  readonly kind: 'dnp3_ind'
  readonly bits: number
}

/** Group and variation of the first object of a DNP3 message. */
export interface Dnp3ObjOption {
  readonly kind: 'dnp3_obj'
  readonly group: number
  readonly variation: number
}

/** ONC RPC call; undefined = any. */
export interface RpcOption {
  readonly kind: 'rpc'
  readonly program: number
  readonly version: number | undefined
  readonly procedure: number | undefined
}

export interface Asn1Option {
  readonly kind: 'asn1'
  readonly buffer: BufferId
  readonly bitstringOverflow: boolean
  readonly doubleOverflow: boolean
  /** Longest element allowed; undefined = no test. */
  readonly oversizeLength: number | undefined
  readonly offset: number
  readonly relative: boolean
}

export interface FtpBounceOption {
  readonly kind: 'ftpbounce'
  readonly buffer: BufferId
}

export interface CvsOption {
  readonly kind: 'cvs'
  readonly buffer: BufferId
}

/** Moves the cursor over a BER element (`ber_skip`) or into it (`ber_data`). */
export interface BerOption {
  readonly kind: 'ber_data' | 'ber_skip'
  readonly buffer: BufferId
  readonly type: number
  /** `ber_skip`: another type is passed without moving. */
  readonly optional: boolean
}

export interface StreamSizeOption {
  readonly kind: 'stream_size'
  readonly side: 'client' | 'server' | 'either' | 'both'
  readonly test: NumericTest
}

export interface SdPatternOption {
  readonly kind: 'sd_pattern'
  readonly buffer: BufferId
  /** A regular expression, or one of the built-in kinds. */
  readonly pattern: string
  readonly threshold: number
}

/** Hash of `length` bytes at `offset`. */
export interface HashOption {
  readonly kind: 'hash'
  readonly buffer: BufferId
  readonly algorithm: 'md5' | 'sha256' | 'sha512'
  readonly digest: Uint8Array
  readonly length: number
  readonly offset: number
  readonly relative: boolean
  readonly negated: boolean
}

export interface HttpNumberOption {
  readonly kind: 'http_number'
  readonly what: Exclude<HttpNumber, 'version'>
  readonly test: NumericTest
  /** On a response: of the request it answers. */
  readonly request: boolean
}

export interface HttpVersionMatchOption {
  readonly kind: 'http_version_match'
  /** Values of `HTTP_VERSIONS`. */
  readonly versions: readonly number[]
  readonly request: boolean
}

/** `http_header_test`, `http_trailer_test`. */
export interface HttpFieldTestOption {
  readonly kind: 'http_field_test'
  readonly part: HttpPart
  /** Slot the part is put into. */
  readonly slot: BufferId
  readonly check: NumericTest | undefined
  /** The value must, or must not, be a number. */
  readonly numeric: boolean | undefined
  readonly absent: boolean
}

/** Packets that follow are logged, too: of the flow, or of a host. A metric of 0 sets no end. */
export interface TagOption {
  readonly kind: 'tag'
  readonly by: 'session' | 'source' | 'destination'
  readonly packets: number
  readonly seconds: number
  readonly bytes: number
}

/** What takes the place of the content before it, inline; as long as that. */
export interface ReplaceOption {
  readonly kind: 'replace'
  readonly buffer: BufferId
  readonly bytes: Uint8Array
}

/** The rule stands for an event that the engine raises itself (by gid and sid), and matches nothing. */
export interface EngineEventOption {
  readonly kind: 'engine_event'
}

export type RuleOption =
  | TagOption
  | ReplaceOption
  | EngineEventOption
  | HashOption
  | HttpNumberOption
  | HttpVersionMatchOption
  | HttpFieldTestOption
  | SslStateOption
  | SslVersionOption
  | SipMethodOption
  | SipStatCodeOption
  | DceIfaceOption
  | DceOpnumOption
  | MessageNumberOption
  | Dnp3IndOption
  | Dnp3ObjOption
  | RpcOption
  | Asn1Option
  | FtpBounceOption
  | CvsOption
  | BerOption
  | StreamSizeOption
  | SdPatternOption
  | ContentOption
  | PcreOption
  | IsDataAtOption
  | ByteTestOption
  | ByteJumpOption
  | ByteExtractOption
  | ByteMathOption
  | FlowOption
  | FlowbitsOption
  | SetBufferOption
  | Base64DecodeOption
  | BufferLengthOption
  | DsizeOption
  | TcpFlagsOption
  | HeaderNumberOption
  | FragBitsOption
  | IpOptsOption
  | SameIpOption
  | RateOption

export interface RuleReference {
  readonly system: string
  readonly id: string
}

export interface RuleHeader {
  readonly action: RuleAction
  readonly protocol: RuleProtocol
  readonly source: IpSet
  readonly sourcePorts: PortSet
  readonly bidirectional: boolean
  readonly destination: IpSet
  readonly destinationPorts: PortSet
  /** A service stands in place of the protocol (Snort 3): the rule is for flows of its services, over TCP or UDP. */
  readonly serviceOnly?: boolean
}

export interface Rule {
  readonly gid: number
  readonly sid: number
  readonly rev: number
  readonly msg: string
  /** Short name (`web-application-attack`), or undefined. */
  readonly classtype: string | undefined
  /** Text of the class (`Web Application Attack`), or undefined when the classtype is not configured. */
  readonly classText: string | undefined
  /** 1 = most urgent; 0 when neither `priority` nor a known classtype gives one. */
  readonly priority: number
  readonly references: readonly RuleReference[]
  readonly metadata: readonly (readonly [key: string, value: string])[]
  /** Services named by `metadata:service` or `service:`, lower case; empty = none. */
  readonly services: readonly string[]
  readonly header: RuleHeader
  /** In evaluation order, as written. Does not hold msg, sid, reference and the like. */
  readonly options: readonly RuleOption[]
  readonly dialect: Dialect
  readonly position: SourcePosition
  /** The rule as written, continuation lines joined. */
  readonly text: string
}

/** Why a rule (or a line) was not loaded. `reason` groups equal causes in summaries; `message` is for the reader. */
export interface RuleProblem {
  readonly position: SourcePosition
  readonly severity: 'error' | 'warning'
  /**
   * `file`: unreadable; `syntax`: not rule text; `value`: well-formed, but impossible or forbidden; `unsupported`:
   * correct, but not evaluated; `duplicate`: another rule has this gid:sid.
   */
  readonly kind?: 'file' | 'syntax' | 'value' | 'unsupported' | 'duplicate'
  readonly reason: string
  readonly message: string
  readonly sid: number | undefined
}
