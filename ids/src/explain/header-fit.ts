/** Which part of a rule's header keeps a flow out, and what was there instead. */
import { type AddressTest, compileAddresses, parseAddress } from '../detect/addresses.js'
import type { CompiledRule } from '../detect/compile.js'
import { SERVICE_FIT } from '../detect/header-test.js'
import { type Direction, SERVICE, type ServiceId, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import { formatPorts, type PortSet, type Rule, type Variables } from '../rules/index.js'
import type { FlowRecord } from './flow-log.js'
import { shorten } from './printable.js'

const PARTS = ['source address', 'source port', 'destination address', 'destination port'] as const
export type HeaderPart = (typeof PARTS)[number]

export interface HeaderMismatch {
  readonly parts: readonly HeaderPart[]
  readonly text: string
}

const DIRECTIONS = [TO_SERVER, TO_CLIENT] as const

interface Try {
  readonly direction: Direction
  /** The rule's source is the client. */
  readonly toServer: boolean
  /** By part. */
  readonly holds: readonly boolean[]
}

/** Characters shown of a variable's value. */
const MAX_VALUE = 160

const hasPort = ({ any, ranges }: PortSet, port: number): boolean =>
  any || ranges.some(([low, high]) => port >= low && port <= high)

/** The four parts of the header as written; undefined when some are left out (Snort 3). */
const writtenParts = (text: string): readonly string[] | undefined => {
  const head = text.slice(0, text.indexOf('('))
  const words = head.match(/(?:\[[^\]]*\]|[^\s[])+/g) ?? []
  const sign = words.findIndex((word) => word === '->' || word === '<>')
  return sign === 4 && words.length === 7 ? [words[2]!, words[3]!, words[5]!, words[6]!] : undefined
}

export class HeaderFit {
  readonly #rule: Rule
  readonly #compiled: CompiledRule
  readonly #variables: Variables
  readonly #source: AddressTest | undefined
  readonly #destination: AddressTest | undefined
  readonly #written: readonly string[] | undefined

  constructor(compiled: CompiledRule, variables: Variables) {
    const { rule } = compiled
    this.#rule = rule
    this.#compiled = compiled
    this.#variables = variables
    this.#source = compileAddresses(rule.header.source)
    this.#destination = compileAddresses(rule.header.destination)
    this.#written = writtenParts(rule.text)
  }

  /** Directions in which the rule may look and its header fits. */
  directions(record: FlowRecord): readonly Direction[] {
    const tries = this.#tries(record)
    return DIRECTIONS.filter((direction) =>
      tries.some((one) => one.direction === direction && one.holds.every(Boolean)),
    )
  }

  /** @returns undefined when the header fits, in some direction the rule may look in */
  mismatch(record: FlowRecord): HeaderMismatch | undefined {
    const count = ({ holds }: Try): number => holds.filter(Boolean).length
    const best = this.#tries(record).sort((a, b) => count(b) - count(a))[0]
    if (best === undefined || best.holds.every(Boolean)) return undefined
    const parts = PARTS.filter((_, i) => !best.holds[i])
    const seen = this.#seen(record, best.toServer)
    const texts = parts.map((part) => {
      const i = PARTS.indexOf(part)
      return `${part} ${seen[i]} is not in ${this.#wanted(i)}`
    })
    return { parts, text: `${texts.join('; ')}${this.#otherWay(record, best)}` }
  }

  /** The header fits what the other side sends, but the rule does not look there. */
  #otherWay(record: FlowRecord, { direction, toServer }: Try): string {
    const other = direction === TO_SERVER ? TO_CLIENT : TO_SERVER
    if (!record.isFlow || this.#compiled.mayTravel(other)) return ''
    if (!this.#test(record, !toServer, this.#byPorts(record)).every(Boolean)) return ''
    const way = direction === TO_SERVER ? 'to_server' : 'to_client'
    const sender = direction === TO_SERVER ? 'server' : 'client'
    return `; the header fits what the ${sender} sends, but the rule says flow:${way}`
  }

  #byPorts(record: FlowRecord): boolean {
    const { protocol } = this.#rule.header
    const service = record.serviceId as ServiceId
    const byService =
      service !== SERVICE.UNKNOWN && this.#compiled.header.fits(service) === SERVICE_FIT.ANY_PORT
    return !byService && protocol !== 'icmp' && protocol !== 'ip'
  }

  /** The header against the flow, each way it may be read. */
  #tries(record: FlowRecord): Try[] {
    const { header } = this.#rule
    const byPorts = this.#byPorts(record)
    const tries: Try[] = []
    for (const direction of DIRECTIONS) {
      if (record.isFlow && !this.#compiled.mayTravel(direction)) continue
      for (const reversed of header.bidirectional ? [false, true] : [false]) {
        const toServer = (direction === TO_SERVER) !== reversed
        tries.push({ direction, toServer, holds: this.#test(record, toServer, byPorts) })
      }
    }
    return tries
  }

  #seen(record: FlowRecord, toServer: boolean): readonly [string, number, string, number] {
    const { client, clientPort, server, serverPort } = record
    return toServer ? [client, clientPort, server, serverPort] : [server, serverPort, client, clientPort]
  }

  #test(record: FlowRecord, toServer: boolean, byPorts: boolean): boolean[] {
    const [source, sourcePort, destination, destinationPort] = this.#seen(record, toServer)
    const inSet = (test: AddressTest | undefined, text: string): boolean => {
      const words = test === undefined ? undefined : parseAddress(text)
      return (
        test === undefined || words === undefined || test.matches(words[0]!, words[1]!, words[2]!, words[3]!)
      )
    }
    const { sourcePorts, destinationPorts } = this.#rule.header
    return [
      inSet(this.#source, source),
      !byPorts || hasPort(sourcePorts, sourcePort),
      inSet(this.#destination, destination),
      !byPorts || hasPort(destinationPorts, destinationPort),
    ]
  }

  /** The part as written, with the values of the variables in it. */
  #wanted(part: number): string {
    const written = this.#written?.[part]
    if (written === undefined) {
      const { sourcePorts, destinationPorts } = this.#rule.header
      if (part === 1 || part === 3)
        return shorten(formatPorts(part === 1 ? sourcePorts : destinationPorts), MAX_VALUE)
      return 'the addresses of the rule'
    }
    const names = new Set([...written.matchAll(/\$\(?(\w+)/g)].map((match) => match[1]!))
    const values = [...names].map((name) => `${name}=${this.#variables.get(name) ?? '?'}`)
    return values.length === 0 ? written : `${written} (${shorten(values.join(', '), MAX_VALUE)})`
  }
}
