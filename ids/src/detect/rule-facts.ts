/**
 * What is asked of a rule before any of its options is tried: where it is filed, what is searched for it.
 *
 * In: a parsed rule. Out: plain data that depends on nothing but the rule, the pattern length limit and the
 * regular-expression engine, so that it can be kept between runs. Called once per rule when an engine is made.
 */
import { BUF, type BufferId } from '../inspect/buffers.js'
import { type Direction, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import type {
  FlowbitsOption,
  NumericTest,
  PcreOption,
  Rule,
  TagOption,
  TcpFlagsOption,
} from '../rules/model.js'
import { stepOf } from './evaluation-order.js'
import { chooseFastPattern, type FastPattern, onlyContent } from './fast-pattern.js'
import { type LengthBounds, lengthBounds } from './length-bounds.js'
import {
  isFlowProperty,
  isHttpOnlyBuffer,
  isMessageBuffer,
  isMessageProperty,
  isPacketData,
  isPacketProperty,
  isPduProperty,
  isStreamProperty,
  isTrailerOption,
  isWholePacketProperty,
} from './option-facts.js'
import { compileNumericTest } from './options/numbers.js'
import { chooseScreen, type Screen } from './screen.js'

export interface RuleFacts {
  readonly fastPattern: FastPattern | undefined
  /** What is searched for in messages when there is no good fast pattern. */
  readonly screen: Screen | undefined
  /** One of its contents is `fast_pattern:only`. */
  readonly gated: boolean
  readonly flowbits: readonly FlowbitsOption[]
  /** Of `stepOf`, when it changes or checks flowbits. */
  readonly step: number
  readonly noalert: boolean
  /** Some option asks for the service of the flow. */
  readonly asksService: boolean
  readonly hasDetectionFilter: boolean
  readonly tag: TagOption | undefined
  /** It rewrites packets. */
  readonly replaces: boolean
  /** Asks about addresses, ports and the flow only. */
  readonly headerOnly: boolean
  /** Looks at single TCP packets: it asks about packet properties, or about no bytes at all. */
  readonly onTcpPackets: boolean
  /** Looks at a packet with bytes, and at nothing of it but the bytes: `no_stream`, `dsize`. */
  readonly onWholePackets: boolean
  /** Looks at reassembled TCP data. */
  readonly onStreams: boolean
  /** Looks at messages inside TCP streams: it asks about such messages. */
  readonly onPdus: boolean
  /** Names a buffer that only an HTTP message has. */
  readonly httpOnly: boolean
  /** Looks at file data, and at no buffer that only an HTTP message has. */
  readonly onFiles: boolean
  readonly needsEstablished: boolean
  /** `only_stream`: never matches a single packet. */
  readonly needsStream: boolean
  /** Bits of `PROTOCOL_BIT`: an `ip_proto` excludes the protocol. */
  readonly refusedProtocols: number
  /** Direction of travel in which it never matches; -1 = none. */
  readonly refusedDirection: Direction | -1
  /** Length that the rule needs one of its buffers to have. */
  readonly bounds: LengthBounds
  /** TCP packets with other flags cannot match. */
  readonly flags: TcpFlagsOption | undefined
  /** No option asks about anything of a message but packet data. */
  readonly packetDataOnly: boolean
  /** Some option reads packet data. */
  readonly readsPayload: boolean
  /** Some option reads the bytes as they came. */
  readonly readsRawData: boolean
  /** Matches nothing: an inspector raises it. */
  readonly isEvent: boolean
  /** Some option asks about trailer lines. */
  readonly readsTrailer: boolean
  /** Some option reads the packet's addresses. */
  readonly readsAddresses: boolean
}

export const PROTOCOL_BIT = { tcp: 1, udp: 2, icmp: 4 } as const

/** IP protocol numbers of the packets, or flows, of each kind. */
const NUMBERS: readonly (readonly [bit: number, numbers: readonly number[]])[] = [
  [PROTOCOL_BIT.tcp, [6]],
  [PROTOCOL_BIT.udp, [17]],
  [PROTOCOL_BIT.icmp, [1, 58]],
]

function protocolsOutside(test: NumericTest): number {
  const holds = compileNumericTest(test)
  let bits = 0
  for (const [bit, numbers] of NUMBERS) if (!numbers.some(holds)) bits |= bit
  return bits
}

/** @param leastMatch bytes that a match of one of the rule's expressions has at least */
export function ruleFacts(
  rule: Rule,
  maxPatternLength: number,
  leastMatch: (option: PcreOption) => number,
): RuleFacts {
  const { options } = rule
  const fastPattern = chooseFastPattern(rule, maxPatternLength)
  const gated = onlyContent(rule) !== undefined
  // A gate passed stays passed in the later windows of a message, so it has to be tried in every one.
  const weak = (fastPattern === undefined || fastPattern.commonplace) && !gated
  const buffers = new BufferFacts()
  const flowbits: FlowbitsOption[] = []
  let noalert = false
  let aboutPackets = false
  let aboutMessages = false
  let aboutPdus = false
  let aboutStreams = false
  let neverOnStreams = false
  let aboutHeaders = false
  let needsEstablished = false
  let needsStream = false
  let refusedProtocols = 0
  let refusedDirection: Direction | -1 = -1
  let flags: TcpFlagsOption | undefined
  let isEvent = false
  let readsTrailer = false
  let readsAddresses = false
  let hasDetectionFilter = false
  let asksService = false
  let tag: TagOption | undefined
  let replaces = false
  let headerOnly = true
  for (const option of options) {
    headerOnly &&= isFlowProperty(option)
    if ('buffer' in option) buffers.add(option.buffer)
    switch (option.kind) {
      case 'content':
      case 'pcre':
        continue
      case 'flow':
        if (option.state === 'established') needsEstablished = true
        if (option.stream === 'only_stream') needsStream = true
        if (option.stream === 'no_stream') neverOnStreams = true
        if (option.direction !== undefined && refusedDirection === -1)
          refusedDirection = option.direction === 'to_server' ? TO_CLIENT : TO_SERVER
        break
      case 'flowbits':
        flowbits.push(option)
        if (option.action === 'noalert') noalert = true
        continue
      case 'dsize':
        // In Snort 3 it holds for no segment of an HTTP connection.
        if (rule.dialect === 'snort3') asksService = true
        neverOnStreams = true
        break
      case 'flags':
        flags ??= option
        break
      case 'header_number':
        if (option.field === 'ip_proto') refusedProtocols |= protocolsOutside(option.test)
        break
      case 'engine_event':
        isEvent = true
        break
      case 'tag':
        tag = option
        break
      case 'replace':
        replaces = true
        break
      case 'detection_filter':
        hasDetectionFilter = true
        break
      case 'ftpbounce':
      case 'sameip':
        readsAddresses = true
    }
    if (isPacketProperty(option)) {
      aboutPackets = true
      if (!isWholePacketProperty(option)) aboutHeaders = true
    }
    if (isMessageProperty(option)) aboutMessages = true
    if (isPduProperty(option)) aboutPdus = true
    if (isStreamProperty(option)) aboutStreams = true
    if (isTrailerOption(option)) readsTrailer = true
  }
  const httpOnly = buffers.httpOnly || aboutMessages
  const readsBytes = buffers.any
  return {
    fastPattern,
    screen: weak ? chooseScreen(rule) : undefined,
    gated,
    flowbits,
    step: flowbits.length === 0 ? 0 : stepOf(rule),
    noalert,
    hasDetectionFilter,
    asksService,
    tag,
    replaces,
    headerOnly: headerOnly && !aboutPackets,
    onTcpPackets: !aboutPdus && !httpOnly && ((!readsBytes && !aboutStreams) || aboutPackets),
    onWholePackets: !aboutPdus && !httpOnly && readsBytes && neverOnStreams && !aboutHeaders,
    onStreams: !aboutPdus && (readsBytes || aboutStreams || (headerOnly && !aboutPackets)) && !neverOnStreams,
    onPdus: aboutPdus,
    httpOnly,
    onFiles: buffers.fileData && !buffers.message,
    needsEstablished,
    needsStream,
    refusedProtocols,
    refusedDirection,
    bounds: lengthBounds(options, leastMatch),
    flags,
    packetDataOnly: buffers.packetOnly && !aboutMessages,
    readsPayload: buffers.payload,
    readsRawData: buffers.rawData,
    isEvent,
    readsTrailer,
    readsAddresses,
  }
}

/** The buffers that a rule's options read; every one of them must be there for the rule to match. */
class BufferFacts {
  any = false
  httpOnly = false
  message = false
  fileData = false
  rawData = false
  payload = false
  packetOnly = true

  add(buffer: BufferId): void {
    this.any = true
    if (isHttpOnlyBuffer(buffer)) this.httpOnly = true
    if (isMessageBuffer(buffer)) this.message = true
    if (buffer === BUF.FILE_DATA) this.fileData = true
    if (buffer === BUF.RAW_DATA) this.rawData = true
    if (buffer === BUF.PKT_DATA || buffer === BUF.RAW_DATA) this.payload = true
    if (!isPacketData(buffer)) this.packetOnly = false
  }
}
