/**
 * Source NAT between two interfaces: what comes from inside goes on with the outside address and a port of its own there;
 * what comes back finds its way by that port. IPv4, TCP and UDP. Usage: nat ADDRESS INSIDE OUTSIDE
 */
import {
  createStack,
  DESTINATION,
  IP_PROTOCOL,
  ON_CONN_END,
  ON_CONN_START,
  ON_ORPHAN,
  ON_PKT_IN,
  once,
  openInline,
  type Packet,
  PRE_TCP,
  parseAddress,
  SOURCE,
  type Stack,
} from '@weir/stack'

const { TCP, UDP } = IP_PROTOCOL
const INSIDE = 0
/** Microseconds a port stays reserved when its flow is over: 2 MSL, so that late packets do not meet a new flow. */
const LINGER = 240e6

interface Mapping {
  readonly protocol: number
  readonly inside: Uint8Array
  readonly insidePort: number
  readonly port: number
}

/** Makes `stack` translate, with ports from `firstPort` on. */
export function translate(stack: Stack, address: string, firstPort = 1024): void {
  const outside = parseAddress(address)
  const free = Array.from({ length: 65_536 - firstPort }, (_, i) => firstPort + i)
  const byPort = new Map<number, Mapping>()
  const fromInside = (packet: Packet): boolean => packet.interfaceIndex === INSIDE

  // A raw socket comes before the look-up of flows: to the stack, both directions have the inside address.
  stack.monitorRaw().on(ON_PKT_IN, (packet) => {
    const { protocol, ipVersion, isFragment } = packet
    if (ipVersion !== 4 || isFragment || (protocol !== TCP && protocol !== UDP)) return void packet.drop()
    if (fromInside(packet)) return
    const mapping = byPort.get(packet.destinationPort)
    if (mapping?.protocol !== protocol || packet.address(DESTINATION) !== address) return void packet.drop()
    packet.setAddress(DESTINATION, mapping.inside)
    packet.setPort(DESTINATION, mapping.insidePort)
  })

  const socket = stack.monitorStream<Mapping>()
  // Only the inside opens flows, also by a port that is in use.
  socket.on(once(ON_PKT_IN), PRE_TCP, (_flow, packet) => {
    if (!fromInside(packet)) packet.drop()
  })
  socket.on(ON_CONN_START, (flow, packet) => {
    const port = free.shift()
    if (port === undefined) return void packet.drop()
    const { protocol, sourcePort: insidePort } = packet
    flow.uctx = { protocol, inside: parseAddress(packet.address(SOURCE)), insidePort, port }
    byPort.set(port, flow.uctx)
  })
  socket.on(ON_PKT_IN, (flow, packet) => {
    if (!fromInside(packet)) return
    if (flow.uctx === undefined) return void packet.drop()
    packet.setAddress(SOURCE, outside)
    packet.setPort(SOURCE, flow.uctx.port)
  })
  socket.on(ON_ORPHAN, (packet) => void packet.drop())
  socket.on(ON_CONN_END, (flow) => {
    const port = flow.uctx?.port
    if (port === undefined) return
    stack.setTimer(LINGER, () => {
      byPort.delete(port)
      free.push(port)
    })
  })
}

const [address, ...interfaces] = process.argv.slice(2)
if (address !== undefined && interfaces.length === 2) {
  const stack = createStack({ checksums: 'verify' })
  translate(stack, address)
  await openInline({ interfaces: interfaces as [string, string] }).run(stack)
}
