/** Options that ask about messages of a protocol. */
import type { BufferId } from '../../inspect/buffers.js'
import type { HttpNumber, HttpPart } from '../../inspect/http-part.js'
import type { NumericTest } from './values.js'

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

export interface FtpBounceOption {
  readonly kind: 'ftpbounce'
  readonly buffer: BufferId
}

export interface CvsOption {
  readonly kind: 'cvs'
  readonly buffer: BufferId
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
