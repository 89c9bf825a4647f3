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
import type { GroupSets, GroupTable, RuleGroup } from './groups.js'
import { UnitLengths } from './length-bounds.js'
import { isBitSet } from './options/session.js'
import { flagsColumn } from './packet-gate.js'
import type { PatternSet, SearcherCache } from './pattern-set.js'
import { type RuleSet, TRAIT } from './rule-set.js'
import { isSliding } from './screen.js'

/** Pattern rules of a packet group that are tried outright: cheaper than a search when there are few. */
const DIRECT_RULES = 8
/** Lists up to this length are sorted in place. */
const INSERTION_SORT = 32

export class Candidates {
  readonly list: Int32Array
  count = 0
  readonly #set: RuleSet
  readonly #searchers: SearcherCache
  readonly #counters: Counters
  /** Generation in which a rule became a candidate, had stayed one, and had stayed one without being woken again. */
  readonly #stamp: Uint32Array
  readonly #resumed: Uint32Array
  readonly #unseen: Uint32Array
  #generation = 0
  /** Rules that would be tried on every such unit, but need a flowbit that is not set. */
  readonly #unlikely: Int32Array
  #unlikelyCount = 0
  /** The present packet's column in tables by flags; -1 = there is none that travels in the unit's direction. */
  #flags = -1
  #isPacket = false
  /** Flowbits of the flow. */
  #bits: Uint32Array | undefined
  readonly #lengths = new UnitLengths()
  #measured = false

  constructor(set: RuleSet, searchers: SearcherCache, counters: Counters) {
    this.#set = set
    this.#searchers = searchers
    this.#counters = counters
    const count = set.rules.length
    this.list = new Int32Array(count)
    this.#unlikely = new Int32Array(count)
    this.#stamp = new Uint32Array(count)
    this.#resumed = new Uint32Array(count)
    this.#unseen = new Uint32Array(count)
  }

