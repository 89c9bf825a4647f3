/**
 * Live capture: how many packets of a generator the ring source gets, and how many `cap` does.
 *
 * Makes a network namespace with a pair of virtual interfaces; one process sends as fast as it can (or at a given rate)
 * for a bounded time, another one captures into a counting sink, or into a stack. Out: a table of packets sent, received
 * and lost. Linux, as root: `node bench/dist/live.js [--seconds N] [--sizes 60,1400] [--rates 0,200000] [--sink stack]`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpuUsage } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createStack, type FrameSink, ON_PKT_IN, openLive, ringUnavailable } from '@weir/stack'

// Not part of the library's interface, so not to be had from the package.
const { loadNetworkAddon } = (await import(
  new URL('../../stack/dist/native.js', import.meta.url).href
)) as typeof import('../stack/dist/native.js')

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    /** Bytes of the frames sent. */
    sizes: { type: 'string', default: '60,1400' },
    /** Packets per second; 0 is as many as can be. */
    rates: { type: 'string', default: '0' },
    sink: { type: 'string', default: 'count' },
    /** Bytes the kernel may hold. */
    buffer: { type: 'string', default: String(64 << 20) },
    /** For the processes of the benchmark itself. */
    role: { type: 'string' },
    backend: { type: 'string', default: 'ring' },
  },
})

interface Received {
  readonly frames: number
  readonly dropped: number | undefined
  readonly cpuSeconds: number
}
interface Sent {
  readonly frames: number
  readonly seconds: number
}

// ---- The process that captures ----------------------------------------------------------------------------------

async function receive(): Promise<void> {
  const controller = new AbortController()
  process.on('SIGTERM', () => controller.abort())
  const source = openLive('v1', {
    backend: values.backend as 'ring' | 'cap',
    bufferSize: Number(values.buffer),
  })
  const running = source.run(sinkOf(values.sink), { signal: controller.signal })
  // Both open their socket before they first wait.
  setTimeout(() => process.stdout.write('ready\n'), 300)
  await running
  const { user, system } = cpuUsage()
  const { frames, dropped } = source.counters
  const result: Received = { frames, dropped, cpuSeconds: (user + system) / 1e6 }
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
}

function sinkOf(name: string): FrameSink {
  if (name !== 'stack') return { frame() {} }
  const stack = createStack()
  stack.monitorStream().on(ON_PKT_IN, () => {})
  return stack
}

// ---- The process that sends -------------------------------------------------------------------------------------

const BATCH = 256
const FLOWS = 64

/** A UDP datagram of the flow, without checksum. */
function writeFrame(bytes: Buffer, at: number, size: number, flow: number): void {
  bytes.write('020000000002020000000001' + '0800' + '4500', at, 'hex')
  bytes.writeUInt16BE(size - 14, at + 16)
  bytes.write('0000400040110000' + '0a000001' + '0a000002', at + 18, 'hex')
  bytes.writeUInt16BE(1024 + flow, at + 34)
  bytes.writeUInt16BE(9, at + 36)
  bytes.writeUInt16BE(size - 34, at + 38)
}

function generate(size: number, rate: number, seconds: number): void {
  const { packet } = loadNetworkAddon().addon!
  const BYPASS_QUEUE = 8
  const socket = packet!.openSender('v0', BYPASS_QUEUE)
  const bytes = Buffer.alloc(BATCH * size)
  const spans = new Uint32Array(2 * BATCH)
  for (let i = 0; i < BATCH; i++) {
    writeFrame(bytes, i * size, size, i % FLOWS)
    spans[2 * i] = i * size
    spans[2 * i + 1] = size
  }
  const result = new Uint32Array(2)
  const start = performance.now()
  const end = start + seconds * 1000
  let frames = 0
  for (let now = start; now < end; now = performance.now()) {
    const due = rate === 0 ? BATCH : Math.min(BATCH, Math.floor(((now - start) * rate) / 1000) - frames)
    if (due <= 0) continue
    packet!.send(socket, bytes, spans, due, result)
    frames += result[0]!
  }
  const sent: Sent = { frames, seconds: (performance.now() - start) / 1000 }
  console.log(JSON.stringify(sent))
}

// ---- The process that compares ----------------------------------------------------------------------------------

const NAMESPACE = `weir-bench-${process.pid}`

function ip(...words: readonly string[]): void {
  const result = spawnSync('ip', words, { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`ip ${words.join(' ')}: ${result.stderr}`)
}

function start(...flags: readonly string[]) {
  const argv = ['netns', 'exec', NAMESPACE, process.execPath, fileURLToPath(import.meta.url), ...flags]
  const child = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  let wake = (): void => {}
  child.stdout.on('data', (chunk) => {
    text += chunk
    wake()
  })
  return {
    child,
    /** The next line it prints. */
    async line(): Promise<string> {
      while (!text.includes('\n')) {
        await new Promise<void>((resolve, reject) => {
          wake = resolve
          child.on('close', () => reject(new Error(`${flags.join(' ')}: ended without a result`)))
        })
      }
      const end = text.indexOf('\n')
      const line = text.slice(0, end)
      text = text.slice(end + 1)
      return line
    },
  }
}

async function measure(backend: string, size: number, rate: number): Promise<void> {
  const common = ['--backend', backend, '--sink', values.sink, '--buffer', values.buffer]
  const receiver = start('--role', 'receiver', ...common)
  await receiver.line()
  const generator = start(
    ...['--role', 'generator', '--sizes', String(size)],
    ...['--rates', String(rate), '--seconds', values.seconds],
  )
  const sent = JSON.parse(await generator.line()) as Sent
  // What the kernel still holds is captured too.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  receiver.child.kill('SIGTERM')
  const received = JSON.parse(await receiver.line()) as Received
  const lost = sent.frames - received.frames
  const perSecond = sent.frames / sent.seconds
  console.log(
    [
      backend.padEnd(7),
      String(size).padStart(5),
      (perSecond / 1e3).toFixed(0).padStart(10),
      ((perSecond * size * 8) / 1e9).toFixed(2).padStart(8),
      String(sent.frames).padStart(10),
      String(received.frames).padStart(10),
      String(lost).padStart(10),
      `${((100 * lost) / sent.frames).toFixed(2)} %`.padStart(9),
      String(received.dropped ?? '-').padStart(9),
      ((received.cpuSeconds * 1e6) / received.frames).toFixed(2).padStart(8),
    ].join(' '),
  )
}

async function compare(): Promise<void> {
  const reason = process.getuid?.() === 0 ? ringUnavailable() : 'needs root'
  if (reason !== '') throw new Error(reason)
  ip('netns', 'add', NAMESPACE)
  try {
    ip('-n', NAMESPACE, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1')
    ip('netns', 'exec', NAMESPACE, 'sysctl', '-q', '-w', 'net.ipv6.conf.all.disable_ipv6=1')
    for (const name of ['v0', 'v1']) ip('-n', NAMESPACE, 'link', 'set', name, 'up')
    console.log(
      'source  bytes  kpkt/s sent   Gbit/s       sent   received       lost    lost %   dropped  CPU us',
    )
    for (const size of values.sizes.split(',').map(Number)) {
      for (const rate of values.rates.split(',').map(Number)) {
        for (const backend of ['ring', 'cap']) await measure(backend, size, rate)
      }
    }
  } finally {
    ip('netns', 'delete', NAMESPACE)
  }
}

if (values.role === 'receiver') await receive()
else if (values.role === 'generator')
  generate(Number(values.sizes), Number(values.rates), Number(values.seconds))
else await compare()
