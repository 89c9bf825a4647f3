/** Writes down everything a stack says about some packets, one line per event, for tests to compare. */

import { feed, type TestPacket } from '../../../test/support/conversation.js'
import {
  CLI,
  createStack,
  type Flow,
  ON_CONN_END,
  ON_CONN_START,
  ON_GAP,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_PKT_IN,
  ON_REXMIT,
  ON_TCP_STATE_CHANGE,
  PRE_TCP,
  type Side,
  type Stack,
  type StackOptionsInput,
  SVR,
  TCP_STATE_NAME,
} from '../../src/index.js'

const sideName = (side: Side): string => (side === CLI ? 'client' : 'server')

export interface Recording {
  readonly stack: Stack
  readonly lines: string[]
}

/** A stack that writes its events down; `packets` says whether ON_PKT_IN as well. */
export function recorder(options: StackOptionsInput = {}, packets = false): Recording {
  const stack = createStack({ seed: 1, maxFlows: 1000, ...options })
  const socket = stack.monitorStream()
  const lines: string[] = []
  const states = (flow: Flow): string =>
    `${TCP_STATE_NAME[flow.state(CLI)]}/${TCP_STATE_NAME[flow.state(SVR)]}`
  if (packets) {
    socket.on(ON_PKT_IN, PRE_TCP, (flow) => lines.push(`pre ${sideName(flow.packetSide)} ${states(flow)}`))
    socket.on(ON_PKT_IN, (flow) => lines.push(`post ${sideName(flow.packetSide)} ${states(flow)}`))
  }
  socket.on(ON_CONN_START, (flow) => lines.push(`start ${flow.port(CLI)}>${flow.port(SVR)}`))
  socket.on(ON_TCP_STATE_CHANGE, (_flow, { side, from, to }) =>
    lines.push(`${sideName(side)} ${TCP_STATE_NAME[from]} > ${TCP_STATE_NAME[to]}`),
  )
  socket.on(ON_REXMIT, (_flow, r) =>
    lines.push(
      `rexmit to ${sideName(r.side)} at ${r.offset}${r.syn ? ' SYN' : ''}${r.fin ? ' FIN' : ''} +${r.length}`,
    ),
  )
  socket.on(ON_NEW_DATA, (_flow, d) =>
    lines.push(
      `data to ${sideName(d.side)} at ${d.offset}: ${Buffer.from(d.bytes.subarray(d.start, d.end)).toString('latin1')}`,
    ),
  )
  socket.on(ON_GAP, (_flow, g) => lines.push(`gap to ${sideName(g.side)} at ${g.offset} +${g.length}`))
  socket.on(ON_CONN_END, (_flow, { reason }) => lines.push(`end ${reason}`))
  socket.on(ON_ORPHAN, () => lines.push('orphan'))
  return { stack, lines }
}

/** All events of `packets`; `finish` ends the input. */
export function record(
  packets: readonly TestPacket[],
  options: StackOptionsInput = {},
  { finish = true, hooks = false }: { readonly finish?: boolean; readonly hooks?: boolean } = {},
): string[] {
  const { stack, lines } = recorder(options, hooks)
  feed(stack, packets)
  if (finish) stack.finish()
  return lines
}
