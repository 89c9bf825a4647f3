/**
 * `weir flows`: the flows of captures, one line each, in the order in which they end. A client of the stack alone.
 */
import {
  CLI,
  type ConnEndReason,
  createStack,
  type Flow,
  ON_CONN_END,
  type Side,
  SVR,
  TCP_STATE_NAME,
} from '@weir/stack'
import { flowId } from '../output/flow-id.js'
import { BufferedWriter } from '../output/index.js'
import { eveProtocol, hasPorts, isIcmp, PROTOCOL } from '../output/text.js'
import { IsoTimestamps } from '../output/timestamp.js'
import type { CommandCall } from './commands.js'
import { EXIT, type ExitCode, usageError } from './errors.js'
import { readInputs } from './inputs.js'
import { say } from './io.js'
import { plural } from './numbers.js'
import { Progress } from './progress.js'
import { inputSettings } from './run-settings.js'
import { wrongChecksums } from './run-totals.js'
import { StopSwitch } from './stop-switch.js'
import { checksumLine } from './summary.js'

interface FlowRow {
  readonly flow_id: number
  readonly proto: string
  readonly vlan: number | undefined
  readonly client_addr: string
  readonly client_port: number | undefined
  readonly server_addr: string
  readonly server_port: number | undefined
  readonly icmp_type: number | undefined
  readonly icmp_code: number | undefined
  readonly client_state: string | undefined
  readonly server_state: string | undefined
  readonly client_pkts: number
  readonly server_pkts: number
  readonly client_bytes: number
  readonly server_bytes: number
  readonly start: string
  /** Seconds. */
  readonly duration: number
  readonly midstream: boolean
  readonly end: ConnEndReason
}

const MICROSECONDS = 1e6

const flowRow = (flow: Flow, reason: ConnEndReason, times: IsoTimestamps): FlowRow => {
  const { protocol, startTime } = flow
  const tcp = protocol === PROTOCOL.TCP
  const seconds = Math.floor(startTime / MICROSECONDS)
  const port = (side: Side): number | undefined => (hasPorts(protocol) ? flow.port(side) : undefined)
  return {
    flow_id: flowId({
      protocol,
      vlan: flow.vlan,
      client: flow.address(CLI),
      clientPort: flow.port(CLI),
      server: flow.address(SVR),
      serverPort: flow.port(SVR),
      start: startTime,
    }),
    proto: eveProtocol(protocol),
    vlan: flow.vlan < 0 ? undefined : flow.vlan,
    client_addr: flow.address(CLI),
    client_port: port(CLI),
    server_addr: flow.address(SVR),
    server_port: port(SVR),
    icmp_type: isIcmp(protocol) ? flow.port(CLI) : undefined,
    icmp_code: isIcmp(protocol) ? flow.port(SVR) : undefined,
    client_state: tcp ? TCP_STATE_NAME[flow.state(CLI)] : undefined,
    server_state: tcp ? TCP_STATE_NAME[flow.state(SVR)] : undefined,
    client_pkts: flow.packets(CLI),
    server_pkts: flow.packets(SVR),
    client_bytes: flow.bytes(CLI),
    server_bytes: flow.bytes(SVR),
    start: times.format(seconds, (startTime - seconds * MICROSECONDS) * 1000),
    duration: Math.max(0, flow.lastTime - startTime) / MICROSECONDS,
    midstream: tcp && flow.midstream,
    end: reason,
  }
}

/** Columns of the table; a negative width aligns to the left. */
const COLUMNS: readonly (readonly [head: string, width: number, cell: (row: FlowRow) => string])[] = [
  ['proto', -5, (row) => row.proto],
  ['client', -22, (row) => endpoint(row.client_addr, row.client_port)],
  ['server', -22, (row) => endpoint(row.server_addr, row.server_port)],
  ['state', -11, stateText],
  ['packets', 8, (row) => String(row.client_pkts)],
  ['back', 8, (row) => String(row.server_pkts)],
  ['bytes', 10, (row) => String(row.client_bytes)],
  ['back', 10, (row) => String(row.server_bytes)],
  ['start', -31, (row) => row.start],
  ['seconds', 13, (row) => row.duration.toFixed(6)],
  ['end', 0, (row) => row.end],
]

const endpoint = (address: string, port: number | undefined): string => {
  if (port === undefined) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function stateText(row: FlowRow): string {
  const { client_state, server_state } = row
  if (client_state === undefined) return '-'
  return client_state === server_state ? client_state : `${client_state}/${server_state}`
}

const tableLine = (cells: readonly string[]): string => {
  const parts = cells.map((cell, index) => {
    const width = COLUMNS[index]![1]
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width)
  })
  return `${parts.join(' ').trimEnd()}\n`
}

export const runFlows = async ({ io, flags }: CommandCall): Promise<ExitCode> => {
  if (flags.read.length === 0) throw usageError('nothing to read: give -r FILE')
  const stack = createStack({ checksums: flags.checksums ?? 'verify', midstream: true })
  const stop = new StopSwitch(io)
  const writer = new BufferedWriter(io.stdout, () => stop.stop())
  const progress = new Progress(io, flags.quiet)
  const times = new IsoTimestamps(flags.utc)
  let flows = 0
  const socket = stack.monitorStream({ reassemble: { client: false, server: false } })
  socket.on(ON_CONN_END, (flow, { reason }) => {
    flows += 1
    const row = flowRow(flow, reason, times)
    writer.write(flags.json ? `${JSON.stringify(row)}\n` : tableLine(COLUMNS.map(([, , cell]) => cell(row))))
  })
  if (!flags.json) writer.write(tableLine(COLUMNS.map(([head]) => head)))
  try {
    const intact = await readInputs(inputSettings(flags), stack, {
      signal: stop.signal,
      onProgress: (read, total) => progress.update(read, total, stack.counters.packets),
      onError: (error) => {
        progress.clear()
        say(io, `weir: ${error.message}`)
      },
    })
    stack.finish()
    writer.flush()
    progress.clear()
    if (!flags.quiet) {
      const { packets, decode } = stack.counters
      say(io, `${plural(flows, 'flow')} in ${plural(packets, 'packet')}`)
      const checksumErrors = wrongChecksums(decode)
      if (checksumErrors > 0) say(io, checksumLine({ checksumErrors, packets }))
    }
    return intact ? EXIT.DONE : EXIT.FAILURE
  } finally {
    progress.clear()
    stop.release()
  }
}
