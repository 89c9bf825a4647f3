/** Which part of a rule's header keeps a flow out, and what was there instead. */
import { type AddressTest, compileAddresses, parseAddress } from '../detect/addresses.js'
import type { CompiledRule } from '../detect/compile.js'
import { SERVICE_FIT } from '../detect/header-test.js'
import { SERVICE, type ServiceId, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import { formatPorts, type PortSet, type Rule, type Variables } from '../rules/index.js'
import type { FlowRecord } from './flow-log.js'
import { shorten } from './printable.js'

const PARTS = ['source address', 'source port', 'destination address', 'destination port'] as const
export type HeaderPart = (typeof PARTS)[number]

export interface HeaderMismatch {
  readonly parts: readonly HeaderPart[]
  readonly text: string
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

  /** @returns undefined when the header fits, in some direction the rule may look in */
  mismatch(record: FlowRecord): HeaderMismatch | undefined {
    const service = record.serviceId as ServiceId
    const { header } = this.#compiled
    const byPorts = header.fits(service) !== SERVICE_FIT.ANY_PORT || service === SERVICE.UNKNOWN
    const portless = this.#rule.header.protocol === 'icmp' || this.#rule.header.protocol === 'ip'
    let best: { readonly holds: readonly boolean[]; readonly toServer: boolean } | undefined
    for (const direction of [TO_SERVER, TO_CLIENT] as const) {
      if (record.isFlow && !this.#compiled.mayTravel(direction)) continue
      for (const reversed of this.#rule.header.bidirectional ? [false, true] : [false]) {
        const toServer = (direction === TO_SERVER) !== reversed
        const holds = this.#test(record, toServer, byPorts && !portless)
        if (holds.every(Boolean)) return undefined
        const count = (list: readonly boolean[]): number => list.filter(Boolean).length
        if (best === undefined || count(holds) > count(best.holds)) best = { holds, toServer }
      }
    }
    if (best === undefined) return undefined
    const { holds, toServer } = best
    const parts = PARTS.filter((_, i) => !holds[i])
    const seen = this.#seen(record, toServer)
    const texts = parts.map((part) => {
      const i = PARTS.indexOf(part)
      return `${part} ${seen[i]} is not in ${this.#wanted(i)}`
    })
    return { parts, text: texts.join('; ') }
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
