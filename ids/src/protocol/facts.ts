/** What rules ask about protocols other than HTTP, for the unit being inspected. One instance per worker, refilled. */
export const FACTS = { NONE: 0, SSL: 1, SIP: 2, DCE: 3, DNP3: 4, MODBUS: 5, IEC104: 6 } as const
export type FactsKind = (typeof FACTS)[keyof typeof FACTS]

/** Messages of the SSL/TLS handshake seen in a unit; bits of `ProtocolFacts.sslStates`. */
export const SSL_STATE = {
  CLIENT_HELLO: 1,
  SERVER_HELLO: 2,
  CLIENT_KEYX: 4,
  SERVER_KEYX: 8,
  UNKNOWN: 16,
} as const

/** Bits of `ProtocolFacts.sslVersions`. */
export const SSL_VERSION = { SSL2: 1, SSL3: 2, TLS10: 4, TLS11: 8, TLS12: 16, TLS13: 32 } as const

/** Formats of IEC 60870-5-104 messages, as Snort numbers them. */
export const IEC104_FORMAT = { I: 0, S: 1, U: 3 } as const

export class ProtocolFacts {
  kind: FactsKind = FACTS.NONE
  sslStates = 0
  sslVersions = 0
  /** Method of a SIP request in lower case; empty for responses. */
  sipMethod = ''
  /** Status code of a SIP response; 0 for requests. */
  sipStatus = 0
  /** UUID of the interface in the byte order of its text form. */
  readonly dceInterface = new Uint8Array(16)
  dceVersion = 0
  dceOpnum = -1
  /** Byte order of the data. */
  dceLittleEndian = true
  /** The unit is the first fragment, or the request put together. */
  dceFirst = true
  /** Function of a DNP3 or Modbus message; ASDU type of an IEC 104 one (-1: it has none). */
  code = -1
  /** Unit of a Modbus message; format of an IEC 104 one (`IEC104_FORMAT`). */
  unit = -1
  /** Internal indications of a DNP3 response; 0 for requests. */
  indications = 0
  /** First object of a DNP3 message; -1: it has none. */
  objectGroup = -1
  objectVariation = -1

  clear(): void {
    this.kind = FACTS.NONE
  }
}
