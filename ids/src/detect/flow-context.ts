/** What detection keeps for a flow, from its first payload (or first flowbit) to its end. */
import { CLI, type Flow, SVR } from '@weir/stack'
import type { Conversation } from '../http/conversation.js'
import { type Direction, SERVICE, type ServiceId } from '../inspect/unit.js'
import type { ProtocolSlot } from '../protocol/index.js'
import type { Evaluation } from './evaluation.js'

export type DetectFlow = Flow<FlowContext>

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

/**
 * Whether a rule that matches the turn shown as one packet (`whole`) has matched a packet of it already. Otherwise notes
 * that the rule has matched a packet of the turn.
 */
export function hasMatchedPiece(
  context: FlowContext,
  direction: Direction,
  index: number,
  whole: boolean,
): boolean {
  const earlier = context.pieceMatches?.[direction]
  if (whole) return earlier?.includes(index) === true
  if (earlier === undefined) {
    context.pieceMatches ??= [undefined, undefined]
    context.pieceMatches[direction] = [index]
  } else if (!earlier.includes(index)) earlier.push(index)
  return false
}

/** Puts the flow's addresses into `state`, as those of a packet from the client or from the server. */
export function loadFlowAddresses(state: Evaluation, flow: Flow<FlowContext>, fromClient: boolean): void {
  const source = fromClient ? CLI : SVR
  const destination = fromClient ? SVR : CLI
  state.src0 = flow.addressWord(source, 0)
  state.src1 = flow.addressWord(source, 1)
  state.src2 = flow.addressWord(source, 2)
  state.src3 = flow.addressWord(source, 3)
  state.dst0 = flow.addressWord(destination, 0)
  state.dst1 = flow.addressWord(destination, 1)
  state.dst2 = flow.addressWord(destination, 2)
  state.dst3 = flow.addressWord(destination, 3)
}
