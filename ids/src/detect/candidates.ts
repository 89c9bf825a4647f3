/**
 * Which rules are worth evaluating on a unit: those whose fast pattern it holds, and those that have none.
 *
 * In: the rule groups of the unit's port, direction and service. Out: `list[0, count)`, each rule once, in rule order
 * after `sort`. Owned by the detector, one per worker.
 */
import type { Packet } from '@weir/stack'
import { BUF, type BufferSet } from '../inspect/buffers.js'
import { type InspectionUnit, UNIT } from '../inspect/unit.js'
import type { Counters } from './counters.js'
import { SET, SET_BUFFERS, SET_COUNT } from './fast-pattern.js'
import type { GroupTable, MatcherCache, PatternSet, RuleGroup } from './groups.js'
import { UnitLengths } from './length-bounds.js'
import { type RuleSet, TRAIT } from './rule-set.js'

/** Pattern rules of a packet group that are tried outright: cheaper than a search when there are few. */
const DIRECT_RULES = 8
/** Lists up to this length are sorted in place. */
const INSERTION_SORT = 32
const TCP = 6
const ACK = 0x10
const PUSH_ACK = 0x18

export class Candidates {
  readonly list: Int32Array
  count = 0
  readonly #set: RuleSet
  readonly #matchers: MatcherCache
  readonly #counters: Counters
  /** Generation in which a rule became a candidate, and in which its gate had been passed before. */
  readonly #stamp: Uint32Array
  readonly #resumed: Uint32Array
  #generation = 0
  /** Trait that rules out the present unit; 0 = none. */
  #rejected = 0
  readonly #lengths = new UnitLengths()
  #measured = false

  constructor(set: RuleSet, matchers: MatcherCache, counters: Counters) {
    this.#set = set
    this.#matchers = matchers
    this.#counters = counters
    const count = set.rules.length
    this.list = new Int32Array(count)
    this.#stamp = new Uint32Array(count)
    this.#resumed = new Uint32Array(count)
  }

  /** Starts anew for a unit. `packet`: the unit is this single packet. */
  begin(packet: Packet | undefined): void {
    this.#rejected = packet === undefined ? 0 : rejectedBy(packet)
    this.#measured = false
    this.count = 0
    this.#generation++
    if (this.#generation > 0xffff_fffe) {
      this.#stamp.fill(0)
      this.#resumed.fill(0)
      this.#generation = 1
    }
  }

  /** Of the present unit. */
  lengthsOf(unit: InspectionUnit): UnitLengths {
    if (!this.#measured) {
      this.#lengths.measure(unit.buffers, unit.kind === UNIT.HTTP_REQUEST || unit.kind === UNIT.HTTP_RESPONSE)
      this.#measured = true
    }
    return this.#lengths
  }

  /** A rule that was woken by an earlier window of the message: what woke it is not asked again. */
  resume(rule: number): void {
    this.#add(rule)
    this.#resumed[rule] = this.#generation
  }

  isResumed(rule: number): boolean {
    return this.#resumed[rule] === this.#generation
  }

  /** Keeps a rule from becoming a candidate of this unit. */
  exclude(rule: number): void {
    this.#stamp[rule] = this.#generation
  }

  /** Adds the rules for a stream unit or message. */
  search(table: GroupTable, unit: InspectionUnit, serverPort: number, clientPort: number): void {
    for (let group = table.byServerPort(serverPort); group !== null; group = group.next)
      this.#group(group, unit)
    if (!table.hasClientRules) return
    const group = table.byClientPort(clientPort)
    if (group !== null) this.#group(group, unit)
  }

  /** Adds the rules for a packet. */
  searchPacket(table: GroupTable, unit: InspectionUnit, serverPort: number, clientPort: number): void {
    for (let group = table.byServerPort(serverPort); group !== null; group = group.next) {
      this.#packetGroup(group, unit)
    }
    if (!table.hasClientRules) return
    const group = table.byClientPort(clientPort)
    if (group !== null) this.#packetGroup(group, unit)
  }

  /** Puts the list in rule order, whatever order the patterns were found in. */
  sort(): void {
    const { list, count } = this
    if (count > INSERTION_SORT) {
      list.subarray(0, count).sort()
      return
    }
    for (let i = 1; i < count; i++) {
      const value = list[i]!
      let at = i - 1
      while (at >= 0 && list[at]! > value) {
        list[at + 1] = list[at]!
        at--
      }
      list[at + 1] = value
    }
  }

  #add(rule: number): void {
    if (this.#stamp[rule] === this.#generation) return
    this.#stamp[rule] = this.#generation
    this.list[this.count++] = rule
  }

