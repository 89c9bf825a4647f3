/**
 * Rule groups: which rules can match a unit, and the multi-pattern matchers that find the likely ones.
 *
 * In: compiled rules, numbered in evaluation order. Out: `GroupTable.find(server port, client port)`, a chain of groups
 * whose union holds every rule that may match there. Called by the inspector for every unit; groups and matchers are
 * made at first use and shared between ports and tables that have the same rules or patterns.
 */

import type { Packet } from '@weir/stack'
import { BUF } from '../inspect/buffers.js'
import type { Direction, ServiceId } from '../inspect/unit.js'
import type { CompiledRule } from './compile.js'
import type { Counters } from './counters.js'
import { type FastPattern, SET, SET_COUNT } from './fast-pattern.js'
import { SERVICE_FIT } from './header-test.js'
import { PacketGate } from './packet-gate.js'
import { type PatternSet, patternSet, type SearcherCache } from './pattern-set.js'
import type { PortClasses } from './ports.js'

/**
 * Port classes of HTTP messages that get a group of their own, merged with the rules for any port so that one search
 * finds both. All other ports are served by a chain of groups: a matcher with all rules for each of many ports, and for
 * each service, would take long to make, and traffic could ask for every one.
 */
const MERGED_CLASSES = 8

/** What the units of a group are. */
export const GROUP = { BYTES: 0, MESSAGES: 1, FILES: 2 } as const
export type GroupKind = (typeof GROUP)[keyof typeof GROUP]

/** Pattern sets of a group, by the buffers they are searched in. */
export class GroupSets {
  /** Indexed by `SET`; null = no rule of the group has a pattern of that kind. */
  readonly bySet: (PatternSet | null)[]
  /**
   * The patterns of all sets but URI, for messages whose buffers are parts of the packet data: one search instead of
   * several. URIs have most patterns and few bytes, and are seldom sent as they are looked at.
   */
  combined: PatternSet | null

  /** @param bySet rules by the set their pattern belongs to */
  constructor(bySet: readonly (readonly number[])[], make: (members: readonly number[]) => PatternSet) {
    this.bySet = bySet.map((list) => (list.length === 0 ? null : make(list)))
    const others = bySet.filter((list, id) => list.length > 0 && id !== SET.URI)
    this.combined = others.length > 1 ? make(others.flat()) : null
  }
}

const NO_SETS: readonly (readonly number[])[] = Array.from({ length: SET_COUNT }, () => [])

export class RuleGroup {
  /** Fast patterns, and screens of rules that have no good one. */
  readonly patterns: GroupSets
  /** Rules to evaluate on every unit. */
  always: Int32Array
  /** More rules for the same port, searched separately. */
  readonly next: RuleGroup | null

  constructor(
    members: readonly number[],
    rules: readonly CompiledRule[],
    kind: GroupKind,
    next: RuleGroup | null,
  ) {
    const patterns: number[][] = NO_SETS.map(() => [])
    const always: number[] = []
    for (const index of members) {
      const { fastPattern, screen } = rules[index]!
      if (fastPattern !== undefined && isSearched(fastPattern, kind)) patterns[fastPattern.set]!.push(index)
      else if (screen !== undefined && kind === GROUP.MESSAGES) patterns[screen.set]!.push(index)
      else always.push(index)
    }
    const searched = (fast: FastPattern): boolean => isSearched(fast, kind)
    this.patterns = new GroupSets(patterns, (list) => patternSet(list, rules, searched))
    this.always = Int32Array.from(always)
    this.next = next
  }

  /** Makes the searchers most units need now instead of at the first unit. */
  warmUp(cache: SearcherCache, counters: Counters): void {
    const { patterns } = this
    if (patterns.combined !== null) this.prepare(patterns.combined, cache, counters)
    for (let id = 0; id < SET_COUNT; id++) {
      const set = patterns.bySet[id]!
      if (set !== null && (id === SET.URI || patterns.combined === null)) this.prepare(set, cache, counters)
    }
    this.next?.warmUp(cache, counters)
  }

