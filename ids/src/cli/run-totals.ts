/**
 * Counters of the stack and of detection as plain data, limits and decode problems in words: what a run hands to the
 * summary, and a worker thread to the main one.
 */
import { type DecodeCounters, STATUS, STATUS_TEXT, type Stack, type StackCounters } from '@weir/stack'
import type { Counters } from '../detect/counters.js'
import type { Inspector } from '../detect/inspector.js'
import type { InspectCounters } from '../inspect/index.js'
import type { Engines } from '../match/index.js'
import type { Count } from './summary.js'

const CHECKSUM_STATUSES: readonly number[] = [
  STATUS.IPV4_CHECKSUM,
  STATUS.TCP_CHECKSUM,
  STATUS.UDP_CHECKSUM,
  STATUS.ICMP_CHECKSUM,
  STATUS.ICMP6_CHECKSUM,
]

const HEALTHY: readonly number[] = [STATUS.DECODED, STATUS.NOT_IP]

export const wrongChecksums = ({ outcomes }: DecodeCounters): number =>
  CHECKSUM_STATUSES.reduce((sum, status) => sum + outcomes[status]!, 0)

/** Frames that could not be decoded, by reason; wrong checksums are told apart. */
const decodeProblems = ({ outcomes }: DecodeCounters): readonly Count[] =>
  STATUS_TEXT.map((text, status): Count => [text, outcomes[status]!]).filter(
    ([, count], status) => count > 0 && !HEALTHY.includes(status) && !CHECKSUM_STATUSES.includes(status),
  )

const STACK_LIMITS: readonly (readonly [keyof StackCounters, string])[] = [
  ['evictions', 'flow displaced because the flow table was full'],
  ['heldBytesLimit', 'stream skipped ahead: too many bytes out of order'],
  ['heldSegmentsLimit', 'stream skipped ahead: too many segments out of order'],
  ['heldTotalLimit', 'stream skipped ahead: memory for out-of-order data used up'],
]

const DETECT_LIMITS: readonly (readonly [keyof Counters, string])[] = [
  ['alertLimit', 'alert beyond the number allowed for one unit'],
  ['stepLimit', 'rule given up after too many steps'],
  ['pcreLimit', 'regular expression stopped at its match limit'],
  ['commandLimit', 'turn with more commands than are looked at one by one'],
  ['pendingLimit', 'rule forgotten between the windows of a long message'],
  ['matcherFailures', 'pattern set refused by the matcher: its rules run unfiltered'],
]

const FILTER_LIMITS: readonly (readonly [keyof Counters, string])[] = [
  ['alertLimit', 'alert beyond the number allowed for one unit'],
  ['filterTableLimit', 'alert filter state forgotten: table full'],
]

const INSPECT_LIMITS: readonly (readonly [keyof InspectCounters, string])[] = [
  ['headTooLong', 'HTTP head cut at its limit'],
  ['tooManyHeaders', 'HTTP head with too many header lines'],
  ['uriTooLong', 'URI cut at its limit'],
  ['tooManyOutstanding', 'request method forgotten: too many outstanding'],
  ['chunkLineTooLong', 'HTTP chunk line over its limit'],
  ['bufferBudgetReached', 'data inspected piecemeal: memory for unfinished messages used up'],
  ['decompressionLimit', 'body not decompressed to its end'],
  ['http2HeaderBlockTooLong', 'HTTP/2 header block over its limit: the rest inspected as raw data'],
  ['http2TableTooLarge', 'HTTP/2 header table over its limit: the rest inspected as raw data'],
  ['http2HeaderWork', 'HTTP/2 header block made to cost too much: the rest inspected as raw data'],
  ['http2TooManyStreams', 'HTTP/2 stream beyond the number tracked: only its head inspected'],
  ['mailTooManyParts', 'part of a mail or upload beyond the number allowed'],
  ['mailHeaderTooLong', 'header of a mail or part cut at its limit'],
  ['mailTooDeep', 'parts within parts beyond the depth allowed'],
]

const counted = <T, K extends keyof T>(
  counters: T,
  table: readonly (readonly [K, string])[],
): readonly Count[] =>
  table.map(([key, text]): Count => [text, Number(counters[key])]).filter(([, count]) => count > 0)

const limitsReached = (stack: StackCounters, inspector: Inspector): readonly Count[] => [
  ...counted(stack, STACK_LIMITS),
  ...counted(inspector.counters, DETECT_LIMITS),
  ...counted(inspector.inspectCounters, INSPECT_LIMITS),
]

/** Of the filter that alerts pass when they are delivered. */
export const filterLimits = (counters: Counters): readonly Count[] => counted(counters, FILTER_LIMITS)

export interface RunTotals {
  readonly packets: number
  readonly bytes: number
  readonly flows: number
  /** Frames that could not be decoded, by reason. */
  readonly malformed: readonly Count[]
  readonly checksumErrors: number
  /** Holes in reassembled streams, and the bytes missing. */
  readonly gaps: number
  readonly gapBytes: number
  /** Limits that were reached. */
  readonly limits: readonly Count[]
  /** What went wrong beside the traffic, in words. */
  readonly notes: readonly string[]
}

export const runTotals = (
  { counters }: Stack,
  inspector: Inspector,
  { cache }: Pick<Engines, 'cache'>,
): RunTotals => ({
  packets: counters.packets,
  bytes: counters.bytes,
  flows: counters.flows,
  malformed: decodeProblems(counters.decode),
  checksumErrors: wrongChecksums(counters.decode),
  gaps: counters.gaps,
  gapBytes: counters.gapBytes,
  limits: limitsReached(counters, inspector),
  notes: cache === undefined || cache.trouble === '' ? [] : [`cache: ${cache.trouble}`],
})

/** Of workers that shared the flows of one input: each has walked all packets, and decoded those of its own flows. */
export const mergeTotals = (parts: readonly RunTotals[]): RunTotals => {
  const sum = (field: 'flows' | 'gaps' | 'gapBytes' | 'checksumErrors'): number =>
    parts.reduce((total, part) => total + part[field], 0)
  const { packets, bytes } = parts[0]!
  const notes = [...new Set(parts.flatMap((part) => part.notes))]
  return {
    packets,
    bytes,
    malformed: addUp(parts.map((part) => part.malformed)),
    checksumErrors: sum('checksumErrors'),
    gaps: sum('gaps'),
    gapBytes: sum('gapBytes'),
    flows: sum('flows'),
    limits: addUp(parts.map((part) => part.limits)),
    notes,
  }
}

const addUp = (lists: readonly (readonly Count[])[]): readonly Count[] => {
  const sums = new Map<string, number>()
  for (const [what, count] of lists.flat()) sums.set(what, (sums.get(what) ?? 0) + count)
  return [...sums]
}
