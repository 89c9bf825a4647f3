/**
 * Two workers against one: the shapes of bench/workloads.ts, shared out among the threads of a pool, in memory.
 *
 * Every thread walks all frames and keeps its own flows, so that what is done per frame before it is known whose it is
 * (a look at its addresses) is done twice. Quoted are the wall time from the first thread's start to the last one's end,
 * and, since a busy machine has no second core to give, the CPU time of the busiest thread: what the wall time would be
 * with a core for each. Run by people: `npm run bench:workers -- [--rounds N] [--workers N]`.
 */
import { parseArgs } from 'node:util'
import { createWorkerPool } from '@weir/stack'
import { median } from './measure.js'
import type { PoolData, PoolTimes } from './pool-work.js'
import { type Chunk, type Shape, ShapeMaker } from './shapes.js'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, workers: { type: 'string', default: '2' } },
})
const most = Number(values.workers)

/** All frames of a shape, in memory that threads share. */
function framesOf(shape: Shape): Pick<PoolData, 'bytes' | 'index' | 'frames'> {
  const chunks: { bytes: Uint8Array; index: Int32Array }[] = []
  const maker = new ShapeMaker(({ bytes, index, frames }: Chunk) => {
    const last = 4 * (frames - 1)
    const length = index[last]! + index[last + 1]!
    chunks.push({ bytes: bytes.slice(0, length), index: index.slice(0, 4 * frames) })
  })
  maker.handshakes(shape)
  maker.data(shape)
  maker.closes(shape)
  maker.flush()
  const bytes = new SharedArrayBuffer(chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0))
  const index = new SharedArrayBuffer(16 * maker.frames)
  let at = 0
  let frame = 0
  for (const chunk of chunks) {
    new Uint8Array(bytes).set(chunk.bytes, at)
    const words = new Int32Array(index)
    chunk.index.forEach((word, i) => {
      words[frame + i] = (i & 3) === 0 ? word + at : word
    })
    at += chunk.bytes.length
    frame += chunk.index.length
  }
  return { bytes, index, frames: maker.frames }
}

interface Times {
  readonly wall: number
  readonly busiest: number
  readonly all: number
}

async function measure(workers: number, data: PoolData, checksums: 'verify' | 'ignore'): Promise<Times> {
  const pool = createWorkerPool<never, PoolTimes>({
    workers,
    module: new URL('./pool-work.js', import.meta.url),
    data,
    stack: { checksums, seed: 1 },
  })
  const { results } = await pool.run()
  const wall = Math.max(...results.map(({ end }) => end)) - Math.min(...results.map(({ start }) => start))
  const cpus = results.map(({ cpu }) => cpu)
  return { wall: wall / 1000, busiest: Math.max(...cpus), all: cpus.reduce((sum, cpu) => sum + cpu, 0) }
}

const base = { request: 0, acks: false, first: 0 }
const shapes: readonly (readonly [string, Shape])[] = [
  ['2,500 x 1,400 B', { ...base, flows: 2500, segments: 59, payload: 1400 }],
  ['10,000 x 64 B', { ...base, flows: 10_000, segments: 19, payload: 64 }],
]
const applications = [
  ['flows alone', 'flows', 'ignore'],
  ['ON_NEW_DATA, a copy', 'copy', 'ignore'],
  ['ON_NEW_DATA, a copy, checksums', 'copy', 'verify'],
] as const

console.log(`${'workload'.padEnd(50)} 1: CPU s   wall  ${most}: busiest   all   wall   by CPU  by wall`)
for (const [name, shape] of shapes) {
  const frames = framesOf(shape)
  for (const [what, application, checksums] of applications) {
    const data: PoolData = { ...frames, rounds: 5, application }
    const one: Times[] = []
    const several: Times[] = []
    for (let round = 0; round < Number(values.rounds); round++) {
      one.push(await measure(1, data, checksums))
      several.push(await measure(most, data, checksums))
    }
    const of = (times: readonly Times[], field: keyof Times): number => median(times.map((t) => t[field]))
    const columns = [
      `${name}, ${what}`.padEnd(50),
      of(one, 'busiest').toFixed(2).padStart(8),
      of(one, 'wall').toFixed(2).padStart(6),
      of(several, 'busiest').toFixed(2).padStart(11),
      of(several, 'all').toFixed(2).padStart(5),
      of(several, 'wall').toFixed(2).padStart(6),
      `${(of(one, 'busiest') / of(several, 'busiest')).toFixed(2)}x`.padStart(8),
      `${(of(one, 'wall') / of(several, 'wall')).toFixed(2)}x`.padStart(8),
    ]
    console.log(columns.join(' '))
  }
}
