/** A stack as the sink of an inline source: its verdicts, on a real wire between network namespaces. */
import { afterEach, describe, expect, it } from 'vitest'
import { conversation, type TestPacket } from '../../../test/support/conversation.js'
import { decoded } from '../support/bump.js'
import { Namespace, namespacesUnavailable } from './netns.js'

const reason = namespacesUnavailable()
if (reason !== '') console.warn(`inline stack tests skipped: ${reason}`)

const namespaces: Namespace[] = []
const namespace = (): Namespace => {
  const made = new Namespace()
  namespaces.push(made)
  return made
}
afterEach(() => {
  for (const made of namespaces.splice(0)) made.remove()
})

const hex = (packets: readonly TestPacket[]): string[] =>
  packets.map(({ frame }) => Buffer.from(frame).toString('hex'))

/** Handlers of the box in the middle. */
const HANDLERS = `
  stack.monitorStream().on(weir.ON_NEW_DATA, (flow, { bytes, start, end, packet }) => {
    const text = Buffer.from(bytes.subarray(start, end)).toString('latin1')
    if (text.includes('cat')) packet.overwrite(start + text.indexOf('cat') - packet.payloadOffset, Buffer.from('dog'))
    if (text.includes('mute')) flow.block()
    if (text.includes('evil')) flow.reset()
  })`

