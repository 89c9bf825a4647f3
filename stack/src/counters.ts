/** What a stack counts: traffic, flows by kind and by end, and every limit or check that made it leave something out. */
import type { DefragCounters, TunnelCounters } from './ip/index.js'
import type { DecodeCounters } from './wire/index.js'

const NAMES = [
  /** Frames handed to the stack. */
  'packets',
  /** Their bytes on the wire. */
  'bytes',
  /** Packets of another shard, left alone. */
  'otherShard',
  /** Flows begun, of any protocol. */
  'flows',
  /** Of these, by protocol. */
  'tcpFlows',
  'udpFlows',
  'icmpFlows',
  'otherFlows',
  /** TCP flows whose beginning was not seen. */
  'midstreamFlows',
  /** Flows ended, by reason. */
  'endedFin',
  'endedRst',
  'endedTimeout',
  'endedReused',
  'endedEvicted',
  'endedShutdown',
  'endedBlocked',
  /** Flows (and rests of closed ones) displaced because the table was full. */
  'evictions',
  /** Flows that never began: their first packet was dropped at PRE_TCP. */
  'refused',
  /** Flows ended by `block` and `reset` of their handle; those by `reset` alone. */
  'blockedFlows',
  'resetFlows',
  /** Packets dropped because their flow was blocked, or because they repeat data that was dropped. */
  'blockedPackets',
  'withheldPackets',
  /** TCP packets that belong to no flow. */
  'orphans',
  /** Segments that repeat bytes, a SYN or a FIN. */
  'retransmissions',
  /** Probes of an idle connection (RFC 9293, 3.8.4): not retransmissions. */
  'keepAlives',
  /** Bytes sent into a closed window (RFC 9293, 3.8.6.1): not retransmissions. */
  'zeroWindowProbes',
  /** Segments held because bytes before them were missing. */
  'outOfOrder',
  /** Data or FIN outside the receiver's window, and data that acknowledges what was never sent: not used. */
  'outOfWindow',
  /** Segments behind the SYN without the ACK flag, which hosts drop: not used. */
  'withoutAck',
  /** RST outside the window, or inside but not at the expected number (RFC 5961): not obeyed. */
  'rstIgnored',
  /** Segments that the receiver drops for their timestamps (`tcp.timestamps`): not used. */
  'pawsDropped',
  /** SYN or SYN+ACK that contradicts the connection: not used. */
  'synIgnored',
  /** FIN that contradicts an earlier one or data already seen: not used. */
  'finIgnored',
  /** Gaps reported, and their bytes. */
  'gaps',
  'gapBytes',
  /** Gaps given up because a limit on held data was reached: bytes per side, segments per side, total memory. */
  'heldBytesLimit',
  'heldSegmentsLimit',
  'heldTotalLimit',
  /** Likewise, because `memory.flowBytes`, or `memory.totalBytes`, was reached. */
  'heldFlowMemoryLimit',
  'heldMemoryLimit',
  /** Pieces of data that were not (wholly) kept for `peek`, because the memory for that was used up. */
  'retainedTotalLimit',
  /** Timers of applications not set, because there were `maxTimers` of them, or memory was used up. */
  'timersRefused',
] as const

export type CounterName = (typeof NAMES)[number]

/** Indices into the array of counters, by name. */
export const C = Object.freeze(Object.fromEntries(NAMES.map((name, i) => [name, i]))) as Readonly<
  Record<CounterName, number>
>

/** Running totals of a stack, by name; they only grow. */
export interface StackCounters extends Readonly<Record<CounterName, number>> {
  /** Frames by outcome of decoding. */
  readonly decode: DecodeCounters
  /** Fragments and datagrams. */
  readonly defrag: DefragCounters
  /** Encapsulations removed. */
  readonly tunnels: TunnelCounters
  /** Flows in the table now, closed ones that still absorb late packets included. */
  readonly liveFlows: number
  /** Pool memory that holds out-of-order data now, bytes. */
  readonly heldBytes: number
  /** Pool memory that holds data kept for `peek` now, bytes. */
  readonly retainedBytes: number
  /** Packets dropped by handlers or because of what they decided earlier. Passive sources have forwarded them all the same. */
  readonly droppedPackets: number
  /** Packets whose bytes handlers have changed. */
  readonly changedPackets: number
  /** Packets made by the stack or the application: sent, and not sent because nobody could. */
  readonly sentPackets: number
  readonly unsentPackets: number
  /** What counts against `memory.totalBytes` now: held, kept, fragments, timers; bytes. */
  readonly memoryBytes: number
  /** Times that `memory.totalBytes`, `memory.flowBytes` left no room. */
  readonly memoryRefusals: number
  readonly flowMemoryRefusals: number
  /** Given up to make room for what is worth more: chunks of kept data, incomplete datagrams. */
  readonly reclaimedChunks: number
  readonly reclaimedDatagrams: number
  /** Timers of applications that are set now. */
  readonly timers: number
  /** All of them as a plain object, for `JSON.stringify`. */
  toJSON(): Record<string, unknown>
}

/** Counters kept elsewhere. */
export type LiveCounters = Readonly<
  Record<
    | 'liveFlows'
    | 'heldBytes'
    | 'retainedBytes'
    | 'timers'
    | 'memoryBytes'
    | 'memoryRefusals'
    | 'flowMemoryRefusals'
    | 'reclaimedChunks'
    | 'reclaimedDatagrams'
    | 'droppedPackets'
    | 'changedPackets'
    | 'sentPackets'
    | 'unsentPackets',
    () => number
  >
>

/** @returns the counters and the array behind them, which the stack increments */
export function createCounters(
  parts: {
    readonly decode: DecodeCounters
    readonly defrag: DefragCounters
    readonly tunnels: TunnelCounters
  },
  live: LiveCounters,
): {
  counters: StackCounters
  values: Float64Array
} {
  const values = new Float64Array(NAMES.length)
  const lives = Object.entries(live) as [keyof LiveCounters, () => number][]
  const counters = {
    ...parts,
    toJSON() {
      const result: Record<string, unknown> = Object.fromEntries(NAMES.map((name, i) => [name, values[i]]))
      for (const [name, read] of lives) result[name] = read()
      return {
        ...result,
        decode: parts.decode.toJSON(),
        defrag: parts.defrag.toJSON(),
        tunnels: parts.tunnels.toJSON(),
      }
    },
  }
  for (const [name, read] of lives) {
    Object.defineProperty(counters, name, { enumerable: true, get: read })
  }
  NAMES.forEach((name, i) => {
    Object.defineProperty(counters, name, { enumerable: true, get: () => values[i] })
  })
  return { counters: counters as unknown as StackCounters, values }
}
