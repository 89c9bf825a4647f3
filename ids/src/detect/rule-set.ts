/**
 * All rules of an engine, compiled, ordered and filed in group tables.
 *
 * In: parsed rules. Out: what every inspector of the engine reads (immutable but for groups, which are made at first
 * use), and a problem for each rule that cannot be evaluated. Built once by `createEngine`.
 */

import type { InspectNeeds } from '../inspect/context.js'
import {
  type Direction,
  SERVICE,
  SERVICE_COUNT,
  type ServiceId,
  TO_CLIENT,
  TO_SERVER,
} from '../inspect/unit.js'
import { locateOption } from '../rules/locate.js'
import type { PortSet, Rule, RuleProblem } from '../rules/model.js'
import { type CompileContext, CompiledRule, PatternError } from './compile.js'
import { inEvaluationOrder } from './evaluation-order.js'
import { GROUP, type GroupKind, GroupTable } from './groups.js'
import { HeaderTests, SERVICE_FIT } from './header-test.js'
import { matchesFlags, REASSEMBLED_FLAGS } from './options/header.js'
import type { FlowbitNames } from './options/session.js'
import { FlagsTable } from './packet-gate.js'
import { PortClasses } from './ports.js'
import { PROTOCOL_BIT, type RuleFacts } from './rule-facts.js'
import { isSliding } from './screen.js'
import { type FlowDirection, serverPortsOf } from './server-ports.js'

/** One table for each direction of travel. */
export type DirectionTables = readonly [toServer: GroupTable, toClient: GroupTable]

/** Bits of `RuleSet.traits`: what need not, or must, be looked at before a rule's options are evaluated. */
export const TRAIT = {
  NEEDS_ESTABLISHED: 1,
  /** Packet data may be the body of an HTTP message. */
  BODY_ONLY: 2,
  /** Shown the first request of a flow as it came too: Snort 3 text that reads nothing but packet data. */
  RAW_FIRST: 4,
  /** Asks about nothing but addresses, ports and the flow: shown packets without data, and streams. */
  HEADER_ONLY: 8,
  /** Its flags are not those of a packet that carries data, which reassembled bytes are taken for. */
  NOT_REASSEMBLED: 16,
} as const

/** Bits of `RuleSet.fits`: how a rule's header stands to the units of one service and direction. */
export const FIT = {
  /** Nothing of the header needs to be tested. */
  SETTLED: 1,
  /** Only for the bytes by which the service was recognised. */
  FIRST: 2,
} as const

/** How long a rule that was woken by one window of a message and does not match stays a candidate for later ones. */
export const STAY = {
  /** Whatever a later window shows, it wakes the rule itself. */
  NEVER: 0,
  /** Until its pattern is out of sight. */
  IN_SIGHT: 1,
  /** To the end of the message: its pattern is in sight, or counts, all the time. */
  ON: 2,
} as const

export class RuleSet {
  /** In evaluation order (`inEvaluationOrder`). */
  readonly rules: readonly CompiledRule[]
  readonly problems: readonly RuleProblem[]
  readonly portClasses: PortClasses
  /** By rule index, side by side because every candidate is judged by them first. */
  readonly traits: Uint8Array
  /** TCP flags that rules accept in packets. */
  readonly flags: FlagsTable
  readonly boundBuffer: Uint8Array
  readonly minLength: Int32Array
  readonly maxLength: Int32Array
  /** A flowbit without which the rule cannot match; -1 = none. */
  readonly neededBit: Int32Array
  /** `STAY` by rule index, for the windows of HTTP messages, of other turns, and of everything else. */
  readonly stayInMessages: Uint8Array
  readonly stayInStreams: Uint8Array
  readonly stayElsewhere: Uint8Array
  readonly testsAddresses: boolean
  /** Some rule asks for a service, which only the bytes of the stream can tell. */
  readonly needsService: boolean
  /** What the inspectors must keep for the rules. */
  readonly needs: InspectNeeds
  readonly flowbitWords: number
  /** Reassembled TCP data. */
  readonly streams: ServiceTables
  /** Files carried by mail. */
  readonly files: ServiceTables
  /** Messages of protocols inside TCP streams. */
  readonly pdus: ServiceTables
  /** Messages inside datagrams. */
  readonly datagramPdus: ServiceTables
  /** Single TCP packets. */
  readonly tcpPackets: ServiceTables
  /** Rules for single TCP packets that look at nothing but their bytes, however these came. */
  readonly wholePackets: ServiceTables
  /** TCP packets that belong to no flow, whose direction is not known; and those that begin one and carry data. */
  readonly orphans: DirectionTables
  readonly udp: ServiceTables
  readonly icmp: DirectionTables
  readonly otherIp: DirectionTables
  /** Ports of servers, for connections whose beginning was not seen; see `RoleHints`. */
  readonly serverPorts: Uint8Array
  /** Likewise, of UDP. */
  readonly datagramPorts: Uint8Array
  /** Rules of engine events, by generator and event. */
  readonly #events = new Map<number, number>()
  readonly #fits: (Uint8Array | undefined)[]

