/** Tests of IP, TCP and ICMP header fields. They look at the packet at hand; without one (flow timed out) they fail. */
import { parseTcpOptions, TcpOptions, TUNNEL } from '@weir/stack'
import { UNIT } from '../../inspect/unit.js'
import type { FragBitsOption, HeaderNumberOption, IpOptsOption, TcpFlagsOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'
import { compileNumericTest } from './numbers.js'

const PROTOCOL_ICMP = 1
const PROTOCOL_TCP = 6
const PROTOCOL_ICMPV6 = 58
/** What a reassembled packet shows, as in Snort. */
export const REASSEMBLED_FLAGS = 0x18
const IPV4_FIXED_HEADER = 20
const IPOPT_EOL = 0
const IPOPT_NOP = 1

type BitMatch = 'exact' | 'all' | 'any' | 'none'

function matchBits(value: number, bits: number, match: BitMatch): boolean {
  switch (match) {
    case 'exact':
      return value === bits
    case 'all':
      return (value & bits) === bits
    case 'any':
      return (value & bits) !== 0
    case 'none':
      return (value & bits) === 0
  }
}

/** @param value the packet's flags */
export function matchesFlags({ flags, ignore, match }: TcpFlagsOption, value: number): boolean {
  const kept = 0xff & ~ignore
  return matchBits(value & kept, flags & kept, match)
}

export class TcpFlagsEvaluator implements Evaluator {
  readonly #option: TcpFlagsOption

  constructor(option: TcpFlagsOption) {
    this.#option = option
  }

  test(state: Evaluation): boolean {
    const { packet } = state
    if (state.kind !== UNIT.PACKET && matchesFlags(this.#option, REASSEMBLED_FLAGS)) return true
    return (
      packet !== undefined && packet.protocol === PROTOCOL_TCP && matchesFlags(this.#option, packet.tcpFlags)
    )
  }
}

const MORE_FRAGMENTS = 1
const DONT_FRAGMENT = 2
const RESERVED = 4

export class FragBitsEvaluator implements Evaluator {
  readonly #bits: number
  readonly #match: BitMatch

  constructor(option: FragBitsOption) {
    this.#bits = option.bits
    this.#match = option.match
  }

  test(state: Evaluation): boolean {
    const { packet } = state
    if (packet === undefined) return false
    const value =
      (packet.moreFragments ? MORE_FRAGMENTS : 0) |
      (packet.dontFragment ? DONT_FRAGMENT : 0) |
      (packet.reservedBit ? RESERVED : 0)
    return matchBits(value, this.#bits, this.#match)
  }
}

/** `-1`: the packet does not have the field. */
type FieldReader = (state: Evaluation) => number

function isIcmp(protocol: number): boolean {
  return protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6
}

/** A 16-bit word of an ICMP or ICMPv6 echo message (RFC 792, RFC 4443 section 4). */
function echoWord(state: Evaluation, offset: number): number {
  const { packet } = state
  if (packet === undefined || packet.transportOffset < 0) return -1
  const type = packet.sourcePort
  const echo =
    packet.protocol === PROTOCOL_ICMP
      ? type === 0 || type === 8
      : packet.protocol === PROTOCOL_ICMPV6 && (type === 128 || type === 129)
  const at = packet.transportOffset + offset
  if (!echo || at + 2 > packet.frameOffset + packet.frameLength) return -1
  return (packet.buffer[at]! << 8) | packet.buffer[at + 1]!
}

const tcpOptions = new TcpOptions()

const FIELDS: Readonly<Record<HeaderNumberOption['field'], FieldReader>> = {
  ttl: ({ packet }) => packet?.ttl ?? -1,
  tos: ({ packet }) => packet?.tos ?? -1,
  id: ({ packet }) => (packet === undefined ? -1 : packet.ipId >>> 0),
  fragoffset: ({ packet }) => packet?.fragOffset ?? -1,
  ip_proto: ({ packet, flow }) => packet?.protocol ?? flow?.protocol ?? -1,
  seq: ({ packet }) => (packet?.protocol === PROTOCOL_TCP ? packet.tcpSeq >>> 0 : -1),
  ack: ({ packet }) => (packet?.protocol === PROTOCOL_TCP ? packet.tcpAck >>> 0 : -1),
  window: ({ packet }) => (packet?.protocol === PROTOCOL_TCP ? packet.tcpWindow : -1),
  itype: ({ packet }) => (packet !== undefined && isIcmp(packet.protocol) ? packet.sourcePort : -1),
  icode: ({ packet }) => (packet !== undefined && isIcmp(packet.protocol) ? packet.destinationPort : -1),
  icmp_id: (state) => echoWord(state, 4),
  icmp_seq: (state) => echoWord(state, 6),
  urg: ({ packet }) => (packet?.protocol === PROTOCOL_TCP ? packet.tcpUrgent : -1),
  wscale: ({ packet }) => {
    if (packet?.protocol !== PROTOCOL_TCP) return -1
    parseTcpOptions(packet, tcpOptions)
    return tcpOptions.windowScale
  },
  geneve_vni: ({ packet }) => (packet?.tunnel === TUNNEL.GENEVE ? packet.tunnelId : -1),
  pkt_num: ({ packet }) => packet?.number ?? -1,
}

/** The field of the packet at hand, -1 when it has none. */
export function headerField(field: HeaderNumberOption['field'], state: Evaluation): number {
  return FIELDS[field](state)
}

export class HeaderNumberEvaluator implements Evaluator {
  readonly #read: FieldReader
  readonly #test: (value: number) => boolean

  constructor(option: HeaderNumberOption) {
    this.#read = FIELDS[option.field]
    this.#test = compileNumericTest(option.test)
  }

  test(state: Evaluation): boolean {
    const value = this.#read(state)
    return value >= 0 && this.#test(value)
  }
}

/** Looks through the IPv4 options (RFC 791, section 3.1); at most 40 bytes. */
export class IpOptsEvaluator implements Evaluator {
  readonly #option: number | 'any'

  constructor(option: IpOptsOption) {
    this.#option = option.option
  }

  test(state: Evaluation): boolean {
    const { packet } = state
    if (packet === undefined || packet.ipVersion !== 4) return false
    const { buffer } = packet
    const end = packet.ipOffset + (buffer[packet.ipOffset]! & 0x0f) * 4
    let at = packet.ipOffset + IPV4_FIXED_HEADER
    if (this.#option === 'any') return at < end
    while (at < end) {
      const type = buffer[at]!
      if (type === this.#option) return true
      if (type === IPOPT_EOL) return false
      if (type === IPOPT_NOP) at++
      else {
        const length = at + 1 < end ? buffer[at + 1]! : 0
        if (length < 2) return false
        at += length
      }
    }
    return false
  }
}

export class SameIpEvaluator implements Evaluator {
  test(state: Evaluation): boolean {
    return (
      state.src3 === state.dst3 &&
      state.src2 === state.dst2 &&
      state.src1 === state.dst1 &&
      state.src0 === state.dst0
    )
  }
}
