import { afterEach, describe, expect, it } from 'vitest'
import { Namespace, namespacesUnavailable } from './netns.js'

const reason = namespacesUnavailable()
if (reason !== '') console.warn(`ring tests skipped: ${reason}`)

interface KeptFrame {
  readonly hex: string
  readonly wire: number
  readonly time: number
  readonly link: number
  readonly index: number
}

let namespace: Namespace
afterEach(() => namespace?.remove())

function pair(): Namespace {
  namespace = new Namespace()
  namespace.pair('v0', 'v1')
  return namespace
}

describe.skipIf(reason !== '')('the AF_PACKET ring', () => {
  it('captures exactly what is sent, in order, with the time of the kernel', async () => {
    const before = Date.now() * 1e6
    const result = await pair().run<{ sent: string[]; frames: KeptFrame[]; counters: object }>(`
      const sink = new Keep()
      const controller = new AbortController()
      const source = weir.openRing('v1')
      const running = source.run(sink, { signal: controller.signal })
      const frames = Array.from({ length: 2000 }, (_, i) => {
        const bytes = frame(60 + (i * 37) % 1455, i)
        bytes.writeUInt32BE(i, 14)
        return bytes
      })
      for (let i = 0; i < frames.length; i += 500) { send('v0', frames.slice(i, i + 500)); await sleep(5) }
      await sleep(100)
      controller.abort()
      await running
      print({ sent: frames.map((f) => f.toString('hex')), frames: sink.frames, counters: source.counters })`)
    expect(result.frames.map((frame) => frame.hex)).toEqual(result.sent)
    const now = Date.now() * 1e6
    let last = before - 1e9
    for (const { hex, wire, time, link, index } of result.frames) {
      expect([wire, link, index]).toEqual([hex.length / 2, 1, 0])
      expect(time).toBeGreaterThanOrEqual(last)
      last = time
    }
    expect(last).toBeLessThan(now + 1e9)
    const bytes = result.sent.reduce((sum, hex) => sum + hex.length / 2, 0)
    expect(result.counters).toMatchObject({ frames: 2000, frameBytes: bytes, received: 2000, dropped: 0 })
  })

  it('cuts frames at the snapshot length', async () => {
    const result = await pair().run<{ frames: KeptFrame[] }>(`
      const sink = new Keep()
      const controller = new AbortController()
      const running = weir.openRing('v1', { snaplen: 100 }).run(sink, { signal: controller.signal })
      send('v0', [frame(99, 1), frame(1000, 2)])
      await sleep(60)
      controller.abort()
      await running
      print({ frames: sink.frames })`)
    expect(result.frames.map(({ hex, wire }) => [hex.length / 2, wire])).toEqual([
      [99, 99],
      [100, 1000],
    ])
  })

  it('puts VLAN tags back, and filters with them as in a capture file', async () => {
    // The kernel takes off the outer tag before any socket sees the frame.
    const result = await pair().run<Record<string, string[]>>(`
      const udp = '0800' + '4500001c00004000401100000a0000010a000002' + '0035003500080000'
      const addresses = '020000000002020000000001'
      const plain = Buffer.from(addresses + udp, 'hex')
      const tagged = Buffer.from(addresses + '81006007' + udp, 'hex')
      const double = Buffer.from(addresses + '88a80009' + '81000007' + udp, 'hex')
      const other = frame(64, 0)
      const out = {}
      const filters = ['', 'vlan', 'vlan 7', 'not vlan', 'udp port 53', 'vlan and udp port 53', 'vlan 9 and vlan 7', 'ip6 protochain 6 or ip']
      const runs = filters.map((filter) => {
        const sink = new Keep()
        const controller = new AbortController()
        const running = weir.openRing('v1', { filter, bufferSize: 1 << 20 }).run(sink, { signal: controller.signal })
        return async () => { controller.abort(); await running; out[filter] = sink.frames.map((f) => f.hex) }
      })
      const all = [plain, tagged, double, other]
      send('v0', all)
      await sleep(150)
      for (const finish of runs) await finish()
      const files = {}
      for (const filter of filters) {
        const program = weir.compileBpf(filter, 1)
        files[filter] = all.filter((f) => program.matches(f, 0, f.length, f.length)).map((f) => f.toString('hex'))
      }
      print({ live: out, files })`)
    expect(result.live).toEqual(result.files)
    expect((result.files as unknown as Record<string, string[]>).vlan).toHaveLength(2)
  })

  it('is promiscuous while it runs, when it is to be', async () => {
    const result = await pair().run<{ counts: number[]; bytesAfter: number }>(`
      const { execFileSync } = await import('node:child_process')
      const promiscuity = () =>
        JSON.parse(execFileSync('ip', ['-d', '-j', 'link', 'show', 'v1'], { encoding: 'utf8' }))[0].promiscuity
      const counts = [promiscuity()]
      let buffer
      for (const promiscuous of [true, false]) {
        const controller = new AbortController()
        const running = weir.openRing('v1', { promiscuous }).run(
          { frame(bytes) { buffer = bytes } }, { signal: controller.signal })
        counts.push(promiscuity())
        send('v0', [frame(60, 1)])
        await sleep(60)
        controller.abort()
        await running
        counts.push(promiscuity())
      }
      print({ counts, bytesAfter: buffer.length })`)
    expect(result.counts).toEqual([0, 1, 0, 0, 0])
    // The ring is unmapped: who kept the buffer holds an empty one.
    expect(result.bytesAfter).toBe(0)
  })

  it('splits flows over the sockets of a fanout group, both directions to the same', async () => {
    const result = await pair().run<{ seen: [number, number][]; frames: number[] }>(`
      const sums = [new Map(), new Map()]
      const controllers = [new AbortController(), new AbortController()]
      const sources = sums.map(() => weir.openRing('v1', { fanout: { group: 77 } }))
      const running = sources.map((source, i) => source.run({
        frame(b, o) {
          const ports = [b[o + 34] * 256 + b[o + 35], b[o + 36] * 256 + b[o + 37]]
          const port = Math.max(...ports)
          sums[i].set(port, (sums[i].get(port) ?? 0) + 1)
        } }, { signal: controllers[i].signal }))
      const segment = (from, to, back) => {
        const bytes = frame(60, 0)
        bytes.write('0800450000280000400040060000', 12, 'hex')
        const [a, b] = ['0a000001', '0a000002']
        bytes.write(back ? b + a : a + b, 26, 'hex')
        bytes.writeUInt16BE(from, 34)
        bytes.writeUInt16BE(to, 36)
        bytes[46] = 0x50
        return bytes
      }
      const frames = []
      for (let port = 2000; port < 2100; port++)
        for (let i = 0; i < 5; i++) frames.push(i % 2 ? segment(80, port, true) : segment(port, 80, false))
      send('v0', frames)
      await sleep(200)
      for (const c of controllers) c.abort()
      await Promise.all(running)
      const seen = []
      for (let port = 2000; port < 2100; port++) seen.push(sums.map((sum) => sum.get(port) ?? 0))
      print({ seen, frames: sources.map((s) => s.counters.frames) })`)
    for (const counts of result.seen) expect([...counts].sort()).toEqual([0, 5])
    expect(result.frames[0]! + result.frames[1]!).toBe(500)
    expect(Math.min(...result.frames)).toBeGreaterThan(50)
  })

  it('counts what it has no room for', async () => {
    const result = await pair().run<{ sent: number; counters: Record<string, number> }>(`
      const source = weir.openRing('v1', { bufferSize: 1 << 20 })
      const controller = new AbortController()
      const running = source.run({ frame() {} }, { signal: controller.signal })
      const frames = Array.from({ length: 400 }, (_, i) => frame(1400, i))
      let sent = 0
      for (let round = 0; round < 10; round++) sent += send('v0', frames) // the event loop stands still meanwhile
      await sleep(100)
      controller.abort()
      await running
      print({ sent, counters: source.counters })`)
    const { frames, received, dropped, freezes } = result.counters as Record<string, number>
    expect(received).toBe(result.sent)
    expect(dropped).toBeGreaterThan(1000)
    expect(frames! + dropped!).toBe(received)
    expect(freezes).toBeGreaterThan(0)
  })

  it('fills in checksums that were left to the network card', async () => {
    namespace = new Namespace()
    namespace.exec('ip', 'link', 'set', 'lo', 'up')
    const result = await namespace.run<{ status: Record<string, number>; counters: Record<string, number> }>(`
      const { createServer: listen, connect } = await import('node:net')
      const { createSocket } = await import('node:dgram')
      const stack = weir.createStack({ checksums: 'verify' })
      const controller = new AbortController()
      const source = weir.openRing('lo')
      const running = source.run(stack, { signal: controller.signal })
      const server = listen((socket) => socket.end('x'.repeat(300001))).listen(0, '127.0.0.1')
      await new Promise((resolve) => server.on('listening', resolve))
      await new Promise((resolve) => connect(server.address().port, '127.0.0.1').on('close', resolve).resume())
      const udp = createSocket('udp4')
      await new Promise((resolve) => udp.send('odd', 9, '127.0.0.1', resolve))
      udp.close()
      server.close()
      await sleep(100)
      controller.abort()
      await running
      print({ status: stack.counters.decode.toJSON(), counters: source.counters })`)
    expect(result.counters.completedChecksums).toBeGreaterThan(5)
    const wrong = Object.entries(result.status).filter(([name, n]) => /checksum/i.test(name) && n > 0)
    expect(wrong).toEqual([])
  })

  it('lets go of everything when the sink throws, and when its worker is terminated', async () => {
    const result = await pair().run<{ error: string; promiscuity: number[]; received: number }>(`
      const { execFileSync } = await import('node:child_process')
      const { Worker } = await import('node:worker_threads')
      const promiscuity = () =>
        JSON.parse(execFileSync('ip', ['-d', '-j', 'link', 'show', 'v1'], { encoding: 'utf8' }))[0].promiscuity
      const counts = []
      let error = ''
      const running = weir.openRing('v1').run({ frame() { throw new Error('enough') } }).catch((e) => { error = e.message })
      send('v0', [frame(60, 1), frame(60, 2)])
      await running
      counts.push(promiscuity())
      const script = \`
        const { parentPort } = require('node:worker_threads')
        const { packet } = require(process.cwd() + '/stack/native/build/weir_net.node')
        const id = packet.openRing('v1', Uint32Array.of(262144, 16, 1, 5, 0), new Uint32Array(0))
        globalThis.memory = new Uint8Array(packet.memory(id))
        const watcher = packet.watch(Uint32Array.of(id), () => { parentPort.postMessage('ready') })
        packet.arm(watcher)
        parentPort.postMessage('open')\`
      let received = 0
      for (let i = 0; i < 5; i++) {
        const worker = new Worker(script, { eval: true, execArgv: [] })
        await new Promise((resolve) => worker.once('message', resolve))
        counts.push(promiscuity())
        const ready = new Promise((resolve) => worker.once('message', resolve))
        send('v0', [frame(60, i)])
        if (i % 2 === 0) await ready
        received++
        await worker.terminate()
        counts.push(promiscuity())
      }
      print({ error, promiscuity: counts, received })`)
    expect(result.error).toBe('enough')
    expect(result.promiscuity).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0])
    expect(result.received).toBe(5)
  })

  it('says what is wrong', async () => {
    const result = await pair().run<Record<string, { code: string; message: string }>>(`
      const out = {}
      const attempt = async (name, source) => {
        try { await source.run({ frame() {} }); out[name] = 'ran' } catch (e) { out[name] = { code: e.code, message: e.message } }
      }
      await attempt('absent', weir.openRing('nosuch0'))
      await attempt('absent live', weir.openLive('nosuch0'))
      await attempt('filter', weir.openRing('v1', { filter: 'tcp prt 80' }))
      await attempt('inline', weir.openInline({ interfaces: ['v1', 'nosuch0'] }))
      const { execFileSync } = await import('node:child_process')
      setTimeout(() => execFileSync('ip', ['link', 'set', 'v1', 'down']), 100)
      await attempt('goes down', weir.openRing('v1'))
      await attempt('is down', weir.openRing('v1'))
      process.seteuid(65534)
      await attempt('permission', weir.openRing('v1'))
      process.seteuid(0)
      print(out)`)
    expect(result.absent).toEqual({ code: 'live-interface', message: 'nosuch0: no such network interface' })
    expect(result['absent live']).toEqual(result.absent)
    expect(result.inline).toEqual(result.absent)
    expect(result.filter!.code).toBe('live-filter')
    expect(result.filter!.message).toContain("v1: filter 'tcp prt 80': can't parse filter expression")
    expect(result['goes down']!.message).toMatch(/v1: the interface is down/)
    expect(result['is down']!.message).toMatch(/v1: the interface is down/)
    expect(result.permission!.code).toBe('permission')
    expect(result.permission!.message).toContain('CAP_NET_RAW')
  })
})