  /**
   * Starts anew for a unit.
   * @param packet the unit, or what completed it
   * @param bits flowbits of the flow
   */
  begin(packet: Packet | undefined, isPacket: boolean, bits: Uint32Array | undefined): void {
    this.#flags = packet === undefined ? -1 : flagsColumn(packet)
    this.#isPacket = isPacket
    this.#bits = bits
    this.#unlikelyCount = 0
    this.#measured = false
    this.count = 0
    this.#generation++
    if (this.#generation > 0xffff_fffe) {
      this.#stamp.fill(0)
      this.#resumed.fill(0)
      this.#unseen.fill(0)
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

  /** A rule that was woken by an earlier window of the message. Called after the searches. */
  resume(rule: number): void {
    this.#resumed[rule] = this.#generation
    if (this.#stamp[rule] === this.#generation) return
    this.#unseen[rule] = this.#generation
    this.#add(rule)
  }

  isResumed(rule: number): boolean {
    return this.#resumed[rule] === this.#generation
  }

  /** Nothing in this window has woken the rule. */
  isUnseen(rule: number): boolean {
    return this.#unseen[rule] === this.#generation
  }

  /** Keeps a rule from becoming a candidate of this unit. Called before the searches. */
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

  /**
   * The searches are over. The bit that a rule needs can be set by a candidate that is evaluated before it; where there
   * is none, it need not be looked at.
   */
  settle(observed: boolean): void {
    if (this.count === 0 && !observed) return
    for (let i = 0; i < this.#unlikelyCount; i++) this.#add(this.#unlikely[i]!)
  }

  /** Rules tried without a pattern search: those the unit's lengths or flags rule out do not become candidates. */
  #addAll(rules: Int32Array, unit: InspectionUnit): void {
    if (rules.length === 0) return
    const { boundBuffer, minLength, maxLength, neededBit } = this.#set
    const lengths = this.lengthsOf(unit)
    for (let i = 0; i < rules.length; i++) {
      const index = rules[i]!
      if (!this.#acceptsFlags(index)) continue
      if (lengths.excludes(boundBuffer[index]!, minLength[index]!, maxLength[index]!)) continue
      const bit = neededBit[index]!
      if (bit < 0 || isBitSet(this.#bits, bit)) this.#add(index)
      else this.#unlikely[this.#unlikelyCount++] = index
    }
  }

  #acceptsFlags(rule: number): boolean {
    if (!this.#isPacket && (this.#set.traits[rule]! & TRAIT.NOT_REASSEMBLED) === 0) return true
    return this.#flags >= 0 && this.#set.flags.accepts(rule, this.#flags)
  }

  #group(group: RuleGroup, unit: InspectionUnit): void {
    const { buffers } = unit
    if (unit.opaque) {
      this.#addAll(group.always, unit)
      return
    }
    this.#searchSets(group, buffers)
    this.#addAll(group.always, unit)
  }

  #searchSets(group: RuleGroup, buffers: BufferSet): void {
    const { patterns } = group
    const { combined, bySet } = patterns
    const uri = bySet[SET.URI]!
    if (uri !== null) this.#searchBuffer(group, uri, buffers, BUF.HTTP_URI)
    if (combined !== null && isVerbatim(patterns, buffers, combined.hasExpressions)) {
      this.#searchBuffer(group, combined, buffers, BUF.PKT_DATA)
      // When the engine has just refused it, its parts are searched one by one.
      if (patterns.combined !== null) {
        const plain = bySet[SET.PLAIN]!
        if (plain !== null) this.#searchOthers(group, plain, buffers)
        return
      }
    }
    for (let id = 0; id < SET_COUNT; id++) {
      const set = bySet[id]!
      if (set === null || id === SET.URI) continue
      this.#searchBuffer(group, set, buffers, SET_BUFFERS[id]!)
      if (id === SET.PLAIN) this.#searchOthers(group, set, buffers)
    }
  }

  /** File data and the bytes as they came, unless they are part of the packet data that has just been searched. */
  #searchOthers(group: RuleGroup, set: PatternSet, buffers: BufferSet): void {
    if (set.inFileData && !isPartOfPacket(buffers, BUF.FILE_DATA, set.hasExpressions)) {
      this.#searchBuffer(group, set, buffers, BUF.FILE_DATA)
    }
    if (set.inRawData && !isPartOfPacket(buffers, BUF.RAW_DATA, set.hasExpressions)) {
      this.#searchBuffer(group, set, buffers, BUF.RAW_DATA)
    }
  }

  #searchBuffer(group: RuleGroup, wanted: PatternSet, buffers: BufferSet, slot: number): void {
    const first = searchedFrom(buffers, slot, wanted.hasExpressions)
    if (first < 0) return
    const set = wanted.isReady ? wanted : group.prepare(wanted, this.#searchers, this.#counters)
    if (set === null) return
    const searcher = set.searcher(this.#searchers)
    const start = buffers.start[slot]!
    const end = buffers.end[slot]!
    // A literal may have begun before the bytes that are new.
    const earliest = first - set.longest + 1
    const from = set.hasExpressions || earliest < start ? start : earliest
    const found = searcher.search(buffers.bytes[slot]!, from, end)
    this.#counters.searches++
    this.#counters.searchedBytes += end - from
    if (found > 0) this.#wake(set, searcher.hits, found)
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
    const { patterns } = group
    const set = patterns.bySet[SET.PLAIN]!
    if (set !== null && unit.buffers.length(BUF.PKT_DATA) > 0) {
      if (set.rules.length <= DIRECT_RULES) this.#addAll(set.rules, unit)
      else this.#searchBuffer(group, set, unit.buffers, BUF.PKT_DATA)
    }
    this.#addAll(group.always, unit)
  }
}

/** Index of the first byte of a buffer that has to be searched; -1 = there is none. */
function searchedFrom({ start, end, fresh }: BufferSet, slot: number, wide: boolean): number {
  const last = end[slot]!
  if (!wide) return fresh[slot]! < last ? fresh[slot]! : -1
  // Rules do not stay for what they were woken by in a sliding buffer, so there the look-back counts, too.
  return start[slot]! < last && (fresh[slot]! < last || isSliding(slot)) ? start[slot]! : -1
}

/** What has to be searched of a buffer is part of what is searched of the packet data. */
function isPartOfPacket(buffers: BufferSet, slot: number, wide: boolean): boolean {
  const from = searchedFrom(buffers, slot, wide)
  return (
    from < 0 ||
    (buffers.bytes[slot] === buffers.bytes[BUF.PKT_DATA] &&
      from >= (wide ? buffers.start[BUF.PKT_DATA]! : buffers.fresh[BUF.PKT_DATA]!) &&
      buffers.end[slot]! <= buffers.end[BUF.PKT_DATA]!)
  )
}

/** Every buffer there are patterns for is part of the packet data: nothing in it was decoded or normalised. */
function isVerbatim({ bySet }: GroupSets, buffers: BufferSet, wide: boolean): boolean {
  for (let id = SET.PLAIN + 1; id < SET_COUNT; id++) {
    if (id === SET.URI || bySet[id] === null) continue
    if (!isPartOfPacket(buffers, SET_BUFFERS[id]!, wide)) return false
  }
  return true
}
