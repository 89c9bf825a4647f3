/** Network namespaces with pairs of virtual interfaces, for tests of live sources. Linux, as root. */
import { spawn, spawnSync } from 'node:child_process'
import { ringUnavailable } from '../../src/index.js'

const ip = (...words: readonly string[]): void => {
  const result = spawnSync('ip', words, { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`ip ${words.join(' ')}: ${result.stderr}`)
}

/** '' or why these tests cannot run here. */
export function namespacesUnavailable(): string {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root'
  const ring = ringUnavailable()
  if (ring !== '') return ring
  const name = `weir-probe-${process.pid}`
  const probe = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' })
  if (probe.error !== undefined) return 'needs iproute2'
  if (probe.status !== 0) return `no network namespaces: ${probe.stderr.trim()}`
  ip('netns', 'delete', name)
  return ''
}

let count = 0

export class Namespace {
  readonly name = `weir-test-${process.pid}-${count++}`

  constructor() {
    ip('netns', 'add', this.name)
    // No neighbour discovery of its own.
    this.exec(
      'sysctl',
      '-q',
      '-w',
      'net.ipv6.conf.all.disable_ipv6=1',
      'net.ipv6.conf.default.disable_ipv6=1',
    )
  }

  /** A pair of interfaces, up, the second in `peer` when given. */
  pair(first: string, second: string, peer: Namespace = this): void {
    ip('-n', this.name, 'link', 'add', first, 'type', 'veth', 'peer', 'name', second, 'netns', peer.name)
    ip('-n', this.name, 'link', 'set', first, 'up')
    ip('-n', peer.name, 'link', 'set', second, 'up')
  }

  address(interfaceName: string, address: string): void {
    ip('-n', this.name, 'address', 'add', address, 'dev', interfaceName)
  }

  exec(...command: readonly string[]): string {
    const result = spawnSync('ip', ['netns', 'exec', this.name, ...command], { encoding: 'utf8' })
    if (result.status !== 0) throw new Error(`${command.join(' ')}: ${result.stderr}`)
    return result.stdout
  }

  /** Plain JavaScript in a process of its own; gives what it prints. */
  start(script: string): { readonly output: Promise<string>; readonly stop: () => void } {
    const root = new URL('../../../', import.meta.url).pathname
    const argv = ['netns', 'exec', this.name, process.execPath, '--input-type=module', '-e', script]
    const child = spawn('ip', argv, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    let errors = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    const output = new Promise<string>((resolve, reject) => {
      child.on('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`exit ${code}: ${errors}`))))
    })
    return { output, stop: () => child.kill() }
  }

  /**
   * A script that has the stack's exports in `weir`, the addon's sockets in `packet`, `print` (once, as JSON), `sleep`,
   * `frame(size, fill)` (an Ethernet frame of its own protocol) and `send(interface, frames)`.
   */
  async run<T>(script: string): Promise<T> {
    const whole = `
      const { createServer } = await import('vite')
      const vite = await createServer({ configFile: false, root: process.cwd(), logLevel: 'silent',
        server: { middlewareMode: true, watch: null }, optimizeDeps: { noDiscovery: true } })
      const weir = await vite.ssrLoadModule('/stack/src/index.ts')
      const { loadNetworkAddon } = await vite.ssrLoadModule('/stack/src/native.ts')
      const { packet } = loadNetworkAddon().addon
      let printed = ''
      const print = (value) => { printed = JSON.stringify(value) }
      const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time))
      const frame = (size, fill) => {
        const bytes = Buffer.alloc(size, fill)
        Buffer.from('020000000002020000000001fffe', 'hex').copy(bytes)
        return bytes
      }
      const send = (name, frames) => {
        const socket = packet.openSender(name, 0)
        const bytes = Buffer.concat(frames)
        const spans = new Uint32Array(2 * frames.length)
        let at = 0
        frames.forEach(({ length }, i) => { spans.set([at, length], 2 * i); at += length })
        const result = new Uint32Array(2)
        packet.send(socket, bytes, spans, frames.length, result)
        packet.close(socket)
        return result[0]
      }
      class Keep {
        frames = []
        frame(b, o, n, wire, s, ns, link, index) {
          this.frames.push({ hex: Buffer.from(b.subarray(o, o + n)).toString('hex'), wire, time: s * 1e9 + ns, link, index })
        }
      }
      ${script}
      await vite.close()
      process.stdout.write(printed, () => process.exit(0))`
    return JSON.parse(await this.start(whole).output) as T
  }

  remove(): void {
    spawnSync('ip', ['netns', 'delete', this.name])
  }
}
