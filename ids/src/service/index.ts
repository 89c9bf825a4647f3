/**
 * Service identification: which application protocol a flow carries, told by its first bytes.
 *
 * In: the beginning of a turn of a TCP stream that is not HTTP, or one UDP datagram. Out: a `ServiceId`; UNKNOWN when in
 * doubt, because rules are then chosen by ports and none is lost. Called by the protocol inspector; looks at a bounded
 * number of bytes of the first few turns of a flow.
 */

export { identifyDatagram, identifyTurn, PROBED_TURNS } from './identify.js'
export { senderOf } from './sender.js'
