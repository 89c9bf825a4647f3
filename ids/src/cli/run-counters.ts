/** Counters of the stack and of detection, in words: what the summary says about packets and limits. */
import { type DecodeCounters, STATUS, STATUS_TEXT, type StackCounters } from '@weir/stack'
import type { Counters } from '../detect/counters.js'
import type { Inspector } from '../detect/inspector.js'
import type { InspectCounters } from '../inspect/index.js'
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
export const decodeProblems = ({ outcomes }: DecodeCounters): readonly Count[] =>
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
  ['pendingLimit', 'rule forgotten between the windows of a long message'],
  ['filterTableLimit', 'alert filter state forgotten: table full'],
  ['matcherFailures', 'pattern set refused by the matcher: its rules run unfiltered'],
]

const INSPECT_LIMITS: readonly (readonly [keyof InspectCounters, string])[] = [
  ['headTooLong', 'HTTP head cut at its limit'],
  ['tooManyHeaders', 'HTTP head with too many header lines'],
  ['uriTooLong', 'URI cut at its limit'],
  ['tooManyOutstanding', 'request method forgotten: too many outstanding'],
  ['chunkLineTooLong', 'HTTP chunk line over its limit'],
  ['bufferBudgetReached', 'data inspected piecemeal: memory for unfinished messages used up'],
  ['decompressionLimit', 'body not decompressed to its end'],
]

const counted = <T, K extends keyof T>(
  counters: T,
  table: readonly (readonly [K, string])[],
): readonly Count[] =>
  table.map(([key, text]): Count => [text, Number(counters[key])]).filter(([, count]) => count > 0)

export const limitsReached = (stack: StackCounters, inspector: Inspector): readonly Count[] => [
  ...counted(stack, STACK_LIMITS),
  ...counted(inspector.counters, DETECT_LIMITS),
  ...counted(inspector.inspectCounters, INSPECT_LIMITS),
]
