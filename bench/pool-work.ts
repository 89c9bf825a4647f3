/**
 * What each thread does for bench/workers.ts: walks frames that lie in shared memory, several times, and says how long the
 * measured rounds took. Loaded by the workers of the pool.
 */
import { LINK_TYPE, ON_CONN_END, ON_NEW_DATA, type Work } from '@weir/stack'

export interface PoolData {
  readonly bytes: SharedArrayBuffer
  /** As in `Chunk.index`. */
  readonly index: SharedArrayBuffer
  readonly frames: number
  /** Rounds over all frames; the first is not measured. */
  readonly rounds: number
  readonly application: 'flows' | 'data' | 'copy'
}

export interface PoolTimes {
  /** Milliseconds since 1970. */
  readonly start: number
  readonly end: number
  /** CPU seconds of the thread in between. */
  readonly cpu: number
  /** Of this worker's flows. */
  readonly payload: number
}

/** Seconds of trace time between rounds: what is left of one is gone when the next begins. */
const APART = 100_000
const now = (): number => performance.timeOrigin + performance.now()

export const work: Work<PoolData, never, PoolTimes> = ({ stack, data, cpuSeconds }) => {
  const bytes = new Uint8Array(data.bytes)
  const index = new Int32Array(data.index)
  const socket = stack.monitorStream()
  const own = new Uint8Array(1 << 16)
  let payload = 0
  let ended = 0
  socket.on(ON_CONN_END, () => {
    ended++
  })
  if (data.application === 'data') {
    socket.on(ON_NEW_DATA, (_flow, { start, end }) => {
      payload += end - start
    })
  } else if (data.application === 'copy') {
    socket.on(ON_NEW_DATA, (_flow, one) => {
      own.set(one.bytes.subarray(one.start, one.end))
      payload += one.end - one.start
    })
  }
  let start = 0
  let end = 0
  let cpu = 0
  return {
    input: {
      run: async () => {
        for (let round = 0; round < data.rounds; round++) {
          if (round === 1) {
            start = now()
            cpu = cpuSeconds() ?? 0
          }
          for (let i = 0; i < 4 * data.frames; i += 4) {
            const length = index[i + 1]!
            const seconds = index[i + 2]! + round * APART
            stack.frame(bytes, index[i]!, length, length, seconds, index[i + 3]!, LINK_TYPE.ETHERNET, 0)
          }
        }
        cpu = (cpuSeconds() ?? 0) - cpu
        end = now()
      },
    },
    finish: () => {
      if (ended === 0) throw new Error('no connection ended')
      return { start, end, cpu, payload }
    },
  }
}