  /**
   * Makes the searcher of one of the group's sets. When the engine refuses its patterns, the set loses its expressions, or
   * all, and the rules left out are evaluated on every unit from then on.
   * @returns the set to be searched for instead, or null
   */
  prepare(set: PatternSet, cache: SearcherCache, counters: Counters): PatternSet | null {
    try {
      set.searcher(cache)
      return set
    } catch {
      counters.matcherFailures++
      const { bySet, combined } = this.patterns
      // The combined set would hide that some of its rules are not searched for any more.
      this.patterns.combined = null
      if (set === combined) return null
      const rest = set.hasExpressions ? set.withoutExpressions() : null
      const id = bySet.indexOf(set)
      if (id >= 0) {
        bySet[id] = rest
        const kept = new Set(rest?.rules)
        this.always = Int32Array.from([...this.always, ...set.rules.filter((rule) => !kept.has(rule))])
      }
      return rest === null ? null : this.prepare(rest, cache, counters)
    }
  }
}

/** The groups of one kind of unit: one direction of one service, on streams or on packets. */
export class GroupTable {
  readonly #rules: readonly CompiledRule[]
  readonly #classes: PortClasses
  readonly #direction: Direction
  readonly #kind: GroupKind
  readonly #anyPort: number[] = []
  readonly #byServerPort: number[] = []
  readonly #byClientPort: number[] = []
  /** Indexed by port class; undefined = not made yet, null = no rules. */
  readonly #serverGroups: (RuleGroup | null | undefined)[] = []
  readonly #clientGroups: (RuleGroup | null | undefined)[] = []
  readonly #shared = new Map<string, RuleGroup>()
  readonly #anyGroup: RuleGroup | null
  /** By port class, made at first use: for the rules by server port, and for those held to the client's. */
  readonly #serverGates: (PacketGate | undefined)[] = []
  readonly #clientGates: (PacketGate | undefined)[] = []
  /** Most classes have the rules of some other class. */
  readonly #gates = new Map<string, PacketGate>()
  /** No rule is filed here. */
  readonly isEmpty: boolean
  readonly hasClientRules: boolean
  #merged = 0

  /** @param members the rules that look at such units, in rule order */
  constructor(
    rules: readonly CompiledRule[],
    members: readonly number[],
    classes: PortClasses,
    direction: Direction,
    service: ServiceId,
    kind: GroupKind,
  ) {
    this.#rules = rules
    this.#classes = classes
    this.#direction = direction
    this.#kind = kind
    for (const index of members) {
      const rule = rules[index]!
      const fit = rule.header.fits(service)
      if (fit === SERVICE_FIT.NO || !rule.mayTravel(direction)) continue
      if (fit === SERVICE_FIT.ANY_PORT) this.#anyPort.push(index)
      else if (heldToClient(rule, direction)) this.#byClientPort.push(index)
      else if (rule.header.anyServer(direction)) this.#anyPort.push(index)
      else this.#byServerPort.push(index)
    }
    this.#anyGroup = this.#makeAnyGroup()
    this.hasClientRules = this.#byClientPort.length > 0
    this.isEmpty = this.#anyPort.length + this.#byServerPort.length + this.#byClientPort.length === 0
  }

