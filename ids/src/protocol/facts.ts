/** What rules ask about protocols other than HTTP, for the unit being inspected. One instance per worker, refilled. */
export const FACTS = { NONE: 0, SSL: 1, SIP: 2, DCE: 3 } as const
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

  clear(): void {
    this.kind = FACTS.NONE
  }
}
