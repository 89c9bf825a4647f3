/**
 * Inline: what is sent again is the same as before (Snort: `normalizer.tcp.ips`, `normalize_tcp: ips`). Otherwise a sender
 * could show detection one thing and the receiver another, whose system may prefer what comes later.
 *
 * In: the stack's events about bytes that came before with other content, held or delivered. Out: packets whose bytes are
 * those that came first, before any rule looks at them. Used by the inspector of an inline sensor.
 */
import { ON_OVERLAP_CONFLICT, type OverlapConflict, type Stack, type Subscription } from '@weir/stack'
import type { Counters } from './counters.js'

/** Delivered bytes of each side that are remembered: a window of a connection that is not scaled. */
const REMEMBERED = 65_536

export function keepConsistent(stack: Stack, counters: Counters): Subscription {
  const socket = stack.monitorStream({ retain: { client: REMEMBERED, server: REMEMBERED } })
  return socket.on(ON_OVERLAP_CONFLICT, (_flow, conflict) => restore(conflict, counters))
}

function restore({ earlier, later, packet }: OverlapConflict, counters: Counters): void {
  const offset = later.byteOffset - packet.buffer.byteOffset - packet.payloadOffset
  // One that cannot be changed (put together from fragments) must not go on.
  if (packet.overwrite(offset, earlier)) counters.restoredStretches++
  else packet.drop()
}
