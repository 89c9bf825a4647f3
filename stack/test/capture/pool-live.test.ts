/** A worker pool on an interface: the kernel shares the frames out, every flow in one worker. */
import { afterEach, describe, expect, it } from 'vitest'
import { conversation, merge } from '../../../test/support/conversation.js'
import { Namespace, namespacesUnavailable } from './netns.js'

const reason = namespacesUnavailable()
if (reason !== '') console.warn(`live pool tests skipped: ${reason}`)

const made: Namespace[] = []
afterEach(() => {
  for (const one of made.splice(0)) one.remove()
})

describe.skipIf(reason !== '')('a worker pool on an interface', () => {
  it('sees every flow whole, in one worker, until it is told to stop', async () => {
    const namespace = new Namespace()
    made.push(namespace)
    namespace.pair('near', 'far')
    const flows = Array.from({ length: 24 }, (_, i) =>
      conversation({ client: `10.3.0.${i}`, server: '10.3.1.1', clientPort: 2000 + i })
        .handshake()
        .client('hello')
        .close()
        .packets(),
    )
    const frames = merge(...flows).map(({ frame }) => Buffer.from(frame).toString('hex'))
    const result = await namespace.run<{
      items: { flow: string; what: string; worker: number }[]
      counters: { packets: number; flows: number }
    }>(`
      const pool = weir.createWorkerPool({
        workers: 2,
        module: new URL('file://' + process.cwd() + '/stack/test/support/pool-module.mjs'),
        data: { greet: true },
        live: { interfaceName: 'far', options: { bufferSize: 1 << 20 } },
      })
      const controller = new AbortController()
      const items = []
      let ready = 0
      const running = pool.run({
        signal: controller.signal,
        onItem: ({ flow, what }, worker) => items.push({ flow, what, worker }),
        onMessage: () => { ready++ },
      })
      for (let i = 0; i < 500 && ready < 2; i++) await sleep(10)
      await sleep(300)
      send('near', ${JSON.stringify(frames)}.map((text) => Buffer.from(text, 'hex')))
      await sleep(500)
      controller.abort()
      const { counters } = await running
      print({ items, counters })`)
    expect(result.counters.packets).toBe(frames.length)
    const workers = new Map<string, Set<number>>()
    for (const { flow, worker } of result.items) {
      if (!flow.startsWith('6 10.3.')) continue
      workers.set(flow, (workers.get(flow) ?? new Set()).add(worker))
    }
    expect(workers.size).toBe(24)
    expect([...workers.values()].every((set) => set.size === 1)).toBe(true)
    expect(new Set([...workers.values()].flatMap((set) => [...set])).size).toBe(2)
    expect(result.items.filter(({ what }) => what === 'end fin')).toHaveLength(24)
  })
})