describe.skipIf(reason !== '')('a stack in the wire', () => {
  it('changes bytes with right checksums, and lets nothing pass of a blocked flow', async () => {
    const middle = namespace()
    middle.pair('west', 'in0')
    middle.pair('in1', 'east')
    const ends = { client: '10.7.0.1', server: '10.7.0.2', acks: false }
    const changed = conversation({ ...ends, clientPort: 1 })
      .handshake()
      .client('a cat')
      .client('purrs')
    const blocked = conversation({ ...ends, clientPort: 2 })
      .handshake()
      .client('go mute')
      .client('gone')
    const sent = [...changed.packets(), ...blocked.packets()]
    const toEast = hex(sent.filter((p) => p.from === 'client'))
    const toWest = hex(sent.filter((p) => p.from === 'server'))
    const result = await middle.run<{ east: string[]; counters: Record<string, number> }>(`
      const controller = new AbortController()
      const east = new Keep()
      const end = weir.openRing('east', { bufferSize: 1 << 20 }).run(east, { signal: controller.signal })
      const stack = weir.createStack({ checksums: 'verify' })
      ${HANDLERS}
      const source = weir.openInline({ interfaces: ['in0', 'in1'], bufferSize: 1 << 20 })
      const running = source.run(stack, { signal: controller.signal })
      const frames = (list) => list.map((text) => Buffer.from(text, 'hex'))
      await sleep(50)
      const [toEast, toWest] = ${JSON.stringify([toEast, toWest])}.map(frames)
      // The answers to the two SYNs come between them and the rest.
      send('west', [toEast[0], toEast[4]])
      await sleep(50)
      send('east', toWest)
      await sleep(50)
      send('west', [...toEast.slice(1, 4), ...toEast.slice(5)])
      for (let i = 0; i < 100 && stack.counters.packets < toEast.length + toWest.length; i++) await sleep(10)
      await sleep(50)
      controller.abort()
      await Promise.all([running, end])
      print({ east: east.frames.map((f) => f.hex), counters: stack.counters })`)
    const arrived = result.east
      .map((text) => decoded(Buffer.from(text, 'hex')))
      .filter(({ packet }) => packet.sourcePort < 3)
    expect(arrived.map(({ packet, text }) => `${packet.sourcePort} ${text}`.trim())).toEqual([
      '1',
      '2',
      '1',
      '1 a dog',
      '1 purrs',
      '2',
    ])
    expect(result.counters).toMatchObject({ changedPackets: 1, droppedPackets: 2, blockedFlows: 1 })
  })

  it('resets real connections at both ends, and changes what they read', async () => {
    const [west, middle, east] = [namespace(), namespace(), namespace()]
    west.pair('eth0', 'in0', middle)
    east.pair('eth0', 'in1', middle)
    west.address('eth0', '10.7.0.1/24')
    east.address('eth0', '10.7.0.2/24')
    const server = east.start(`
      const { createServer } = await import('node:net')
      const seen = []
      const server = createServer((socket) => {
        let text = ''
        socket.on('data', (chunk) => { text += chunk; if (/cat|dog/.test(text)) socket.write('got ' + text) })
        socket.on('error', (error) => { seen.push(text + ' ' + error.code) })
        socket.on('end', () => socket.end())
        socket.on('close', (failed) => {
          if (!failed) seen.push(text)
          if (seen.length === 2) { console.log(JSON.stringify(seen)); process.exit(0) }
        })
      }).listen(7777)`)
    const box = middle.run<{ counters: Record<string, number> }>(`
      const stack = weir.createStack({ checksums: 'verify' })
      ${HANDLERS}
      const source = weir.openInline({ interfaces: ['in0', 'in1'] })
      const controller = new AbortController()
      const running = source.run(stack, { signal: controller.signal })
      for (let i = 0; i < 800 && stack.counters.resetFlows === 0; i++) await sleep(10)
      await sleep(200)
      controller.abort()
      await running
      print({ counters: stack.counters })`)
    const client = west.start(`
      const { connect } = await import('node:net')
      const attempt = (words) => new Promise((resolve) => {
        const socket = connect({ port: 7777, host: '10.7.0.2' })
        let text = ''
        socket.on('connect', () => socket.write(words[0]))
        socket.on('data', (chunk) => {
          text += chunk
          if (words.length > 1) { socket.write(words[1]); words.pop() } else socket.end()
        })
        socket.on('error', (error) => resolve(text + ' ' + error.code))
        socket.on('end', () => resolve(text))
      })
      let first = ''
      for (let i = 0; i < 200 && !/got/.test(first); i++) {
        first = await attempt(['my cat'])
        if (!/got/.test(first)) await new Promise((resolve) => setTimeout(resolve, 25))
      }
      console.log(JSON.stringify([first, await attempt(['a cat', 'evil'])]))
      process.exit(0)`)
    const [atClient, { counters }] = await Promise.all([client.output, box])
    const atServer = await server.output
    expect(JSON.parse(atClient)).toEqual(['got my dog', 'got a dog ECONNRESET'])
    expect(JSON.parse(atServer)).toEqual(['my dog', 'a dog ECONNRESET'])
    expect(counters).toMatchObject({ resetFlows: 1, unsentPackets: 0, changedPackets: 2 })
  })

  it('changes bytes of segments that a network card was to cut, and the kernel was to checksum', async () => {
    const [west, middle, east] = [namespace(), namespace(), namespace()]
    west.pair('eth0', 'in0', middle)
    east.pair('eth0', 'in1', middle)
    west.address('eth0', '10.7.0.1/24')
    east.address('eth0', '10.7.0.2/24')
    const server = east.start(`
      const { createServer } = await import('node:net')
      createServer((socket) => {
        let text = ''
        socket.on('data', (chunk) => {
          text += chunk
          if (!text.endsWith('END')) return
          console.log(JSON.stringify([text.length, text.split('dog').length - 1, text.split('cat').length - 1]))
          socket.end('done', () => process.exit(0))
        })
      }).listen(7777)`)
    const box = middle.run<{ counters: Record<string, number>; longest: number }>(`
      const stack = weir.createStack({ checksums: 'verify' })
      let longest = 0
      stack.monitorStream().on(weir.ON_NEW_DATA, (flow, { side, packet }) => {
        if (side !== weir.SVR) return
        longest = Math.max(longest, packet.payloadLength)
        const bytes = Buffer.from(packet.payload())
        for (let at = bytes.indexOf('cat'); at >= 0; at = bytes.indexOf('cat', at + 3)) packet.overwrite(at, Buffer.from('dog'))
      })
      const source = weir.openInline({ interfaces: ['in0', 'in1'] })
      const controller = new AbortController()
      const running = source.run(stack, { signal: controller.signal })
      for (let i = 0; i < 1500 && stack.counters.endedFin === 0; i++) await sleep(10)
      await sleep(100)
      controller.abort()
      await running
      print({ counters: stack.counters, longest })`)
    const client = west.start(`
      const { connect } = await import('node:net')
      const attempt = () => new Promise((resolve) => {
        const socket = connect({ port: 7777, host: '10.7.0.2' })
        let text = ''
        socket.on('connect', () => socket.write('(cat)...'.repeat(40000) + 'END'))
        socket.on('data', (chunk) => { text += chunk })
        socket.on('error', () => resolve(text))
        socket.on('end', () => { socket.end(); resolve(text) })
      })
      let text = ''
      for (let i = 0; i < 200 && text === ''; i++) {
        text = await attempt()
        if (text === '') await new Promise((resolve) => setTimeout(resolve, 25))
      }
      console.log(text)
      setTimeout(() => process.exit(0), 200)`)
    expect((await client.output).trim()).toBe('done')
    const [length, changed, unchanged] = JSON.parse(await server.output) as number[]
    const { counters, longest } = await box
    expect(length).toBe(320_003)
    // A word that lies across two segments is in neither.
    expect(changed! + unchanged!).toBe(40_000)
    expect(unchanged).toBeLessThan(400)
    expect(longest).toBeGreaterThan(1500)
    expect(counters.changedPackets).toBeGreaterThan(0)
  })
})
