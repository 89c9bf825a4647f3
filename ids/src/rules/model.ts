/**
 * A rule after parsing: plain immutable data, the same for both dialects.
 *
 * In: built by the dialect parsers and the option registry. Out: read by detection (grouping, evaluation), by the
 * outputs (msg, classtype, references) and by `weir rules`. Nothing here knows how an option is evaluated. The options
 * are in `model/`, by what they look at.
 */
import type {
  DsizeOption,
  EngineEventOption,
  FlowbitsOption,
  FlowOption,
  FragBitsOption,
  HeaderNumberOption,
  IpOptsOption,
  RateOption,
  SameIpOption,
  StreamSizeOption,
  TagOption,
  TcpFlagsOption,
} from './model/packet-options.js'
import type {
  Asn1Option,
  Base64DecodeOption,
  BerOption,
  BufferLengthOption,
  ByteExtractOption,
  ByteJumpOption,
  ByteMathOption,
  ByteTestOption,
  ContentOption,
  HashOption,
  IsDataAtOption,
  PcreOption,
  ReplaceOption,
  SdPatternOption,
  SetBufferOption,
} from './model/payload-options.js'
import type {
  CvsOption,
  DceIfaceOption,
  DceOpnumOption,
  Dnp3IndOption,
  Dnp3ObjOption,
  FtpBounceOption,
  HttpFieldTestOption,
  HttpNumberOption,
  HttpVersionMatchOption,
  MessageNumberOption,
  RpcOption,
  SipMethodOption,
  SipStatCodeOption,
  SslStateOption,
  SslVersionOption,
} from './model/protocol-options.js'
import type {
  Dialect,
  IpSet,
  PortSet,
  RuleAction,
  RuleProtocol,
  SourcePosition,
  TextRun,
} from './model/values.js'

export type * from './model/packet-options.js'
export type * from './model/payload-options.js'
export type * from './model/protocol-options.js'
export * from './model/values.js'

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
  /** Where its lines begin in `text`; absent for a rule in one line. */
  readonly runs?: readonly TextRun[] | undefined
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
