// A worker's module for tests: says everything that happens to flows. `data.fail` makes it go wrong in one worker.
import * as weir from '@weir/stack'

const { CLI, SVR } = weir

export const work = (worker) => {
  const { stack, data, index } = worker
  const fail = data?.fail
  if (fail?.when === 'work' && fail.worker === index) throw new Error('no work today')
  const name = (flow) =>
    `${flow.protocol} ${flow.address(CLI)}:${flow.port(CLI)} ${flow.address(SVR)}:${flow.port(SVR)} ${flow.vlan}`
  const emit = (flow, what) => worker.emit({ packet: stack.packet.number, flow: name(flow), what })
  const socket = stack.monitorStream()
  socket.on(weir.ON_CONN_START, (flow) => emit(flow, 'start'))
  socket.on(weir.ON_PKT_IN, weir.PRE_TCP, (flow, packet) => {
    if (fail?.worker === index && flow.packets(CLI) > 3) {
      if (fail.when === 'packet') throw new RangeError('cannot count beyond three')
      if (fail.when === 'exit') process.exit(7)
      if (fail.when === 'odd') throw 'just a text'
    }
    emit(flow, `packet ${packet.payloadLength}`)
  })
  socket.on(weir.ON_NEW_DATA, (flow, { side, offset, bytes, start, end }) => {
    emit(flow, `data ${side} ${offset} ${Buffer.from(bytes.subarray(start, end)).toString('hex')}`)
    if (offset === 0) flow.setTimer(100_000, (same) => emit(same, 'timer'))
  })
  socket.on(weir.ON_GAP, (flow, { side, offset, length }) => emit(flow, `gap ${side} ${offset} ${length}`))
  socket.on(weir.ON_DATAGRAM, (flow, { start, end }) => emit(flow, `datagram ${end - start}`))
  socket.on(weir.ON_TCP_STATE_CHANGE, (flow, { side, from, to }) => emit(flow, `state ${side} ${from} ${to}`))
  socket.on(weir.ON_REXMIT, (flow, { side, length }) => emit(flow, `again ${side} ${length}`))
  socket.on(weir.ON_CONN_END, (flow, { reason }) => emit(flow, `end ${reason}`))
  socket.on(weir.ON_ORPHAN, (packet) => worker.emit({ packet: packet.number, flow: '', what: 'orphan' }))
  socket.on(weir.ON_FRAGMENT, (packet) => worker.emit({ packet: packet.number, flow: '', what: 'fragment' }))
  if (data?.greet) worker.post(`hello from ${index} of ${worker.count}`)
  return {
    finish: () => {
      if (fail?.when === 'finish' && fail.worker === index) throw new Error('cannot finish')
      return stack.counters.flows
    },
  }
}
