/** Counts retransmitted SYNs per server: the example of the mOS paper. Usage: syn-retransmit CAPTURE */
import { createStack, defineEvent, ON_REXMIT, openCapture, SVR } from '@weir/stack'

const stack = createStack()
const socket = stack.monitorStream()
const counts = new Map<string, number>()

const ON_SYN_REXMIT = defineEvent(ON_REXMIT, (flow, { syn, side }) =>
  syn && side === SVR ? flow.address(SVR) : undefined,
)
socket.on(ON_SYN_REXMIT, (_flow, server) => counts.set(server, (counts.get(server) ?? 0) + 1))

await openCapture(process.argv[2] ?? '-').run(stack)
stack.finish()
for (const [server, count] of counts) console.log(`${server} ${count}`)