  constructor(rules: readonly Rule[], settings: Omit<CompileContext, 'headers'>) {
    const sets: PortSet[] = []
    for (const { header } of rules) sets.push(header.sourcePorts, header.destinationPorts)
    const classes = new PortClasses(sets)
    const context: CompileContext = { ...settings, headers: new HeaderTests(classes) }
    const problems: RuleProblem[] = []
    const given: CompiledRule[] = []
    for (const rule of rules) {
      try {
        given.push(new CompiledRule(rule, context))
      } catch (error) {
        problems.push(problemOf(rule, error))
      }
    }
    const compiled = inEvaluationOrder(given)
    this.rules = compiled
    this.problems = problems
    this.flowbitWords = context.flowbits.words
    const count = compiled.length
    this.traits = new Uint8Array(count)
    this.flags = new FlagsTable(compiled)
    this.boundBuffer = new Uint8Array(count)
    this.minLength = new Int32Array(count)
    this.maxLength = new Int32Array(count)
    this.neededBit = Int32Array.from(compiled, ({ facts }) => neededBit(facts, context.flowbits))
    this.stayInMessages = new Uint8Array(count)
    this.stayInStreams = new Uint8Array(count)
    this.stayElsewhere = new Uint8Array(count)
    this.needsService = false
    this.testsAddresses = false
    const needs = { wire: false, trailer: false, events: false }
    for (let index = 0; index < count; index++) {
      const one = compiled[index]!
      const { rule, facts, header } = one
      this.traits[index] = traitsOf(one)
      this.boundBuffer[index] = facts.bounds.buffer
      this.minLength[index] = facts.bounds.min
      this.maxLength[index] = facts.bounds.max
      this.stayInMessages[index] = stayOf(facts, true)
      this.stayInStreams[index] = stayOf(facts, false)
      this.stayElsewhere[index] = facts.fastPattern === undefined ? STAY.NEVER : STAY.ON
      if (rule.services.length > 0 || facts.asksService) this.needsService = true
      if (facts.readsAddresses || header.testsAddresses) this.testsAddresses = true
      if (facts.readsRawData) needs.wire = true
      if (facts.readsTrailer) needs.trailer = true
      if (facts.isEvent) {
        needs.events = true
        this.#events.set(eventKey(rule.gid, rule.sid), index)
      }
    }
    this.needs = needs
    const directionOf = (_rule: Rule, index: number): FlowDirection =>
      directionOfFacts(compiled[index]!.facts)
    const usable = compiled.map(({ rule }) => rule)
    this.serverPorts = serverPortsOf(usable, 'tcp', directionOf)
    this.datagramPorts = serverPortsOf(usable, 'udp', directionOf)
    this.portClasses = classes
    this.#fits = new Array<Uint8Array | undefined>(SERVICE_COUNT * 2).fill(undefined)

    /** Rules for one kind of unit, in their order. */
    const filed = (protocol: Protocol, admit: (facts: RuleFacts) => boolean): number[] => {
      const members: number[] = []
      for (let index = 0; index < count; index++) {
        const { facts, rule } = compiled[index]!
        if (!facts.isEvent && isFor(rule, facts, protocol) && admit(facts)) members.push(index)
      }
      return members
    }
    const tables = (
      members: readonly number[],
      service: ServiceId,
      kind: GroupKind = GROUP.BYTES,
    ): DirectionTables => [
      new GroupTable(compiled, members, classes, TO_SERVER, service, kind),
      new GroupTable(compiled, members, classes, TO_CLIENT, service, kind),
    ]
    const byService = (members: readonly number[], kind?: GroupKind): ServiceTables =>
      new ServiceTables(members.length > 0, (service) => tables(members, service, kind))

    const onStreams = filed('tcp', (facts) => facts.onStreams)
    this.streams = new ServiceTables(onStreams.length > 0, (service) =>
      tables(
        onStreams.filter((index) => maySee(compiled[index]!.facts, service)),
        service,
        service === SERVICE.HTTP || service === SERVICE.HTTP2 ? GROUP.MESSAGES : GROUP.BYTES,
      ),
    )
    const onFiles = onStreams.filter((index) => compiled[index]!.facts.onFiles)
    this.files = byService(onFiles, GROUP.FILES)
    this.pdus = byService(filed('tcp', (facts) => facts.onPdus))
    this.datagramPdus = byService(filed('udp', (facts) => facts.onPdus))
    this.tcpPackets = byService(filed('tcp', (facts) => facts.onTcpPackets))
    this.wholePackets = byService(filed('tcp', (facts) => facts.onWholePackets))
    const onPackets = (facts: RuleFacts): boolean => !facts.httpOnly && !facts.needsStream
    const unestablished = filed('tcp', (facts) => onPackets(facts) && !facts.needsEstablished)
    this.orphans = tables(unestablished, SERVICE.UNKNOWN)
    this.udp = byService(filed('udp', onPackets))
    this.icmp = tables(filed('icmp', onPackets), SERVICE.UNKNOWN)
    this.otherIp = tables(filed('ip', onPackets), SERVICE.UNKNOWN)
  }

  /** Index of the rule that stands for an engine event; undefined when it is not wanted. */
  eventRule(gid: number, sid: number): number | undefined {
    return this.#events.get(eventKey(gid, sid))
  }

