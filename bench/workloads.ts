/**
 * mOS's workloads on this stack: the traffic shapes that were measured with mOS's own core, in memory, on one core.
 *
 * Every line is a process of its own that runs its workload once to get warm and then once measured: CPU time (user and
 * system, all threads) spent between the first frame handed over and the last, making the frames not included. Lines are
 * interleaved over the rounds; the table has their medians. Run by people: `npm run bench:workloads -- [--rounds N]
 * [--only TEXT]`.
 *
 * The figures for mOS are from its core (plain C, -O3, one thread, null I/O), measured on another machine of this class;
 * it always verifies checksums. Figure 2 of its paper has 14 cores at work, so its lines stand without one.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  createStack,
  LINK_TYPE,
  ON_CONN_END,
  ON_CONN_START,
  ON_NEW_DATA,
  ON_PKT_IN,
  type Stack,
  TCP_FLAG,
} from '@weir/stack'
import { median } from './measure.js'
import { type Chunk, type Shape, ShapeMaker } from './shapes.js'

// ---- What the application does ----------------------------------------------------------------------------------

/** Registers the handlers of a line. @returns what it has seen, to be checked */
type Application = (stack: Stack) => () => number

const starts =
  (retain = 0): Application =>
  (stack) => {
    const socket = stack.monitorStream({ retain: { client: retain, server: retain } })
    let open = 0
    socket.on(ON_CONN_START, () => {
      open++
    })
    socket.on(ON_CONN_END, () => {
      open--
    })
    return () => open
  }

const looks: Application = (stack) => {
  let bytes = 0
  stack.monitorStream().on(ON_NEW_DATA, (_flow, { start, end }) => {
    bytes += end - start
  })
  return () => bytes
}

const copies: Application = (stack) => {
  let bytes = 0
  const own = new Uint8Array(1 << 16)
  stack.monitorStream().on(ON_NEW_DATA, (_flow, data) => {
    own.set(data.bytes.subarray(data.start, data.end))
    bytes += data.end - data.start
  })
  return () => bytes
}

const peeks: Application = (stack) => {
  let bytes = 0
  const socket = stack.monitorStream({ retain: { client: 8192, server: 8192 } })
  socket.on(ON_NEW_DATA, (flow, { side }) => {
    bytes += flow.side(side).peek()?.length ?? 0
  })
  return () => bytes
}

/** Figure 2 without TCP management: packets alone. */
const countsPackets: Application = (stack) => {
  let open = 0
  stack.monitorRaw().on(ON_PKT_IN, (packet) => {
    if ((packet.tcpFlags & TCP_FLAG.SYN) !== 0) open++
    else if ((packet.tcpFlags & TCP_FLAG.FIN) !== 0) open--
  })
  return () => open
}

// ---- Lines ------------------------------------------------------------------------------------------------------

interface Line {
  readonly name: string
  readonly shape: Shape
  readonly application: Application
  readonly checksums?: 'verify'
  /** Million packets per second that mOS's core does. */
  readonly mos?: string
  /** Data alone is measured: not the handshakes and closes. */
  readonly steady?: boolean
}

const one = (flows: number, segments: number, payload: number): Shape => {
  return { flows, segments, payload, request: 0, acks: false, first: 0 }
}
/** 66 and 26 packets a flow. */
const large = one(5000, 59, 1400)
const small = one(20_000, 19, 64)
const web = (page: number): Shape => {
  const payload = Math.min(page, 1448)
  const segments = Math.ceil(page / payload)
  return { flows: 1000, segments, payload, request: 150, acks: true, first: 0 }
}

const shapes = [
  ['5,000 x 1,400 B', large, '4.9-5.2', '0.71-0.78'],
  ['20,000 x 64 B', small, '3.8-4.0', '1.9-2.0'],
] as const
const LINES: readonly Line[] = [
  ...shapes.flatMap(([name, shape, off, data]): Line[] => [
    { name: `${name}, flows alone`, shape, application: starts() },
    { name: `${name}, flows alone, checksums`, shape, application: starts(), checksums: 'verify', mos: off },
    { name: `${name}, buffers of 8 KiB, nobody reads`, shape, application: starts(8192) },
    { name: `${name}, ON_NEW_DATA, a look`, shape, application: looks },
    { name: `${name}, ON_NEW_DATA, a copy`, shape, application: copies },
    {
      name: `${name}, ON_NEW_DATA, a copy, checksums`,
      shape,
      application: copies,
      checksums: 'verify',
      mos: data,
    },
    { name: `${name}, ON_NEW_DATA, 8 KiB kept, peek`, shape, application: peeks },
  ]),
  ...[64, 1024, 8192, 65_536].flatMap((page): Line[] => [
    { name: `figure 2: pages of ${page} B, packets`, shape: web(page), application: countsPackets },
    { name: `figure 2: pages of ${page} B, flows`, shape: web(page), application: starts() },
  ]),
  { name: '1,000 flows at once, ON_NEW_DATA', shape: one(1000, 2000, 64), application: looks, steady: true },
  {
    name: '1,000,000 flows at once, ON_NEW_DATA',
    shape: one(1_000_000, 2, 64),
    application: looks,
    steady: true,
  },
  {
    name: '1,000 flows at once, flows alone',
    shape: one(1000, 2000, 64),
    application: starts(),
    steady: true,
  },
  {
    name: '1,000,000 flows at once, flows alone',
    shape: one(1_000_000, 2, 64),
    application: starts(),
    steady: true,
  },
]

