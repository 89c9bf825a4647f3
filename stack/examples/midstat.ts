/** netstat for a middlebox: each second of trace time, the TCP connections and the state of both ends. Usage: midstat CAPTURE */
import {
  CLI,
  createStack,
  type Flow,
  IP_PROTOCOL,
  ON_CONN_END,
  ON_CONN_START,
  ON_TCP_STATE_CHANGE,
  openCapture,
  type Side,
  SVR,
  TCP_STATE_NAME,
} from '@weir/stack'

interface Connection {
  readonly ends: readonly [client: string, server: string]
  readonly states: [client: string, server: string]
}

const stack = createStack()
const socket = stack.monitorStream<Connection>()
const connections = new Set<Connection>()
const end = (flow: Flow, side: Side): string => `${flow.address(side)}:${flow.port(side)}`

socket.on(ON_CONN_START, (flow) => {
  if (flow.protocol !== IP_PROTOCOL.TCP) return flow.stop()
  flow.uctx = { ends: [end(flow, CLI), end(flow, SVR)], states: ['CLOSED', 'LISTEN'] }
  connections.add(flow.uctx)
})
socket.on(ON_TCP_STATE_CHANGE, (flow, { side, to }) => {
  if (flow.uctx !== undefined) flow.uctx.states[side] = TCP_STATE_NAME[to]!
})
socket.on(ON_CONN_END, (flow) => {
  if (flow.uctx !== undefined) connections.delete(flow.uctx)
})

const WIDTHS = [24, 24, 14, 0]
const row = (...cells: readonly string[]): void =>
  console.log(cells.map((cell, i) => cell.padEnd(WIDTHS[i]!)).join(''))

function report(): void {
  console.log(`\n${new Date(stack.now / 1000).toISOString()}: ${connections.size} connections`)
  if (connections.size > 0) row('Client', 'Server', 'Client state', 'Server state')
  for (const { ends, states } of connections) row(...ends, ...states)
  stack.setTimer(1_000_000, report)
}
stack.setTimer(0, report)

await openCapture(process.argv[2] ?? '-').run(stack)
report()
stack.finish()
