/**
 * What a middlebox says itself: packets of its own, made and sent.
 *
 * In: a flow's row, the packet that is being processed, what handlers ask for. Out: frames handed to the sender that an
 * inline source (capture/inline.ts) or the application gave the stack. Dropping and changing packets is elsewhere: in
 * wire/packet.ts and flow/lifecycle.ts. Called by flow handles and the life of flows.
 */
export { parseAddress } from './address.js'
export type { PacketFields } from './responder.js'
