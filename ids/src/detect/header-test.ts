/**
 * The header of a rule: addresses, ports, direction sign, services.
 *
 * In: a parsed header. Out: filing (which port classes and services the rule belongs to) and the test at evaluation.
 * Ports are given as port classes throughout.
 */
import {
  type Direction,
  SERVICE,
  SERVICE_COUNT,
  type ServiceId,
  serviceByName,
  TO_SERVER,
} from '../inspect/unit.js'
import type { IpSet, Rule, RuleHeader } from '../rules/model.js'
import { type AddressTest, compileAddresses } from './addresses.js'
import type { Evaluation } from './evaluation.js'
import type { PortClasses, PortTest } from './ports.js'

/**
 * Whether a rule may match a unit of a service, and whether its ports count there. FIRST: by ports, and only on the bytes
 * by which the service was recognised: they were looked at before anything was known about the flow.
 */
export const SERVICE_FIT = { NO: 0, BY_PORTS: 1, ANY_PORT: 2, FIRST: 3 } as const
export type ServiceFit = (typeof SERVICE_FIT)[keyof typeof SERVICE_FIT]

export class HeaderTest {
  readonly #source: AddressTest | undefined
  readonly #destination: AddressTest | undefined
  readonly #sourcePorts: PortTest
  readonly #destinationPorts: PortTest
  readonly #bidirectional: boolean
  readonly #portless: boolean
  readonly #service: 'none' | 'http' | 'other'
  readonly #snort3: boolean
  readonly #fits: readonly ServiceFit[]

  constructor(
    rule: Rule,
    ports: PortClasses,
    addresses: (set: IpSet) => AddressTest | undefined = compileAddresses,
  ) {
    const { header, services } = rule
    this.#source = addresses(header.source)
    this.#destination = addresses(header.destination)
    this.#sourcePorts = ports.test(header.sourcePorts)
    this.#destinationPorts = ports.test(header.destinationPorts)
    this.#bidirectional = header.bidirectional
    this.#portless = header.protocol === 'icmp' || header.protocol === 'ip'
    this.#service = services.length === 0 ? 'none' : services.includes('http') ? 'http' : 'other'
    this.#snort3 = rule.dialect === 'snort3'
    const usual = this.#portless ? SERVICE_FIT.ANY_PORT : SERVICE_FIT.BY_PORTS
    this.#fits = serviceFits(services, header.serviceOnly === true, usual)
  }

  get testsAddresses(): boolean {
    return this.#source !== undefined || this.#destination !== undefined
  }

  /**
   * On a flow whose service is known, rules that name it match on any port and rules that name only others no longer do;
   * everything else goes by ports. A rule with a service in place of a protocol matches nothing else.
   */
  fits(service: ServiceId): ServiceFit {
    return this.#fits[service]!
  }

