/** Options of a stack: limits, checks and time-outs, with their defaults. */

import type { MemoryLimits } from './flow/memory.js'
import type { Shard } from './flow/shard.js'
import { MAX_FLOWS } from './flow/table.js'
import { DEFAULT_TIMEOUTS, type Timeouts } from './flow/timeouts.js'
import {
  DEFAULT_DEFRAG_OPTIONS,
  DEFAULT_TUNNEL_OPTIONS,
  type DefragOptions,
  type DefragOptionsInput,
  defragOptions,
  type TunnelOptions,
  type TunnelOptionsInput,
  tunnelOptions,
} from './ip/index.js'
import {
  DEFAULT_TCP_OPTIONS,
  type TcpTrackingOptions,
  type TcpTrackingOptionsInput,
  tcpOptions,
} from './tcp/options.js'

/** Options of a stack, complete. */
export interface StackOptions {
  /** Flows in the table at most, 1 to 16,777,215; beyond that an old flow is evicted. Default 1,048,576. */
  readonly maxFlows: number
  /** Key of the flow hash, any safe integer. Random when left out; the same for all shards of one run. */
  readonly seed: number | undefined
  /** 'verify' leaves packets with a wrong IP, TCP, UDP or ICMP checksum out. Default 'ignore'. */
  readonly checksums: 'verify' | 'ignore'
  /** Takes up TCP connections whose handshake was not seen. Default false: their packets are orphans. */
  readonly midstream: boolean
  /**
   * Ports of servers: of the two ends of a connection taken up midstream, the one with such a port is the server. Where
   * neither or both have one, and nothing in `Stack.roles` says more, it is the end with the lower port. Default none.
   */
  readonly serverPorts: readonly number[]
  /** Handle only one share of the flows; packets are still numbered over all. See `createWorkerPool`. */
  readonly shard: Shard
  /** How long a flow may be silent. */
  readonly timeouts: Timeouts
  /** Timers of applications at the same time at most; `setTimer` beyond it gives an inactive one. Default 1,048,576. */
  readonly maxTimers: number
  /** Reassembly of IP fragments. */
  readonly defrag: DefragOptions
  /** Encapsulations whose content is tracked in place of the packet around it. */
  readonly tunnels: TunnelOptions
  /** Policies of receivers, and limits beyond which behaviour is an anomaly. */
  readonly tcp: TcpTrackingOptions
  /** Out-of-order data, see tcp/held.ts. Beyond a limit the oldest hole is given up with ON_GAP. */
  readonly outOfOrder: {
    /** Bytes held per side of a connection. Default 4 MiB. */
    readonly sideBytes: number
    /** Segments held per side of a connection. Default 3072. */
    readonly sideSegments: number
    /** Memory for held data of all flows, bytes. Default 64 MiB. */
    readonly totalBytes: number
    /**
     * Data that acknowledges more of the other direction than the capture has shown waits for it, so that what both sides
     * say is delivered in the order they said it, however the capture mixed their packets. What acknowledges bytes that
     * are never sent gives way to data with the same numbers that does not, as on hosts. Not for inline use: data is
     * delivered after its packet. Default false.
     */
    readonly acrossSides: boolean
  }
  /** All that flows make the stack keep, together. */
  readonly memory: MemoryLimits
  /** Data kept for `peek`, see monitor/retention.ts. */
  readonly retention: {
    /** Memory for kept data of all flows, bytes. Default 64 MiB. Beyond it a side gives up its own oldest bytes. */
    readonly totalBytes: number
  }
}

/** What `createStack` takes: every option may be left out, those of a group one by one. */
export type StackOptionsInput = Partial<
  Omit<
    StackOptions,
    'timeouts' | 'defrag' | 'tcp' | 'tunnels' | 'outOfOrder' | 'memory' | 'retention' | 'seed'
  >
> & {
  readonly seed?: number | undefined
  readonly timeouts?: Partial<Timeouts>
  readonly defrag?: DefragOptionsInput
  readonly tunnels?: TunnelOptionsInput
  readonly tcp?: TcpTrackingOptionsInput
  readonly outOfOrder?: Partial<StackOptions['outOfOrder']>
  readonly memory?: Partial<MemoryLimits>
  readonly retention?: Partial<StackOptions['retention']>
}

/** The defaults. */
export const DEFAULT_STACK_OPTIONS: StackOptions = Object.freeze({
  maxFlows: 1_048_576,
  seed: undefined,
  checksums: 'ignore',
  midstream: false,
  serverPorts: Object.freeze([]),
  shard: Object.freeze({ index: 0, count: 1 }),
  timeouts: DEFAULT_TIMEOUTS,
  maxTimers: 1_048_576,
  defrag: DEFAULT_DEFRAG_OPTIONS,
  tunnels: DEFAULT_TUNNEL_OPTIONS,
  tcp: DEFAULT_TCP_OPTIONS,
  outOfOrder: Object.freeze({
    sideBytes: 4_194_304,
    sideSegments: 3072,
    totalBytes: 67_108_864,
    acrossSides: false,
  }),
  memory: Object.freeze({ totalBytes: 268_435_456, flowBytes: 16_777_216 }),
  retention: Object.freeze({ totalBytes: 67_108_864 }),
})

/** Fills in the defaults. @throws RangeError for a value out of range */
export function stackOptions(input: StackOptionsInput): StackOptions {
  const options: StackOptions = {
    ...DEFAULT_STACK_OPTIONS,
    ...input,
    seed: input.seed,
    timeouts: { ...DEFAULT_TIMEOUTS, ...input.timeouts },
    defrag: defragOptions(input.defrag),
    tunnels: tunnelOptions(input.tunnels),
    tcp: tcpOptions(input.tcp),
    memory: { ...DEFAULT_STACK_OPTIONS.memory, ...input.memory },
    retention: { ...DEFAULT_STACK_OPTIONS.retention, ...input.retention },
    outOfOrder: { ...DEFAULT_STACK_OPTIONS.outOfOrder, ...input.outOfOrder },
  }
  const { index, count } = options.shard
  range('maxFlows', options.maxFlows, 1, MAX_FLOWS)
  range('maxTimers', options.maxTimers, 0, 0x3fff_ffff)
  for (const port of options.serverPorts) range('serverPorts', port, 0, 65_535)
  range('shard.count', count, 1, 65_536)
  range('shard.index', index, 0, count - 1)
  if (options.seed !== undefined)
    range('seed', options.seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  range('outOfOrder.sideBytes', options.outOfOrder.sideBytes, 0, 0x3fff_ffff)
  range('outOfOrder.sideSegments', options.outOfOrder.sideSegments, 0, 0x3fff_ffff)
  range('memory.totalBytes', options.memory.totalBytes, 0, Number.MAX_SAFE_INTEGER)
  range('memory.flowBytes', options.memory.flowBytes, 0, Number.MAX_SAFE_INTEGER)
  range('retention.totalBytes', options.retention.totalBytes, 0, 0x3fff_ffff)
  range('outOfOrder.totalBytes', options.outOfOrder.totalBytes, 0, 0x3fff_ffff)
  return options
}

function range(name: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw new RangeError(`${name} must be an integer from ${low} to ${high}, not ${value}`)
  }
}
