/** Prints every connection when it ends: both ends, how it ended, bytes each side received. Usage: connections CAPTURE */
import { CLI, createStack, ON_CONN_END, ON_GAP, ON_NEW_DATA, openCapture, type Side, SVR } from '@weir/stack'

interface Received {
  readonly bytes: [client: number, server: number]
  missing: number
}

const stack = createStack({ midstream: true })
const socket = stack.monitorStream<Received>()

socket.on(ON_NEW_DATA, (flow, { side, start, end }) => {
  flow.uctx ??= { bytes: [0, 0], missing: 0 }
  flow.uctx.bytes[side] += end - start
})
socket.on(ON_GAP, (flow, { length }) => {
  flow.uctx ??= { bytes: [0, 0], missing: 0 }
  flow.uctx.missing += length
})
socket.on(ON_CONN_END, (flow, { reason }) => {
  const end = (side: Side): string => `${flow.address(side)}:${flow.port(side)}`
  const { bytes, missing } = flow.uctx ?? { bytes: [0, 0], missing: 0 }
  const seconds = ((flow.lastTime - flow.startTime) / 1e6).toFixed(3)
  console.log(
    `${end(CLI)} > ${end(SVR)} proto ${flow.protocol} ${reason} after ${seconds} s,`,
    `${bytes[SVR]} bytes up, ${bytes[CLI]} bytes down, ${missing} missing`,
  )
})

await openCapture(process.argv[2] ?? '-').run(stack)
stack.finish()