  /** False when the packet's length and flags rule out every rule for these ports. */
  admits(packet: Packet, serverPort: number, clientPort: number): boolean {
    const { classOf } = this.#classes
    const server = classOf[serverPort]!
    if ((this.#serverGates[server] ?? this.#makeServerGate(server)).admits(packet)) return true
    if (!this.hasClientRules) return false
    const client = classOf[clientPort]!
    return (this.#clientGates[client] ?? this.#makeClientGate(client)).admits(packet)
  }

  #makeServerGate(portClass: number): PacketGate {
    const gate = this.#gateOf([...this.#anyPort, ...this.#ofServer(portClass)])
    this.#serverGates[portClass] = gate
    return gate
  }

  #makeClientGate(portClass: number): PacketGate {
    const gate = this.#gateOf(this.#ofClient(portClass))
    this.#clientGates[portClass] = gate
    return gate
  }

  #gateOf(members: readonly number[]): PacketGate {
    const key = members.join()
    let gate = this.#gates.get(key)
    if (gate === undefined) {
      gate = new PacketGate(members.map((i) => this.#rules[i]!))
      this.#gates.set(key, gate)
    }
    return gate
  }

  /** Rules for server ports of the class, and not for any. */
  #ofServer(portClass: number): number[] {
    return this.#byServerPort.filter((i) => this.#rules[i]!.header.admitsServer(this.#direction, portClass))
  }

  #ofClient(portClass: number): number[] {
    return this.#byClientPort.filter((i) =>
      this.#rules[i]!.header.clientOnly(this.#direction)!.has(portClass),
    )
  }

  /** Whether the rule is filed here, for some port. */
  holds(rule: number): boolean {
    return (
      this.#anyPort.includes(rule) || this.#byServerPort.includes(rule) || this.#byClientPort.includes(rule)
    )
  }

  /** Makes the groups of these server ports, and their matchers, now instead of at the first unit. */
  warmUp(ports: readonly number[], cache: SearcherCache, counters: Counters): void {
    for (const port of ports) this.byServerPort(port)?.warmUp(cache, counters)
  }

  /** Groups by the server's port, chained by `next`; null when no rule can match. */
  byServerPort(port: number): RuleGroup | null {
    const portClass = this.#classes.classOf[port]!
    const known = this.#serverGroups[portClass]
    return known !== undefined ? known : this.#makeServerGroup(portClass)
  }

  /** The rules that are held to the client's port only. */
  byClientPort(port: number): RuleGroup | null {
    if (this.#byClientPort.length === 0) return null
    const portClass = this.#classes.classOf[port]!
    const known = this.#clientGroups[portClass]
    return known !== undefined ? known : this.#makeClientGroup(portClass)
  }

  #makeServerGroup(portClass: number): RuleGroup | null {
    const specific = this.#ofServer(portClass)
    const group = specific.length === 0 ? this.#anyGroup : this.#join(specific)
    this.#serverGroups[portClass] = group
    return group
  }

  /**
   * Rules for any port. Those whose header says so are the same for all services, and so are their matchers; the others
   * are here because the flow's service takes the place of their ports.
   */
  #makeAnyGroup(): RuleGroup | null {
    const make = (members: readonly number[], next: RuleGroup | null): RuleGroup | null =>
      members.length === 0 ? next : new RuleGroup(members, this.#rules, this.#kind, next)
    if (this.#kind === GROUP.MESSAGES) return make(this.#anyPort, null)
    const isCommon = (i: number): boolean => {
      const { header } = this.#rules[i]!
      return header.anyServer(this.#direction) && !heldToClient(this.#rules[i]!, this.#direction)
    }
    const common = make(this.#anyPort.filter(isCommon), null)
    return make(
      this.#anyPort.filter((i) => !isCommon(i)),
      common,
    )
  }

  /** Puts the rules for any port with those for a class of ports. */
  #join(specific: readonly number[]): RuleGroup {
    const chained = (key: string, members: readonly number[], next: RuleGroup | null): RuleGroup | null =>
      members.length === 0
        ? next
        : this.#share(`${key}${members.join()}`, () => new RuleGroup(members, this.#rules, this.#kind, next))
    if (this.#kind === GROUP.MESSAGES) {
      return this.#share(`m${specific.join()}`, () => {
        if (this.#merged++ >= MERGED_CLASSES)
          return new RuleGroup(specific, this.#rules, this.#kind, this.#anyGroup)
        return new RuleGroup([...this.#anyPort, ...specific], this.#rules, this.#kind, null)
      })
    }
    // Rules for very many ports (`1024:`) are the same for most classes; the others are few.
    const isWide = (i: number): boolean => this.#rules[i]!.header.wideServer(this.#direction)
    const wide = specific.filter(isWide)
    const narrow = specific.filter((i) => !isWide(i))
    const rest = chained('w', wide, this.#anyGroup)
    return chained(`n${wide.join()} `, narrow, rest)!
  }

  #makeClientGroup(portClass: number): RuleGroup | null {
    const members = this.#ofClient(portClass)
    const group =
      members.length === 0
        ? null
        : this.#share(`c${members.join()}`, () => new RuleGroup(members, this.#rules, this.#kind, null))
    this.#clientGroups[portClass] = group
    return group
  }

  #share(key: string, make: () => RuleGroup): RuleGroup {
    let group = this.#shared.get(key)
    if (group === undefined) {
      group = make()
      this.#shared.set(key, group)
    }
    return group
  }
}

/**
 * The rule is for few ports of the client's side and any of the server's. Rules for very many client ports (`!21:23`)
 * are rules for any port that are tested for it: a group for them would be searched for nearly every flow.
 */
function heldToClient({ header }: CompiledRule, direction: Direction): boolean {
  const ports = header.clientOnly(direction)
  return ports !== undefined && !ports.wide
}

/** False when searching for a pattern costs more than trying its rule each time, or when it is not in what is searched. */
function isSearched({ commonplace, buffer }: FastPattern, kind: GroupKind): boolean {
  if (kind === GROUP.MESSAGES) return !commonplace
  // Around a file, packet data is what has been searched already, as part of the stream.
  return kind === GROUP.BYTES || buffer === BUF.FILE_DATA
}
