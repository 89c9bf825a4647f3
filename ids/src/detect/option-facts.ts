/**
 * What kind of thing a rule option asks about: packets, streams, messages, and which buffers.
 *
 * In: parsed options. Out: answers from which a rule is filed. Called once per rule, when it is compiled.
 */
import { BUF, type BufferId, isPartSlot } from '../inspect/buffers.js'
import type { RuleOption } from '../rules/model.js'

/** Options that may turn out to be wrong when their steps are made, which must be known when rules are loaded. */
export function isCheckedByCompiling(option: RuleOption): boolean {
  switch (option.kind) {
    case 'byte_extract':
    case 'byte_math':
    case 'sd_pattern':
      return true
    case 'content':
      return typeof option.offset === 'string' || typeof option.depth === 'string'
    case 'isdataat':
      return typeof option.at === 'string'
    case 'byte_test':
      return typeof option.offset === 'string' || typeof option.value === 'string'
    case 'byte_jump':
      return typeof option.offset === 'string' || typeof option.postOffset === 'string'
    default:
      return false
  }
}

export function isHttpOnlyBuffer(buffer: BufferId): boolean {
  return isMessageBuffer(buffer) || buffer === BUF.FILE_DATA
}

export function isMessageBuffer(buffer: BufferId): boolean {
  return (buffer >= BUF.HTTP_URI && buffer <= BUF.HTTP_CLIENT_BODY) || isPartSlot(buffer)
}

export function isTrailerOption(option: RuleOption): boolean {
  if (option.kind === 'http_number') return option.what.includes('trailer')
  return (
    (option.kind === 'set_buffer' || option.kind === 'http_field_test') &&
    (option.part?.name.includes('trailer') ?? false)
  )
}

/** Options that ask about the head of a message without naming a buffer. */
export function isMessageProperty(option: RuleOption): boolean {
  return (
    option.kind === 'http_number' || option.kind === 'http_version_match' || option.kind === 'http_field_test'
  )
}

export function isPacketData(buffer: BufferId): boolean {
  return buffer === BUF.PKT_DATA || buffer === BUF.RAW_DATA || buffer === BUF.BASE64_DATA
}

/** Options that ask about one packet rather than about bytes. */
export function isPacketProperty(option: RuleOption): boolean {
  switch (option.kind) {
    case 'dsize':
    case 'flags':
    case 'header_number':
    case 'fragbits':
    case 'ipopts':
      return true
    case 'flow':
      return option.stream === 'no_stream' || option.frag !== undefined || option.state === 'not_established'
    default:
      return false
  }
}

/** Of those the ones that ask for the bytes of one packet, not for its headers. */
export function isWholePacketProperty(option: RuleOption): boolean {
  if (option.kind === 'dsize') return true
  return option.kind === 'flow' && option.frag === undefined && option.state !== 'not_established'
}

/** Options that ask about the flow, whatever it carries, or about nothing. */
export function isFlowProperty(option: RuleOption): boolean {
  switch (option.kind) {
    case 'flow':
    case 'flowbits':
    case 'sameip':
    case 'stream_size':
    case 'detection_filter':
    case 'threshold':
    case 'tag':
      return true
    default:
      return false
  }
}

/** Options that ask about one message inside a stream. */
export function isPduProperty(option: RuleOption): boolean {
  switch (option.kind) {
    case 'dce_iface':
    case 'dce_opnum':
    case 'message_number':
    case 'dnp3_ind':
    case 'dnp3_obj':
      return true
    case 'set_buffer':
      return MESSAGE_BUFFERS.includes(option.buffer)
    default:
      return false
  }
}

/** Buffers that only messages inside a stream have. */
const MESSAGE_BUFFERS: readonly BufferId[] = [BUF.DCE_STUB_DATA, BUF.DNP3_DATA, BUF.MODBUS_DATA]

/** Options that read no bytes but ask about what a stream carries. */
export function isStreamProperty(option: RuleOption): boolean {
  switch (option.kind) {
    case 'ssl_state':
    case 'ssl_version':
    case 'sip_method':
    case 'sip_stat_code':
    case 'rpc':
      return true
    default:
      return isMessageProperty(option)
  }
}
