/**
 * Protocols other than HTTP: which service a flow carries, and what rules ask about its messages.
 *
 * In: units of TCP turns and UDP datagrams, before they are searched. Out: the unit's service, the facts that options such
 * as `ssl_state` and `sip_method` test, the SIP and DCE/RPC buffers, and further units for the messages inside a stream
 * (DCE/RPC calls, files moved by SMB). Called by detection; state is kept per flow and bounded per flow.
 */
export { hasCommands, nextCommand } from './commands.js'
export { FACTS, ProtocolFacts, SSL_STATE, SSL_VERSION } from './facts.js'
export { type PduSink, ProtocolInspector, type ProtocolSlot } from './inspector.js'
export { hasMessages, messageEnd, RecordJoiner } from './split.js'
