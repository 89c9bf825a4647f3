/** What a message of a protocol other than HTTP was, where a rule asked for another. Called by `describe`. */
import { FACTS, IEC104_FORMAT, type ProtocolFacts, SSL_STATE, SSL_VERSION } from '../protocol/facts.js'
import type { RuleOption } from '../rules/model.js'
import type { Finding } from './describe.js'

const SSL_STATE_NAMES: readonly (readonly [bit: number, name: string])[] = [
  [SSL_STATE.CLIENT_HELLO, 'client_hello'],
  [SSL_STATE.SERVER_HELLO, 'server_hello'],
  [SSL_STATE.CLIENT_KEYX, 'client_keyx'],
  [SSL_STATE.SERVER_KEYX, 'server_keyx'],
  [SSL_STATE.UNKNOWN, 'unknown'],
]

const SSL_VERSION_NAMES: readonly (readonly [bit: number, name: string])[] = [
  [SSL_VERSION.SSL2, 'sslv2'],
  [SSL_VERSION.SSL3, 'sslv3'],
  [SSL_VERSION.TLS10, 'tls1.0'],
  [SSL_VERSION.TLS11, 'tls1.1'],
  [SSL_VERSION.TLS12, 'tls1.2'],
  [SSL_VERSION.TLS13, 'tls1.3'],
]

const namesOf = (bits: number, names: typeof SSL_STATE_NAMES): string =>
  names
    .filter(([bit]) => (bits & bit) !== 0)
    .map(([, name]) => name)
    .join(', ')

const uuid = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

const APCI: Readonly<Record<number, string>> = {
  [IEC104_FORMAT.I]: 'I',
  [IEC104_FORMAT.S]: 'S',
  [IEC104_FORMAT.U]: 'U',
}

/** What the bytes are to be, by option. */
const KIND_TEXT: Readonly<Record<number, string>> = {
  [FACTS.SSL]: 'TLS',
  [FACTS.SIP]: 'a SIP message',
  [FACTS.DCE]: 'a DCE/RPC call',
  [FACTS.DNP3]: 'a DNP3 message',
  [FACTS.MODBUS]: 'a Modbus message',
  [FACTS.IEC104]: 'an IEC 104 message',
}

const KEYWORD_KINDS: Readonly<Record<string, number>> = {
  ssl_state: FACTS.SSL,
  ssl_version: FACTS.SSL,
  sip_method: FACTS.SIP,
  sip_stat_code: FACTS.SIP,
  dce_iface: FACTS.DCE,
  dce_opnum: FACTS.DCE,
  dnp3_ind: FACTS.DNP3,
  dnp3_obj: FACTS.DNP3,
  dnp3_func: FACTS.DNP3,
  modbus_func: FACTS.MODBUS,
  modbus_unit: FACTS.MODBUS,
  iec104_apci_type: FACTS.IEC104,
  iec104_asdu_func: FACTS.IEC104,
}

/** Keyword of the options that ask for a message of a protocol; undefined for all others. */
const keywordOf = (option: RuleOption): string | undefined => {
  const keyword = option.kind === 'message_number' ? option.keyword : option.kind
  return Object.hasOwn(KEYWORD_KINDS, keyword) ? keyword : undefined
}

const seen = (keyword: string, facts: ProtocolFacts): string => {
  switch (keyword) {
    case 'ssl_state':
      return facts.sslStates === 0
        ? 'it holds no handshake message asked about'
        : `its handshake messages are ${namesOf(facts.sslStates, SSL_STATE_NAMES)}`
    case 'ssl_version':
      return facts.sslVersions === 0
        ? 'its version is not known'
        : `the version is ${namesOf(facts.sslVersions, SSL_VERSION_NAMES)}`
    case 'sip_method':
    case 'sip_stat_code':
      return facts.sipMethod === ''
        ? `it is a response, status ${facts.sipStatus}`
        : `it is a request, method ${facts.sipMethod}`
    case 'dce_iface':
      return `the interface is ${uuid(facts.dceInterface)}, version ${facts.dceVersion}`
    case 'dce_opnum':
      return `the operation is ${facts.dceOpnum}`
    case 'dnp3_ind':
      return `the internal indications are 0x${facts.indications.toString(16)}`
    case 'dnp3_obj':
      return facts.objectGroup < 0
        ? 'it has no object'
        : `the first object is ${facts.objectGroup},${facts.objectVariation}`
    case 'modbus_unit':
      return `the unit is ${facts.unit}`
    case 'iec104_apci_type':
      return `the format is ${APCI[facts.unit] ?? facts.unit}`
    default:
      return facts.code < 0 ? 'it has no function' : `the function is ${facts.code}`
  }
}

/** @returns undefined for an option that asks for no message of a protocol */
export const describeProtocol = (
  option: RuleOption,
  facts: ProtocolFacts,
  data: string,
): Finding | undefined => {
  const keyword = keywordOf(option)
  if (keyword === undefined) return undefined
  const kind = KEYWORD_KINDS[keyword]!
  if (facts.kind !== kind) return { found: `this is not ${KIND_TEXT[kind]}: ${data}`, facts: { other: true } }
  return { found: seen(keyword, facts), facts: {} }
}
