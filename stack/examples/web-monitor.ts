/**
 * Counts ongoing web connections, each second of trace time: the web monitor of the mOS paper's figure 2, in its two modes.
 * Usage: web-monitor CAPTURE [packets]
 *
 * By default the stack manages the connections, but reassembles nothing: no handler asks for data. With `packets` it
 * manages nothing: a raw socket sees packets, and the program guesses from their flags.
 */
import {
  createStack,
  ON_CONN_END,
  ON_CONN_START,
  ON_PKT_IN,
  openCapture,
  type Packet,
  TCP_FLAG,
} from '@weir/stack'

const { SYN, ACK, FIN, RST } = TCP_FLAG
const [capture = '-', mode = 'flows'] = process.argv.slice(2)
const stack = createStack()
const count = { opened: 0, closed: 0 }

if (mode === 'packets') {
  // A connection's two FINs make one end; an RST makes the whole of one.
  const judge = ({ tcpFlags: flags }: Packet): void => {
    if ((flags & (SYN | ACK)) === SYN) count.opened++
    if (flags & RST) count.closed++
    else if (flags & FIN) count.closed += 0.5
  }
  stack.monitorRaw({ filter: 'tcp port 80' }).on(ON_PKT_IN, judge)
} else {
  const web = stack.monitorStream({ filter: 'tcp port 80' })
  web.on(ON_CONN_START, () => count.opened++)
  web.on(ON_CONN_END, () => count.closed++)
}

let start = 0
function report(): void {
  start ||= stack.now
  const elapsed = stack.now - start
  const { opened, closed } = count
  console.log(
    `${(elapsed / 1e6).toFixed(1)} s: ${opened - closed} ongoing, ${opened} opened, ${closed} closed`,
  )
  stack.setTimer(1e6 - (elapsed % 1e6), report)
}
// Trace time begins with the first packet: this timer comes up then.
stack.setTimer(0, report)

await openCapture(capture).run(stack)
report()
stack.finish()
