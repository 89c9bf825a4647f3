import { afterEach, describe, expect, it } from 'vitest'
import { Namespace, namespacesUnavailable } from './netns.js'

const reason = namespacesUnavailable()
if (reason !== '') console.warn(`inline tests skipped: ${reason}`)

const namespaces: Namespace[] = []
const namespace = (): Namespace => {
  const made = new Namespace()
  namespaces.push(made)
  return made
}
afterEach(() => {
  for (const made of namespaces.splice(0)) made.remove()
})

interface Directions {
  readonly directions: readonly Record<string, number>[]
}

/** Inside: a wire from west to east through `in0` and `in1`, and a script to stand in the middle. */
function wire(): Namespace {
  const middle = namespace()
  middle.pair('west', 'in0')
  middle.pair('in1', 'east')
  return middle
}

/** Captures at both ends; `sink` decides in the middle. */
const session = (sink: string, traffic: string, options = ''): string => `
  const east = new Keep()
  const west = new Keep()
  const controller = new AbortController()
  const { signal } = controller
  const ends = [['west', west], ['east', east]].map(([name, sink]) =>
    weir.openRing(name, { bufferSize: 1 << 20 }).run(sink, { signal: end.signal }))
  ${sink}
  const source = weir.openInline({ interfaces: ['in0', 'in1'], bufferSize: 1 << 20, ${options} })
  const running = source.run(sink, { signal })
  const key = ({ hex }) => parseInt(hex.slice(28, 36), 16)
  const numbered = (i, size = 60) => { const f = frame(size, i); f.writeUInt32BE(i, 14); return f }
  ${traffic}
  await sleep(80)
  controller.abort()
  await running
  end.abort()
  await Promise.all(ends)`

