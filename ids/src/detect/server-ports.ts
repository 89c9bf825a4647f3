/**
 * The ports by which rules know servers.
 *
 * In: parsed rules. Out: a table for the stack (`RoleHints.serverPorts`), which tells by it who is the server of a
 * connection whose handshake was not seen; and one for datagrams, whose client is who was seen to send first. Called once
 * per rule set.
 */
import { KNOWN_PORT } from '@weir/stack'
import type { PortSet, Rule } from '../rules/model.js'

const PORTS = 65_536
/** A port in a range that is named as a whole. */
const IN_RANGE = 1
/** Longer ranges say as much about clients as about servers. */
const LONGEST_RANGE = 1536
/** Shorter ones are lists. */
const SHORT_RANGE = 16

/** Ports above 1023 on which services wait that have none below. */
const SERVICE_PORTS: Readonly<Record<string, readonly number[]>> = {
  http: [8000, 8008, 8080, 8888],
  sip: [5060, 5061],
  irc: [6667],
  mysql: [3306],
  tns: [1521],
  mssql: [1433],
  rdp: [3389],
  vnc: [5900],
  postgresql: [5432],
  dnp3: [20_000],
  iec104: [2404],
}

export type FlowDirection = 'to_server' | 'to_client' | undefined

function flowDirection({ options }: Rule): FlowDirection {
  const flow = options.find((option) => option.kind === 'flow')
  return flow?.kind === 'flow' ? flow.direction : undefined
}

/**
 * Indexed by port; see `RoleHints.serverPorts`.
 * @param directionOf what is known of a rule's direction: rules from the start-up cache would be unpacked to see it
 */
export function serverPortsOf(
  rules: readonly Rule[],
  protocol: 'tcp' | 'udp',
  directionOf: (rule: Rule, index: number) => FlowDirection = flowDirection,
): Uint8Array {
  const ranks = new Uint8Array(PORTS)
  const seen = new Set<PortSet>()
  const services = new Set<string>()
  const name = (set: PortSet, most: number): void => {
    if (set.any || (most === KNOWN_PORT && seen.has(set))) return
    if (most === KNOWN_PORT) seen.add(set)
    for (const [low, high] of set.ranges) {
      if (high - low >= LONGEST_RANGE) return
    }
    for (const [low, high] of set.ranges) {
      const rank = high - low < SHORT_RANGE ? most : IN_RANGE
      for (let port = low; port <= high; port++) if (ranks[port]! < rank) ranks[port] = rank
    }
  }
  for (const [index, rule] of rules.entries()) {
    const { header, services: named } = rule
    if (header.protocol !== protocol) continue
    for (const service of named) services.add(service)
    const { sourcePorts, destinationPorts } = header
    const direction = directionOf(rule, index)
    if (direction === 'to_server') name(destinationPorts, KNOWN_PORT)
    else if (direction === 'to_client') name(sourcePorts, KNOWN_PORT)
    // Without a direction: the end that is held to ports, if the other is not.
    else if (sourcePorts.any) name(destinationPorts, IN_RANGE)
    else if (destinationPorts.any) name(sourcePorts, IN_RANGE)
  }
  for (const service of services) for (const port of SERVICE_PORTS[service] ?? []) ranks[port] = KNOWN_PORT
  return ranks
}