  /** May the rule match a unit of this direction when the server's side has this port, whatever the client's port? */
  admitsServer(direction: Direction, portClass: number): boolean {
    const own = direction === TO_SERVER ? this.#destinationPorts : this.#sourcePorts
    const other = direction === TO_SERVER ? this.#sourcePorts : this.#destinationPorts
    return own.has(portClass) || (this.#bidirectional && other.has(portClass))
  }

  /** Ports that only the client's side is held to; undefined when the server's side is, or neither. */
  clientOnly(direction: Direction): PortTest | undefined {
    const own = direction === TO_SERVER ? this.#destinationPorts : this.#sourcePorts
    const other = direction === TO_SERVER ? this.#sourcePorts : this.#destinationPorts
    return own.any && !other.any && !this.#bidirectional ? other : undefined
  }

  /** True when the server's side may have any of very many ports. */
  wideServer(direction: Direction): boolean {
    const own = direction === TO_SERVER ? this.#destinationPorts : this.#sourcePorts
    const other = direction === TO_SERVER ? this.#sourcePorts : this.#destinationPorts
    return own.wide || (this.#bidirectional && other.wide)
  }

  /** True when no port of the server's side is excluded. */
  anyServer(direction: Direction): boolean {
    const own = direction === TO_SERVER ? this.#destinationPorts : this.#sourcePorts
    const other = direction === TO_SERVER ? this.#sourcePorts : this.#destinationPorts
    return own.any || (this.#bidirectional && other.any)
  }

  /** True when filing by direction, service and the server's port leaves nothing to be tested. */
  isSettled(direction: Direction, service: ServiceId): boolean {
    if (this.testsAddresses) return false
    if (this.#fits[service] === SERVICE_FIT.ANY_PORT) return true
    const other = direction === TO_SERVER ? this.#sourcePorts : this.#destinationPorts
    return !this.#bidirectional && other.any
  }

  /** False when packet data is always the whole message. */
  get maySeeBodyOnly(): boolean {
    return this.#snort3 || (this.#service === 'http' && !this.#portless)
  }

  /** The addresses of the unit, in the direction of its bytes, and the classes of its ports. */
  matches(state: Evaluation, service: ServiceId, source: number, destination: number): boolean {
    const byPorts = this.#fits[service] !== SERVICE_FIT.ANY_PORT
    if (this.#addressesMatch(state) && (!byPorts || this.#portsMatch(source, destination))) return true
    if (!this.#bidirectional) return false
    return this.#addressesMatchReversed(state) && (!byPorts || this.#portsMatch(destination, source))
  }

  /**
   * On an HTTP message, whether the rule's packet data is the body alone. It is in Snort 3 text. In Snort 2 text it is
   * the whole message, unless the rule is here by its service only and its ports are others: then Snort 2 would not
   * have seen the message as packet data, and what is asked of the payload is asked of the body.
   */
  seesBodyOnly(source: number, destination: number): boolean {
    if (this.#snort3) return true
    if (this.#service !== 'http' || this.#portless || this.#portsMatch(source, destination)) return false
    return !(this.#bidirectional && this.#portsMatch(destination, source))
  }

  /** The ports of the unit are the rule's. */
  fitsPorts(source: number, destination: number): boolean {
    return (
      this.#portless ||
      this.#portsMatch(source, destination) ||
      (this.#bidirectional && this.#portsMatch(destination, source))
    )
  }

  #addressesMatch(state: Evaluation): boolean {
    const source = this.#source
    const destination = this.#destination
    return (
      (source === undefined || source.matches(state.src0, state.src1, state.src2, state.src3)) &&
      (destination === undefined || destination.matches(state.dst0, state.dst1, state.dst2, state.dst3))
    )
  }

  #addressesMatchReversed(state: Evaluation): boolean {
    const source = this.#source
    const destination = this.#destination
    return (
      (source === undefined || source.matches(state.dst0, state.dst1, state.dst2, state.dst3)) &&
      (destination === undefined || destination.matches(state.src0, state.src1, state.src2, state.src3))
    )
  }

  #portsMatch(source: number, destination: number): boolean {
    return this.#sourcePorts.has(source) && this.#destinationPorts.has(destination)
  }
}

/** The header tests of one engine: rules with the same header and services share one. */
export class HeaderTests {
  readonly #ports: PortClasses
  readonly #tests = new Map<RuleHeader, Map<string, HeaderTest>>()
  readonly #addresses = new Map<IpSet, AddressTest | undefined>()

  constructor(ports: PortClasses) {
    this.#ports = ports
  }

  of(rule: Rule): HeaderTest {
    const { header, services, dialect } = rule
    let tests = this.#tests.get(header)
    if (tests === undefined) {
      tests = new Map()
      this.#tests.set(header, tests)
    }
    const key = services.length === 0 ? dialect : `${dialect} ${services.join(' ')}`
    let test = tests.get(key)
    if (test === undefined) {
      test = new HeaderTest(rule, this.#ports, (set) => this.#addressTest(set))
      tests.set(key, test)
    }
    return test
  }

  #addressTest(set: IpSet): AddressTest | undefined {
    if (!this.#addresses.has(set)) this.#addresses.set(set, compileAddresses(set))
    return this.#addresses.get(set)
  }
}

/** Indexed by service. @param only the rule's header names a service instead of a protocol */
function serviceFits(names: readonly string[], only: boolean, usual: ServiceFit): ServiceFit[] {
  const fits = new Array<ServiceFit>(SERVICE_COUNT).fill(usual)
  if (names.length === 0) return fits
  fits.fill(only ? SERVICE_FIT.NO : SERVICE_FIT.FIRST)
  if (!only) fits[SERVICE.UNKNOWN] = usual
  for (const name of names) {
    const service = serviceByName(name)
    // What is written in place of a protocol leaves the ports beside it in force.
    if (service !== undefined) fits[service] = only ? usual : SERVICE_FIT.ANY_PORT
    // Rules for HTTP see the messages of HTTP/2 as well.
    if (service === SERVICE.HTTP) fits[SERVICE.HTTP2] = fits[SERVICE.HTTP]!
  }
  return fits
}
