import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { runInChild } from './support.js'

const loopback = Object.entries(networkInterfaces()).find(([, addresses]) =>
  addresses?.some((address) => address.internal && address.family === 'IPv4'),
)?.[0]

interface Outcome {
  readonly code?: string
  readonly message?: string
  readonly lengths?: readonly number[]
  readonly frames?: number
  readonly idle?: number
}

async function outcomeOf(script: string): Promise<Outcome> {
  return JSON.parse(
    await runInChild(`try { ${script} } catch (e) { print({ code: e.code, message: e.message }) }`),
  )
}

/** Reasons why this machine cannot capture, which are no fault of the code. */
const CANNOT = ['live-unavailable', 'permission']

/** Either way of capturing. */
describe.each(['ring', 'cap'])('live capture by %s', (backend) => {
  it.skipIf(loopback === undefined)(
    'delivers filtered frames, then the time when it is quiet',
    async ({ skip }) => {
      const result = await outcomeOf(`
      const { createSocket } = await import('node:dgram')
      const socket = createSocket('udp4')
      const controller = new AbortController()
      const lengths = []
      let idle = 0
      setTimeout(() => {
        for (const port of [47999, 47998, 47999]) socket.send('x'.repeat(100), port, '127.0.0.1')
      }, 200)
      setTimeout(() => controller.abort(), 2500)
      const source = openLive(${JSON.stringify(loopback)}, { backend: '${backend}', filter: 'udp dst port 47999', snaplen: 80 })
      await source.run(
        { frame: (buffer, offset, captured, wire) => lengths.push(captured, wire), idle: () => idle++ },
        { signal: controller.signal },
      )
      socket.close()
      print({ lengths, frames: source.counters.frames, idle })`)
      if (CANNOT.includes(result.code ?? '')) skip(result.message)
      expect(result.frames).toBe(2)
      expect(result.lengths!.filter((_, i) => i % 2 === 0)).toEqual([80, 80])
      expect(result.lengths![1]).toBeGreaterThan(128)
      expect(result.idle).toBeGreaterThan(0)
    },
  )

  it('names what is wrong', async ({ skip }) => {
    const run = (name: string | undefined, options: object): Promise<Outcome> =>
      outcomeOf(
        `await openLive(${JSON.stringify(name)}, ${JSON.stringify({ backend, ...options })}).run({ frame() {} })`,
      )
    const absent = await run('no-such-interface', {})
    if (absent.code === 'live-unavailable') {
      if (backend === 'cap') expect(absent.message).toContain("'cap'")
      skip(absent.message)
    }
    expect(['live-interface', 'permission']).toContain(absent.code)
    if (absent.code === 'permission') skip(absent.message)
    expect(absent.message).toContain('no-such-interface: no such network interface')
    const filter = await run(loopback, { filter: 'bogus ((' })
    expect(['live-filter', 'permission']).toContain(filter.code)
    expect(filter.message).not.toContain('\n')
    if (backend === 'ring') return
    const polite = await run(loopback, { promiscuous: false })
    expect(polite.message).toContain('promiscuous mode only')
    const fanout = await run(loopback, { fanout: { group: 1 } })
    expect(fanout).toMatchObject({ code: 'live-unavailable' })
  })
})