// ---- Measuring --------------------------------------------------------------------------------------------------

interface Result {
  readonly seconds: number
  readonly packets: number
  /** Of the frames, without what Ethernet adds on the wire. */
  readonly bytes: number
}

function feed(stack: Stack, { bytes, index, frames }: Chunk): void {
  for (let i = 0; i < frames; i++) {
    const length = index[4 * i + 1]!
    stack.frame(
      bytes,
      index[4 * i]!,
      length,
      length,
      index[4 * i + 2]!,
      index[4 * i + 3]!,
      LINK_TYPE.ETHERNET,
      0,
    )
  }
}

/** Shorter runs are repeated on other flows until as many packets have been measured. */
const MIN_PACKETS = 2_000_000

function run(line: Line): Result {
  const stack = createStack({
    seed: 1,
    maxFlows: Math.max(1_048_576, line.shape.flows + 1),
    ...(line.checksums === undefined ? {} : { checksums: line.checksums }),
  })
  const seen = line.application(stack)
  let micros = 0
  let packets = 0
  let bytes = 0
  let measuring = false
  const maker = new ShapeMaker((chunk) => {
    if (!measuring) {
      feed(stack, chunk)
      return
    }
    const before = process.cpuUsage()
    feed(stack, chunk)
    const { user, system } = process.cpuUsage(before)
    micros += user + system
    packets += chunk.frames
    for (let i = 0; i < chunk.frames; i++) bytes += chunk.index[4 * i + 1]!
  })
  const once = (shape: Shape, measured: boolean): void => {
    measuring = measured && line.steady !== true
    maker.handshakes(shape)
    if (line.steady === true) {
      // What memory costs is measured, not the first touch of each flow.
      maker.data(shape, 0, 1)
      maker.flush()
      measuring = measured
    }
    maker.data(shape, line.steady === true ? 1 : 0)
    if (line.steady === true) maker.flush()
    measuring = measured && line.steady !== true
    maker.closes(shape)
    maker.flush()
  }
  const warm = Math.min(line.shape.flows, 20_000)
  once(
    { ...line.shape, flows: warm, segments: Math.max(line.shape.segments, Math.ceil(200_000 / warm)) },
    false,
  )
  let first = line.shape.flows
  do {
    once({ ...line.shape, first }, true)
    first += line.shape.flows
  } while (packets < MIN_PACKETS && line.steady !== true)
  stack.finish()
  const { gaps, orphans, outOfOrder, evictions, endedFin, tcpFlows } = stack.counters
  const lost = gaps + orphans + outOfOrder + evictions
  if (line.application !== countsPackets && (lost !== 0 || endedFin !== tcpFlows)) {
    throw new Error(`${line.name}: not all went as it should: ${JSON.stringify(stack.counters)}`)
  }
  const reads = line.application === looks || line.application === copies || line.application === peeks
  if (seen() !== (reads ? maker.payloadBytes : 0)) throw new Error(`${line.name}: saw ${seen()}`)
  return { seconds: micros / 1e6, packets, bytes }
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    /** Runs one line, prints its result. */
    once: { type: 'string' },
  },
})

function spawn(line: Line): Result {
  const argv = [fileURLToPath(import.meta.url), '--once', line.name]
  const child = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  if (child.status !== 0) throw new Error(`${line.name} failed: ${child.stderr}`)
  return JSON.parse(child.stdout) as Result
}

function table(lines: readonly Line[]): void {
  const rates = new Map<string, number[]>(lines.map(({ name }) => [name, []]))
  const sizes = new Map<string, number>()
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const line of lines) {
      const { seconds, packets, bytes } = spawn(line)
      rates.get(line.name)!.push(packets / seconds / 1e6)
      sizes.set(line.name, bytes / packets)
    }
  }
  const rate = (name: string): number | undefined => {
    const all = rates.get(name)
    return all === undefined ? undefined : median(all)
  }
  console.log(`${'workload'.padEnd(52)} Mpkt/s  Gbit/s  ns/pkt  mOS Mpkt/s`)
  for (const { name, mos } of lines) {
    const mpps = rate(name)!
    const gbits = (mpps * sizes.get(name)! * 8) / 1000
    const columns = [
      name.padEnd(52),
      mpps.toFixed(2).padStart(6),
      gbits.toFixed(1).padStart(7),
      (1000 / mpps).toFixed(0).padStart(7),
      `  ${mos ?? ''}`,
    ]
    console.log(columns.join(' ').trimEnd())
  }
  for (const what of ['ON_NEW_DATA', 'flows alone']) {
    const many = rate(`1,000,000 flows at once, ${what}`)
    const few = rate(`1,000 flows at once, ${what}`)
    if (many !== undefined && few !== undefined) {
      console.log(`1,000,000 flows against 1,000, ${what}: ${((100 * many) / few).toFixed(0)} %`)
    }
  }
}

if (values.once === undefined) table(LINES.filter(({ name }) => name.includes(values.only)))
else {
  const line = LINES.find(({ name }) => name === values.once)
  if (line === undefined) throw new Error(`no such line: ${values.once}`)
  console.log(JSON.stringify(run(line)))
}
