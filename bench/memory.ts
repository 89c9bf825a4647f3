/**
 * Memory per connection: opens a million TCP connections at once, with data in both directions, and shows what the
 * process has grown by. Fails when anything was lost. Run by people: `npm run bench:memory -- [--connections N]`.
 */
import { parseArgs } from 'node:util'
import { createStack, ON_CONN_END, ON_NEW_DATA } from '@weir/stack'
import { generate } from './generate.js'

const LIMIT_BYTES = 600

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '2' },
  },
})
const connections = Number(values.connections)
const rounds = Number(values.rounds)
const payload = 64

const stack = createStack({ seed: 1, maxFlows: Math.max(connections, 1_048_576) })
const socket = stack.monitorStream()
let bytes = 0
let ended = 0
socket.on(ON_NEW_DATA, (_flow, data) => {
  bytes += data.end - data.start
})
socket.on(ON_CONN_END, (_flow, { reason }) => {
  if (reason === 'fin') ended++
})

// A few connections first, so that start-up and compiled code are not counted.
generate(stack, { connections: 2000, rounds, payload, close: true, seed: 99, rate: 1e5 })
stack.idle(1_700_001_000, 0)
bytes = 0
ended = 0

const before = process.memoryUsage().rss
let grown = 0
let live = 0
generate(stack, { connections, rounds, payload, close: true }, () => {
  grown = process.memoryUsage().rss - before
  live = stack.counters.liveFlows
})
stack.finish()

const expected = connections * rounds * payload * 2
console.log(`connections open at once   ${live}`)
console.log(`resident memory            ${(grown / 1e6).toFixed(1)} MB more than at start`)
console.log(`per connection             ${(grown / connections).toFixed(0)} bytes (limit ${LIMIT_BYTES})`)
console.log(`payload delivered          ${bytes} of ${expected} bytes, ${stack.counters.gaps} gaps`)
console.log(`connections closed         ${ended}, evicted ${stack.counters.evictions}`)
const lost = live !== connections || bytes !== expected || ended !== connections
if (lost || grown / connections > LIMIT_BYTES) process.exit(1)