  /** Some event of the generator is wanted. */
  hasEvents(gid: number): boolean {
    return this.rules.some(({ facts, rule }) => facts.isEvent && rule.gid === gid)
  }

  /** `FIT` bits by rule index. */
  fits(direction: Direction, service: ServiceId): Uint8Array {
    const at = direction + 2 * service
    let fits = this.#fits[at]
    if (fits === undefined) {
      fits = Uint8Array.from(this.rules, ({ header }) => {
        const settled = header.isSettled(direction, service) ? FIT.SETTLED : 0
        return header.fits(service) === SERVICE_FIT.FIRST ? settled | FIT.FIRST : settled
      })
      this.#fits[at] = fits
    }
    return fits
  }
}

/** Group tables of one kind of unit for each service, made when the first unit of the service comes. */
export class ServiceTables {
  /** Some rule looks at units of this kind. */
  readonly looksAtAny: boolean
  readonly #make: (service: ServiceId) => DirectionTables
  readonly #tables: (DirectionTables | undefined)[]

  constructor(looksAtAny: boolean, make: (service: ServiceId) => DirectionTables) {
    this.looksAtAny = looksAtAny
    this.#make = make
    this.#tables = new Array<DirectionTables | undefined>(SERVICE_COUNT).fill(undefined)
  }

  of(service: ServiceId): DirectionTables {
    let tables = this.#tables[service]
    if (tables === undefined) {
      tables = this.#make(service)
      this.#tables[service] = tables
    }
    return tables
  }
}

/** Whether units of the service have the buffers a rule needs: all of them messages, data connections a file. */
function maySee(facts: RuleFacts, service: ServiceId): boolean {
  const messages = service === SERVICE.HTTP || service === SERVICE.HTTP2
  return !facts.httpOnly || messages || (service === SERVICE.FTP_DATA && facts.onFiles)
}

type Protocol = 'tcp' | 'udp' | 'icmp' | 'ip'

function isFor({ header }: Rule, facts: RuleFacts, protocol: Protocol): boolean {
  // Fragments of every protocol are looked at with the rules of other protocols.
  if (protocol !== 'ip' && (facts.refusedProtocols & PROTOCOL_BIT[protocol]) !== 0) return false
  return (
    header.protocol === protocol ||
    header.protocol === 'ip' ||
    (header.serviceOnly === true && (protocol === 'tcp' || protocol === 'udp'))
  )
}

function directionOfFacts({ refusedDirection }: RuleFacts): FlowDirection {
  if (refusedDirection < 0) return undefined
  return refusedDirection === TO_CLIENT ? 'to_server' : 'to_client'
}

function stayOf({ fastPattern, gated, screen }: RuleFacts, inMessages: boolean): number {
  // A gate is passed once for the whole message.
  if (gated && fastPattern !== undefined) return STAY.ON
  if (inMessages && (fastPattern === undefined || fastPattern.commonplace)) {
    if (screen === undefined) return STAY.NEVER
    if (!isSliding(screen.buffer)) return STAY.ON
    // Words are searched for in new bytes only, as fast patterns are; expressions in all that is in sight.
    return screen.words === undefined ? STAY.NEVER : STAY.IN_SIGHT
  }
  if (fastPattern === undefined) return STAY.NEVER
  return isSliding(fastPattern.buffer) ? STAY.IN_SIGHT : STAY.ON
}

function neededBit({ flowbits }: RuleFacts, names: FlowbitNames): number {
  const check = flowbits.find((option) => option.action === 'isset' && option.names.length === 1)
  return check === undefined ? -1 : names.number(check.names[0]!)
}

function eventKey(gid: number, sid: number): number {
  return gid * 0x1_0000_0000 + sid
}

function traitsOf({ facts, header, rule }: CompiledRule): number {
  let traits = facts.needsEstablished ? TRAIT.NEEDS_ESTABLISHED : 0
  if (facts.headerOnly) traits |= TRAIT.HEADER_ONLY
  if (facts.flags !== undefined && !matchesFlags(facts.flags, REASSEMBLED_FLAGS))
    traits |= TRAIT.NOT_REASSEMBLED
  if (facts.readsPayload && header.maySeeBodyOnly) traits |= TRAIT.BODY_ONLY
  // A rule with a service in place of a protocol is not tried before the service is known.
  const early = facts.packetDataOnly && rule.dialect === 'snort3'
  if (early && rule.header.serviceOnly !== true) traits |= TRAIT.RAW_FIRST
  return traits
}

function problemOf(rule: Rule, error: unknown): RuleProblem {
  const message = error instanceof Error ? error.message : String(error)
  const pattern = error instanceof PatternError ? error : undefined
  return {
    position: pattern === undefined ? rule.position : locateOption(rule, 'pcre', pattern.nth),
    severity: 'error',
    kind: 'unsupported',
    reason: pattern === undefined ? 'cannot be evaluated' : `pcre: ${pattern.reason}`,
    message: `rule ${rule.gid}:${rule.sid} cannot be evaluated: ${message}`,
    sid: rule.sid,
  }
}