  /** Rules tried without a pattern search: those the unit's lengths or flags rule out do not become candidates. */
  #addAll(rules: Int32Array, unit: InspectionUnit): void {
    if (rules.length === 0) return
    const { traits, boundBuffer, minLength, maxLength } = this.#set
    const lengths = this.lengthsOf(unit)
    const rejected = this.#rejected
    for (let i = 0; i < rules.length; i++) {
      const index = rules[i]!
      if ((traits[index]! & rejected) !== 0) continue
      if (lengths.excludes(boundBuffer[index]!, minLength[index]!, maxLength[index]!)) continue
      this.#add(index)
    }
  }

  #group(group: RuleGroup, unit: InspectionUnit): void {
    const { combined } = group
    const uri = group.sets[SET.URI]!
    if (uri !== null) this.#searchBuffer(group, uri, unit, BUF.HTTP_URI)
    if (combined !== null && isVerbatim(group, unit.buffers)) {
      this.#searchBuffer(group, combined, unit, BUF.PKT_DATA)
      const plain = group.sets[SET.PLAIN]!
      if (plain !== null) this.#searchOthers(group, plain, unit)
    } else {
      for (let id = 0; id < SET_COUNT; id++) {
        const set = group.sets[id]!
        if (set === null || id === SET.URI) continue
        this.#searchBuffer(group, set, unit, SET_BUFFERS[id]!)
        if (id === SET.PLAIN) this.#searchOthers(group, set, unit)
      }
    }
    this.#addAll(group.always, unit)
  }

  /** File data and the bytes as they came, unless they are part of the packet data that has just been searched. */
  #searchOthers(group: RuleGroup, set: PatternSet, unit: InspectionUnit): void {
    const { buffers } = unit
    if (set.inFileData && !isPartOfPacket(buffers, BUF.FILE_DATA)) {
      this.#searchBuffer(group, set, unit, BUF.FILE_DATA)
    }
    if (set.inRawData && !isPartOfPacket(buffers, BUF.RAW_DATA)) {
      this.#searchBuffer(group, set, unit, BUF.RAW_DATA)
    }
  }

  #searchBuffer(group: RuleGroup, set: PatternSet, unit: InspectionUnit, slot: number): void {
    const { buffers } = unit
    const end = buffers.end[slot]!
    const fresh = buffers.fresh[slot]!
    if (fresh >= end) return
    const matcher = group.matcher(set, this.#matchers, this.#counters)
    if (matcher === null) return
    // A pattern may have begun before the bytes that are new.
    const from = Math.max(buffers.start[slot]!, fresh - matcher.longest + 1)
    const found = matcher.search(buffers.bytes[slot]!, from, end)
    this.#counters.searches++
    this.#counters.searchedBytes += end - from
    if (found > 0) this.#wake(set, matcher.hits, found)
  }

  #wake(set: PatternSet, hits: Uint32Array, found: number): void {
    const { offsets, rules } = set
    for (let i = 0; i < found; i++) {
      const pattern = hits[i]!
      const end = offsets[pattern + 1]!
      for (let at = offsets[pattern]!; at < end; at++) this.#add(rules[at]!)
    }
  }

  #packetGroup(group: RuleGroup, unit: InspectionUnit): void {
    const set = group.sets[SET.PLAIN]!
    if (set !== null && unit.buffers.length(BUF.PKT_DATA) > 0) {
      if (set.rules.length <= DIRECT_RULES) this.#addAll(set.rules, unit)
      else this.#searchBuffer(group, set, unit, BUF.PKT_DATA)
    }
    this.#addAll(group.always, unit)
  }
}

/** The new bytes of a buffer, if it has any, are among those a search of the packet data covers. */
function isPartOfPacket(buffers: BufferSet, slot: number): boolean {
  const end = buffers.end[slot]!
  const fresh = buffers.fresh[slot]!
  return (
    fresh >= end ||
    (buffers.bytes[slot] === buffers.bytes[BUF.PKT_DATA] &&
      fresh >= buffers.fresh[BUF.PKT_DATA]! &&
      end <= buffers.end[BUF.PKT_DATA]!)
  )
}

/** Every buffer the group has patterns for is part of the packet data: nothing in it was decoded or normalised. */
function isVerbatim(group: RuleGroup, buffers: BufferSet): boolean {
  for (let id = SET.PLAIN + 1; id < SET_COUNT; id++) {
    if (id !== SET.URI && group.sets[id] !== null && !isPartOfPacket(buffers, SET_BUFFERS[id]!)) return false
  }
  return true
}

/** The trait that keeps rules away from a packet with the commonest flags. */
function rejectedBy(packet: Packet): number {
  if (packet.protocol !== TCP) return 0
  if (packet.tcpFlags === ACK) return TRAIT.REJECTS_ACK
  return packet.tcpFlags === PUSH_ACK ? TRAIT.REJECTS_PUSH : 0
}