describe.skipIf(reason !== '')('the inline source', () => {
  it('forwards both ways, blocks, replaces, changes and injects, in order', async () => {
    const result = await wire().run<
      { east: number[]; west: number[]; texts: string[]; sizes: number[] } & Directions
    >(`
      const end = new AbortController()
      ${session(
        `const texts = []
        const sink = {
          verdict: weir.VERDICT.FORWARD,
          replacement: undefined,
          frame(b, o, n, wire, s, ns, link, index) {
            const number = Buffer.from(b.subarray(o + 14, o + 18)).readUInt32BE()
            this.verdict = weir.VERDICT.FORWARD
            if (index === 1) return
            if (number % 3 === 0) this.verdict = weir.VERDICT.DROP
            if (number === 10) { this.verdict = weir.VERDICT.REPLACE; this.replacement = numbered(1010, 300) }
            if (number === 11) b.fill(0x55, o + 20, o + 40)
            if (number === 13) source.send(0, numbered(2013))
            if (number === 14) source.send(1, numbered(2014))
          },
        }`,
        `send('west', Array.from({ length: 20 }, (_, i) => numbered(i, 60 + i)))
        await sleep(20)
        send('east', [100, 101, 102].map((i) => numbered(i)))`,
      )}
      // Sent and received: an end sees its own frames go out as well.
      const arrived = (sink, sent) => sink.frames.filter((f) => !sent(key(f)))
      const atEast = arrived(east, (k) => k >= 100 && k < 1000)
      print({
        east: atEast.map(key),
        west: arrived(west, (k) => k < 100).map(key),
        texts: atEast.filter((f) => key(f) === 11).map((f) => f.hex.slice(40, 80)),
        sizes: atEast.map((f) => f.hex.length / 2),
        directions: source.counters.directions,
      })`)
    expect(result.east).toEqual([1, 2, 4, 5, 7, 8, 1010, 11, 13, 2014, 14, 16, 17, 19])
    expect(result.west).toEqual([2013, 100, 101, 102])
    expect(result.texts).toEqual(['55'.repeat(20)])
    expect(result.sizes).toEqual([61, 62, 64, 65, 67, 68, 300, 71, 73, 60, 74, 76, 77, 79])
    const nothing = { bypassed: 0, sendFailures: 0, cut: 0, dropped: 0 }
    expect(result.directions[0]).toEqual({
      ...nothing,
      frames: 20,
      forwarded: 13,
      blocked: 7,
      replaced: 1,
      injected: 1,
    })
    expect(result.directions[1]).toMatchObject({
      ...nothing,
      frames: 3,
      forwarded: 3,
      blocked: 0,
      injected: 1,
    })
  })

  it('keeps VLAN tags, lets what the filter leaves out pass, counts what cannot be sent', async () => {
    const result = await wire().run<{ east: string[]; sent: string[]; seen: number } & Directions>(`
      const end = new AbortController()
      const { execFileSync } = await import('node:child_process')
      execFileSync('ip', ['link', 'set', 'in1', 'mtu', '1000'])
      ${session(
        `let seen = 0
        const sink = { verdict: weir.VERDICT.FORWARD, frame() { seen++ } }`,
        `const tagged = Buffer.concat([Buffer.from('020000000002020000000001' + '8100e007' + 'fffe', 'hex'), Buffer.alloc(60, 7)])
        const sent = [numbered(1), tagged, numbered(2)]
        send('west', [...sent, numbered(3, 1200)])`,
        `filter: 'vlan 7 or greater 1000'`,
      )}
      print({ east: east.frames.map((f) => f.hex), sent: sent.map((f) => f.toString('hex')), seen,
        directions: source.counters.directions })`)
    expect(result.east).toEqual(result.sent)
    expect(result.seen).toBe(2)
    expect(result.directions[0]).toMatchObject({ frames: 2, bypassed: 2, forwarded: 3, sendFailures: 1 })
  })

  it('carries real connections with offloaded segments and checksums, and blocks them', async () => {
    const [west, middle, east] = [namespace(), namespace(), namespace()]
    west.pair('eth0', 'in0', middle)
    east.pair('eth0', 'in1', middle)
    west.address('eth0', '10.7.0.1/24')
    east.address('eth0', '10.7.0.2/24')
    const server = east.start(`
      const { createServer } = await import('node:net')
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        let bytes = 0
        socket.on('data', (chunk) => { bytes += chunk.length })
        socket.on('end', () => { socket.end(String(bytes).padEnd(500000, ' ')); server.close() })
      }).listen(7777)`)
    const forwarder = middle.run<Directions & { longest: number; checksums: number; blocked: number }>(`
      const stack = weir.createStack({ checksums: 'verify' })
      let longest = 0
      let blocked = 0
      const sink = {
        verdict: weir.VERDICT.FORWARD,
        frame(b, o, n, wire, s, ns, link, index) {
          longest = Math.max(longest, n)
          stack.frame(b, o, n, wire, s, ns, link, index)
          const block = stack.packet.destinationPort === 8888 && stack.packet.protocol === 6
          if (block) blocked++
          this.verdict = block ? weir.VERDICT.DROP : weir.VERDICT.FORWARD
        },
      }
      const source = weir.openInline({ interfaces: ['in0', 'in1'] })
      const controller = new AbortController()
      const running = source.run(sink, { signal: controller.signal })
      for (let i = 0; i < 400 && stack.counters.endedFin === 0; i++) await sleep(10)
      for (let i = 0; i < 100 && blocked === 0; i++) await sleep(10)
      controller.abort()
      await running
      const wrong = Object.entries(stack.counters.decode.toJSON()).filter(([name, n]) => /checksum/i.test(name) && n > 0)
      print({ directions: source.counters.directions, longest, blocked, checksums: wrong.length })`)
    const client = west.start(`
      const { connect } = await import('node:net')
      const attempt = (port, time) => new Promise((resolve) => {
        const socket = connect({ port, host: '10.7.0.2', allowHalfOpen: true })
        let text = ''
        socket.on('data', (chunk) => { text += chunk })
        socket.on('end', () => resolve(text))
        socket.on('error', (error) => resolve(error.code))
        setTimeout(() => { socket.destroy(); resolve('nothing') }, time).unref()
        socket.end(Buffer.alloc(2000000, 'x'))
      })
      let text = 'ECONNREFUSED'
      const started = Date.now()
      while (!/^\\d/.test(text) && Date.now() - started < 5000) text = await attempt(7777, 2000)
      const blocked = await attempt(8888, 400)
      console.log(JSON.stringify({ length: text.length, count: text.trim(), blocked }))
      process.exit(0)`)
    const outcome = JSON.parse(await client.output)
    const passed = await forwarder
    server.stop()
    await server.output.catch(() => '')
    expect(outcome).toEqual({ length: 500_000, count: '2000000', blocked: 'nothing' })
    expect(passed.longest).toBeGreaterThan(1514)
    expect(passed.checksums).toBe(0)
    expect(passed.blocked).toBeGreaterThan(0)
    expect(passed.directions[0]!.sendFailures).toBe(0)
  })

  it('refuses to be used wrongly', async () => {
    const { openInline } = await import('../../src/index.js')
    expect(() => openInline({ interfaces: ['a', 'a'] })).toThrow(RangeError)
    expect(() => openInline({ interfaces: ['a', 'b'] }).send(0, new Uint8Array(60))).toThrow(
      /only while it runs/,
    )
  })
})
