/** What detection keeps for a flow, from its first payload (or first flowbit) to its end. */
import { CLI, type Flow, SVR } from '@weir/stack'
import type { Conversation } from '../http/conversation.js'
import { SERVICE, type ServiceId } from '../inspect/unit.js'
import type { ProtocolSlot } from '../protocol/index.js'
import type { DetectFlow } from './detector.js'

export class FlowContext implements ProtocolSlot<DetectFlow> {
  /** Tells HTTP from other data and makes the inspection units; absent for flows that are not TCP. */
  readonly conversation: Conversation<DetectFlow> | undefined
  /** Inline: a rule has blocked the flow; what is left of it is not inspected. */
  blocked = false
  /** Flowbits, one bit each; absent until a rule sets one. */
  bits: Uint32Array | undefined
  /** By direction: rules that have alerted on packets whose bytes no stream unit has covered yet. */
  packetMatches: (number[] | undefined)[] | undefined
  service: ServiceId = SERVICE.UNKNOWN
  probes = 0
  protocol: ProtocolSlot<DetectFlow>['protocol'] = undefined
  /** Per direction: rules that have matched a packet of the turn and that are shown the turn as one packet, too. */
  pieceMatches: [number[] | undefined, number[] | undefined] | undefined = undefined
  mail: ProtocolSlot<DetectFlow>['mail'] = undefined
  swapped = false
  /** Service of the last message or turn inspected to its end. */
  inspectedAs: ServiceId = SERVICE.UNKNOWN
  /** Stream bytes of each side so far. */
  clientBytes = 0
  serverBytes = 0

  constructor(conversation: Conversation<DetectFlow> | undefined) {
    this.conversation = conversation
    this.bits = undefined
    this.packetMatches = undefined
  }
}

/**
 * `flow:established`: the handshake was seen, or a second packet of a connection that was picked up midstream.
 */
export function isEstablished(flow: Flow<FlowContext> | undefined): boolean {
  if (flow === undefined || !flow.established) return false
  if (!flow.midstream) return true
  return flow.packets(CLI) + flow.packets(SVR) > 1
}
