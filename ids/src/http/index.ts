/**
 * HTTP inspection, and the decision whether a TCP conversation is HTTP at all.
 *
 * In: in-order bytes of both directions of a flow, from the stack's ON_NEW_DATA, ON_GAP and ON_CONN_END by way of
 * detection. Out: inspection units (requests, responses, raw turns) through `UnitSink`.
 * Use: one `InspectionContext` and one `ConversationPool` per worker; `pool.open()` for a flow's first payload, then
 * `data`, `gap` and `close` on the conversation.
 */
export { Conversation } from './conversation.js'
export { ConversationPool } from './conversation-pool.js'
export { PROBE, type ProbeResult, probe } from './probe.js'
