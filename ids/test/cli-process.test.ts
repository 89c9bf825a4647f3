/** The built command as a process of its own: pipes, signals, time zones. Skipped until it has been built. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { conversation, dialogue } from '../../test/support/conversation.js'
import { pcapBytes } from '../../test/support/pcap.js'
import { lines, temporaryDirectory } from './cli-support.js'

const BIN = fileURLToPath(new URL('../bin/weir.mjs', import.meta.url))
const BUILT = existsSync(new URL('../dist/cli/index.js', import.meta.url))
const BUNDLED = existsSync(new URL('../dist/bundle/weir.cjs', import.meta.url))

const directory = temporaryDirectory()

const RULE = 'alert tcp any any -> any any (msg:"word"; flow:to_server; content:"secret"; sid:9;)'

const capture = (connections: number): Uint8Array =>
  pcapBytes(
    Array.from({ length: connections }, (_, index) =>
      dialogue(['a secret question', 'an answer'], { clientPort: 10_000 + index, start: 1_700_000_000 }),
    ).flat(),
  )

interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

const start = (argv: readonly string[], env: Record<string, string> = {}): ChildProcess =>
  spawn(process.execPath, [BIN, ...argv], { env: { ...process.env, ...env } })

const finished = (child: ChildProcess): Promise<Finished> => {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (data) => {
    stdout += data
  })
  child.stderr?.on('data', (data) => {
    stderr += data
  })
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

describe.skipIf(!BUILT)('weir as a process', () => {
  it('reads a capture from standard input and exits with the code of the run', async () => {
    const child = start(['-r', '-', '--rule', RULE, '-U', '-A', 'json'])
    const done = finished(child)
    const bytes = capture(2)
    child.stdin?.end(bytes.subarray(0, bytes.length - 5))
    const { code, stdout, stderr } = await done
    expect(lines(stdout)).toHaveLength(2)
    expect(stderr).toContain('weir: standard input: packet ')
    expect(code).toBe(1)
  })

  it('prints local times in the zone of TZ', async () => {
    const file = directory.file('c.pcap', capture(1))
    const argv = ['-r', file, '--rule', RULE, '-q']
    const kolkata = await finished(start(argv, { TZ: 'Asia/Kolkata' }))
    expect(kolkata.stdout).toMatch(/^11\/15-03:43:20\./)
    const johns = await finished(start([...argv, '-A', 'eve'], { TZ: 'America/St_Johns' }))
    expect(johns.stdout).toMatch(/^\{"timestamp":"2023-11-14T18:43:20\.\d{6}-0330"/)
    const utc = await finished(start([...argv, '-U'], { TZ: 'Asia/Kolkata' }))
    expect(utc.stdout).toMatch(/^11\/14-22:13:20\./)
  })

  it('ends quietly when the reader of its output leaves', async () => {
    const file = directory.file('c.pcap', capture(2000))
    const child = start(['-r', file, '--rule', RULE, '-A', 'eve'])
    child.stdout?.once('data', () => child.stdout?.destroy())
    const { code, signal, stderr } = await finished(child)
    expect([code, signal]).toEqual([0, null])
    expect(stderr).not.toMatch(/error|EPIPE/i)
  })

  it('gives a slow reader everything', async () => {
    const file = directory.file('c.pcap', capture(1000))
    const child = start(['-r', file, '--rule', RULE, '-q', '-A', 'json'])
    child.stdout?.pause()
    const done = finished(child)
    child.stdout?.pause()
    setTimeout(() => child.stdout?.resume(), 300)
    expect(lines((await done).stdout)).toHaveLength(1000)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'writes everything it has found when told to stop by %s',
    async (signal) => {
      const child = start(['-r', '-', '--rule', RULE, '-l', directory.path])
      const done = finished(child)
      // The input stays open: only the signal ends the run.
      child.stdin?.write(capture(3))
      child.stdin?.on('error', () => {})
      let begun = ''
      child.stderr?.on('data', (data) => {
        begun += data
      })
      while (!begun.includes('weir ')) await new Promise((resolve) => setTimeout(resolve, 20))
      await new Promise((resolve) => setTimeout(resolve, 300))
      child.kill(signal)
      const { code, stderr } = await done
      expect(code).toBe(0)
      expect(stderr).toContain(`stopped by ${signal}`)
      expect(stderr).toContain('3 alerts by 1 rule')
      expect(lines(readFileSync(join(directory.path, 'alert_fast.txt'), 'utf8'))).toHaveLength(3)
    },
  )

  it('prints with several threads exactly what it prints with one', async () => {
    // Finished and unfinished connections, some of which time out while others go on.
    const packets = Array.from({ length: 300 }, (_, index) => {
      const all = dialogue([`a secret question ${index}`, 'an answer', 'one more secret'], {
        client: `10.0.${index % 7}.1`,
        clientPort: 10_000 + index,
        start: 1_700_000_000 + index * 20,
      })
      return index % 3 === 0 ? all.slice(0, -4) : all
    }).flat()
    const file = directory.file('c.pcap', pcapBytes(packets))
    const second =
      'alert tcp any any -> any any (msg:"often"; content:"secret"; detection_filter:track by_src, count 3, seconds 900; sid:10;)'
    const argv = ['-r', file, file, '--rule', RULE, '--rule', second, '-U', '-q', '-A', 'eve']
    const one = await finished(start(argv))
    expect(lines(one.stdout).length).toBeGreaterThan(600)
    for (const threads of ['-j2', '-z3']) {
      const several = await finished(start([...argv, threads]))
      expect(several.stderr).toBe('')
      expect(several.code).toBe(0)
      expect(several.stdout === one.stdout, threads).toBe(true)
    }
  })

  it('knows FTP data connections for what they are, whatever the number of threads', async () => {
    const packets = Array.from({ length: 24 }, (_, index) => {
      const hosts = { client: `10.0.0.${index}`, server: '10.0.1.2' }
      const start = 1_700_000_000 + index
      const control = conversation({ ...hosts, serverPort: 21, start })
        .handshake()
        .server('220 FTP ready\r\n')
        .client('USER a\r\n')
        .server('331 go on\r\n')
        .client('PASV\r\n')
        .server('227 Entering (10,0,1,2,82,11)\r\n')
        .client('RETR x\r\n')
        .server('150 ok\r\n')
      const data = conversation({ ...hosts, clientPort: 40_000, serverPort: 21_003, start: start + 0.5 })
      return [...control.packets(), ...data.handshake().server('uid=0(root)').close().packets()]
    }).flat()
    const file = directory.file('ftp.pcap', pcapBytes(packets))
    const rule =
      'alert tcp any any -> any any (flow:to_client; file_data; content:"root"; metadata:service ftp-data; sid:2;)'
    for (const threads of ['1', '2', '3']) {
      const { stdout } = await finished(start(['-r', file, '--rule', rule, '-q', '-j', threads]))
      expect(lines(stdout), threads).toHaveLength(24)
    }
  })

  it('reports a capture cut short once, whatever the number of threads', async () => {
    const bytes = capture(3)
    const file = directory.file('cut.pcap', bytes.subarray(0, bytes.length - 5))
    const { code, stdout, stderr } = await finished(start(['-r', file, '--rule', RULE, '-q', '-j', '2']))
    expect(code).toBe(1)
    expect(lines(stdout)).toHaveLength(3)
    expect(lines(stderr)).toHaveLength(1)
  })

  it('with several threads stops when the reader of its output leaves', async () => {
    const file = directory.file('c.pcap', capture(2000))
    const child = start(['-r', file, '--rule', RULE, '-A', 'eve', '-j', '2'])
    child.stdout?.once('data', () => child.stdout?.destroy())
    const { code, stderr } = await finished(child)
    expect(code).toBe(0)
    expect(stderr).not.toMatch(/error|EPIPE/i)
  })

  it('starts from rules kept earlier, and anew when they are damaged', async () => {
    const cache = join(directory.path, 'cache')
    const file = directory.file('c.pcap', capture(1))
    const text = Array.from({ length: 150 }, (_, i) => RULE.replace('sid:9', `sid:${i + 1}`)).join('\n')
    const argv = ['-r', file, '-R', directory.file('many.rules', text), '-A', 'json']
    const run = (): Promise<Finished> => finished(start(argv, { WEIR_CACHE: cache }))
    const first = await run()
    expect(lines(first.stdout)).toHaveLength(150)
    const kept = await run()
    expect(kept.stdout).toBe(first.stdout)
    expect(kept.stderr).not.toContain('cache')
    for (const name of readdirSync(cache)) {
      const path = join(cache, name)
      const bytes = readFileSync(path)
      bytes[bytes.length - 1]! ^= 1
      writeFileSync(path, bytes)
    }
    const damaged = await run()
    expect(damaged.stdout).toBe(first.stdout)
    expect(damaged.stderr).toContain(`cache: a damaged or foreign file in ${cache} was removed`)
    expect((await run()).stderr).not.toContain('cache')
  })

  it.skipIf(!BUNDLED)('does the same from its bundle as from its modules', async () => {
    const file = directory.file('c.pcap', capture(20))
    const modules = { WEIR_DEBUG: '1' }
    for (const argv of [
      ['-r', file, '--rule', RULE, '-A', 'json'],
      ['-r', file, '--rule', RULE, '-A', 'json', '-j', '2'],
      ['-r', 'signatures/demo.pcap', '-q'],
      ['--help'],
      ['-r', 'nowhere.pcap'],
    ]) {
      const [bundled, loose] = await Promise.all([finished(start(argv)), finished(start(argv, modules))])
      const timeless = (text: string): string => text.replace(/[\d.,]+ (s|CPU|Gbit|Mbit|packets)\b.*/g, '')
      expect(timeless(bundled.stderr)).toBe(timeless(loose.stderr))
      expect([bundled.stdout, bundled.code]).toEqual([loose.stdout, loose.code])
    }
  })
})
