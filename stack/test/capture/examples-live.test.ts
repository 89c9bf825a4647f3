/** The inline examples between network namespaces, with the sockets of the kernel at both ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { bpfUnavailable } from '../../src/index.js'
import { Namespace, namespacesUnavailable } from './netns.js'

const reason = namespacesUnavailable()
if (reason !== '') console.warn(`live tests of examples skipped: ${reason}`)

const namespaces: Namespace[] = []
afterEach(() => {
  for (const made of namespaces.splice(0)) made.remove()
})

/** Inside - middle - outside; the middle has `in0` towards the inside and `in1` towards the outside. */
function triple(): readonly [Namespace, Namespace, Namespace] {
  const [inside, middle, outside] = [new Namespace(), new Namespace(), new Namespace()]
  namespaces.push(inside, middle, outside)
  inside.pair('eth0', 'in0', middle)
  outside.pair('eth0', 'in1', middle)
  return [inside, middle, outside]
}

/** Runs an example from its source, until it ends or is stopped. */
const example = (name: string, ...words: readonly string[]): string => `
  process.argv = [process.argv[0], 'example', ...${JSON.stringify(words)}]
  const { createServer } = await import('vite')
  const alias = { '@weir/stack': process.cwd() + '/stack/src/index.ts' }
  const vite = await createServer({ configFile: false, root: process.cwd(), logLevel: 'silent', resolve: { alias },
    server: { middlewareMode: true, watch: null }, optimizeDeps: { noDiscovery: true } })
  await vite.ssrLoadModule('/stack/examples/${name}.ts')
  process.exit(0)`

/** TCP servers that answer with the address and port they see, and a UDP server that does. */
const SERVERS = `
  const { createServer } = await import('node:net')
  const { createSocket } = await import('node:dgram')
  for (const port of [7780, 7722]) {
    createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', () => socket.end(socket.remoteAddress + ' ' + socket.remotePort))
    }).listen(port, '0.0.0.0')
  }
  const udp = createSocket('udp4')
  udp.on('message', (_, { address, port }) => udp.send(address + ' ' + port, port, address))
  udp.bind(7753)
  process.once('SIGTERM', () => process.exit(0))`

/** `tcp(port, milliseconds)` and `udp(port)`: the answer, or what went wrong. Tries until the middle is up. */
const client = (host: string, script: string): string => `
  const { connect } = await import('node:net')
  const { createSocket } = await import('node:dgram')
  const tcp = (port, time) => new Promise((resolve) => {
    const socket = connect({ host: '${host}', port })
    let text = ''
    socket.setTimeout(time, () => { socket.destroy(); resolve('timeout') })
    socket.on('connect', () => socket.write('hello'))
    socket.on('data', (chunk) => { text += chunk })
    socket.on('error', (error) => resolve(error.code))
    socket.on('end', () => { socket.end(); resolve(text + ' ' + socket.localPort) })
  })
  const udp = (port) => new Promise((resolve) => {
    const socket = createSocket('udp4')
    setTimeout(() => resolve('timeout'), 10_000)
    socket.on('message', (text) => { resolve(String(text)); socket.close() })
    socket.send('hello', port, '${host}')
  })
  let first = 'timeout'
  for (let i = 0; i < 100 && !/^[0-9]/.test(first); i++) {
    first = await tcp(7780, 300)
    if (!/^[0-9]/.test(first)) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  ${script}
  process.exit(0)`

describe.skipIf(reason !== '')('between network namespaces', () => {
  it.skipIf(bpfUnavailable() !== '')('the firewall blocks', async () => {
    const [inside, middle, outside] = triple()
    inside.address('eth0', '10.7.0.1/24')
    outside.address('eth0', '10.7.0.2/24')
    const folder = mkdtempSync(join(tmpdir(), 'weir-firewall-'))
    const rules = join(folder, 'rules.txt')
    writeFileSync(rules, 'accept tcp dst port 7780\naccept udp dst port 7753\n')
    const server = outside.start(SERVERS)
    const box = middle.start(example('firewall', rules, 'in0', 'in1'))
    const script = `
      const blocked = await tcp(7722, 1000)
      console.log(JSON.stringify([first, blocked, await udp(7753), await tcp(7780, 10_000)]))`
    const [first, blocked, udp, again] = JSON.parse(
      await inside.start(client('10.7.0.2', script)).output,
    ) as string[]
    box.stop()
    server.stop()
    const log = await box.output
    rmSync(folder, { recursive: true })
    expect([first, again]).toEqual([
      expect.stringMatching(/^10\.7\.0\.1 \d+ \d+$/),
      expect.stringMatching(/^10\.7\.0\.1 \d+ \d+$/),
    ])
    expect([blocked, udp]).toEqual(['timeout', expect.stringMatching(/^10\.7\.0\.1 \d+$/)])
    expect(log).toMatch(/dropped 10\.7\.0\.1:\d+ > 10\.7\.0\.2:7722 \(drop\)/)
    expect(log).toMatch(/[2-9] flows: accept tcp dst port 7780/)
  })

  it('the NAT translates, there and back', async () => {
    const [inside, middle, outside] = triple()
    inside.address('eth0', '10.7.0.1/24')
    outside.address('eth0', '192.0.2.80/24')
    // Nobody answers ARP for the outside address: both ends are told who is behind the wire.
    const mac = (end: Namespace): string => end.exec('cat', '/sys/class/net/eth0/address').trim()
    const route = (end: Namespace, to: string, via: string, link: string): void => {
      end.exec('ip', 'neighbour', 'add', via, 'lladdr', link, 'dev', 'eth0')
      end.exec('ip', 'route', 'add', to, 'via', via, 'dev', 'eth0', 'onlink')
    }
    route(inside, '192.0.2.0/24', '10.7.0.254', mac(outside))
    route(outside, '198.51.100.0/24', '192.0.2.254', mac(inside))
    const server = outside.start(SERVERS)
    const box = middle.start(example('nat', '198.51.100.7', 'in0', 'in1'))
    const script = `console.log(JSON.stringify([first, await tcp(7722, 10_000), await udp(7753)]))`
    const answers = JSON.parse(await inside.start(client('192.0.2.80', script)).output) as string[]
    box.stop()
    server.stop()
    await box.output.catch(() => {})
    const seen = answers.map((answer) => answer.split(' '))
    expect(seen.map(([address]) => address)).toEqual(new Array(3).fill('198.51.100.7'))
    const ports = seen.map(([, port]) => Number(port))
    // Ports of the translator, each flow its own, not those of the client.
    expect(new Set(ports).size).toBe(3)
    for (const port of ports) expect(port).toBeLessThan(1200)
  })
})
