/**
 * What detection hands to the outputs, once per alert.
 *
 * In: filled by detection. Out: read by the output writers during `alert()` only; a writer that keeps something copies
 * it.
 */
import type { Rule, RuleAction } from '../rules/model.js'
import type { Disposition } from './disposition.js'
import type { LoggedFrame } from './packet-log.js'

export interface AlertRecord {
  readonly rule: Rule
  /** That of the rule, unless a rate_filter has changed it. */
  readonly action: RuleAction
  /** What becomes of the packet. */
  readonly disposition: Disposition
  /**
   * Matches of the same unit that are still to be decided on together, this one first; 0 = decided. Never more than 0
   * unless filters are deferred (`DetectSettings.deferFilters`).
   */
  readonly undecided: number
  /** Packet time: seconds since 1970 and nanoseconds within the second. */
  readonly seconds: number
  readonly nanoseconds: number
  /** 1-based number of the packet that completed the inspected data, counted over all input files. */
  readonly packetNumber: number
  /** IP protocol number. */
  readonly protocol: number
  readonly ipVersion: 4 | 6
  /** Addresses in text form, in the direction the inspected bytes travelled. */
  readonly sourceAddress: string
  readonly destinationAddress: string
  /** 0 for protocols without ports; ICMP: type and code. */
  readonly sourcePort: number
  readonly destinationPort: number
  /** C2S = to server, S2C = to client, UNK = no flow. */
  readonly direction: 'C2S' | 'S2C' | 'UNK'
  /** Outermost VLAN id, or -1. */
  readonly vlan: number
  /** True when the inspected bytes were reassembled, false for a single packet. */
  readonly fromStream: boolean
  /** The flow's last data, inspected while a packet of another flow was current: a timeout, or the end of the input. */
  readonly late: boolean
  /** Number that tells flows of one run apart, below 2^53; -1 = no flow. */
  readonly flowId: number
  /** Text that tells the flow from all others of a run, whatever the number of threads. Made when it is asked for. */
  readonly flowKey: string
  /** `http`, or `unknown`. */
  readonly service: string
  /** Inspected bytes `[payloadStart, payloadEnd)` of `payload`. */
  readonly payload: Uint8Array
  readonly payloadStart: number
  readonly payloadEnd: number
  readonly packetsToServer: number
  readonly packetsToClient: number
  readonly bytesToServer: number
  readonly bytesToClient: number
  /** Flow start, microseconds since 1970. */
  readonly flowStart: number
  /** Present for alerts on HTTP messages. */
  readonly http: AlertHttp | undefined
}

export interface AlertHttp {
  readonly hostname: string | undefined
  readonly url: string | undefined
  readonly userAgent: string | undefined
  readonly method: string | undefined
  readonly status: number | undefined
}

/** Where alerts go. Writers never throw from `alert`; a failed write is reported by `flush`/`close`. */
export interface AlertSink {
  alert(record: AlertRecord): void
  /** A packet that a rule's `tag` asks to be logged, valid during the call. Left out by sinks that log no packets. */
  tagged?(packet: LoggedFrame): void
  /** Everything handed over so far is on its way to the operating system when this resolves. @throws Error on failure */
  flush(): Promise<void>
  close(): Promise<void>
}
