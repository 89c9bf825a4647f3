import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { conversation, type TestPacket } from '../../test/support/conversation.js'
import { pcapBytes } from '../../test/support/pcap.js'
import { lines, runCli, temporaryDirectory } from './cli-support.js'

const directory = temporaryDirectory()

const RULE =
  'alert tcp any any -> any 80 (msg:"probe"; flow:to_server,established; content:"/attack"; http_uri; ' +
  'reference:cve,2014-6271; classtype:web-application-attack; metadata:service http; sid:1000; rev:2;)'
const DROP = 'drop tcp any any -> any 80 (msg:"other"; content:"attack"; nocase; sid:1001;)'

const REQUEST = 'GET /attack HTTP/1.1\r\nHost: example.com\r\nUser-Agent: t/1\r\n\r\n'
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** One connection from 10.0.0.`host`; the request is packet 4, its inspection complete when the server answers. */
const connection = (host: number): TestPacket[] =>
  conversation({
    client: `10.0.0.${host}`,
    server: '10.9.9.9',
    clientPort: 4000 + host,
    serverPort: 80,
    start: 1_700_000_000 + host,
  })
    .handshake()
    .client(REQUEST)
    .server(RESPONSE)
    .close()
    .packets()

const capture = (hosts: readonly number[] = [1]): Uint8Array => pcapBytes(hosts.flatMap(connection))

const writeCapture = (hosts?: readonly number[]): string => directory.file('c.pcap', capture(hosts))

const UTC = ['-U', '-q'] as const

describe('reading captures', () => {
  it('prints one line per alert and nothing else on standard output', async () => {
    const { code, stdout, stderr } = await runCli(['-r', writeCapture(), '--rule', RULE, ...UTC])
    expect(code).toBe(0)
    expect(stderr).toBe('')
    expect(lines(stdout)).toHaveLength(1)
    expect(stdout).toMatch(
      /^11\/14-22:13:21\.\d{6} \[\*\*\] \[1:1000:2\] "probe" \[\*\*\] \[Classification: Web Application Attack\] \[Priority: 1\] \{TCP\} 10\.0\.0\.1:4001 -> 10\.9\.9\.9:80\n$/,
    )
  })

  it('takes glued values and Snort spellings of formats', async () => {
    const file = writeCapture()
    const fast = await runCli(['-r', file, '--rule', RULE, ...UTC])
    expect((await runCli(['-r', file, '--rule', RULE, ...UTC, '-Afast'])).stdout).toBe(fast.stdout)
    expect((await runCli(['-r', file, '--rule', RULE, ...UTC, '-A', 'console'])).stdout).toBe(fast.stdout)
    expect((await runCli([`-r${file}`, '--rule', RULE, ...UTC, '-A', 'alert_fast'])).stdout).toBe(fast.stdout)
  })

  it('writes the same bytes every time', async () => {
    const file = writeCapture([1, 2, 3])
    for (const format of ['fast', 'full', 'cmg', 'csv', 'json', 'eve']) {
      const argv = ['-r', file, '--rule', RULE, '--rule', DROP, ...UTC, '-A', format]
      const [first, second] = [await runCli(argv), await runCli(argv)]
      expect(first.stdout.length).toBeGreaterThan(100)
      expect(second.stdout).toBe(first.stdout)
    }
  })

  it('counts packets over several files, plain and gzip', async () => {
    const one = directory.file('1.pcap', capture([1]))
    const two = directory.file('2.pcap.gz', gzipSync(capture([2])))
    const { code, stdout } = await runCli(['-r', one, two, '--rule', RULE, ...UTC, '-A', 'json'])
    expect(code).toBe(0)
    const alerts = lines(stdout).map((line) => JSON.parse(line) as { pkt_num: number; src_addr: string })
    expect(alerts.map(({ src_addr }) => src_addr)).toEqual(['10.0.0.1', '10.0.0.2'])
    const length = connection(1).length
    expect(alerts[1]!.pkt_num).toBe(alerts[0]!.pkt_num + length)
  })

  it('stops after -n packets', async () => {
    const { code, stdout, stderr } = await runCli([
      '-r',
      writeCapture([1, 2]),
      '--rule',
      RULE,
      '-U',
      '-n',
      '9',
    ])
    expect(code).toBe(0)
    expect(lines(stdout)).toHaveLength(1)
    expect(stderr).toContain('9 packets, ')
  })

  it('goes by file, not by the wall clock, and by -y and --alert-style', async () => {
    const { stdout } = await runCli([
      '-r',
      writeCapture(),
      '--rule',
      RULE,
      ...UTC,
      '-y',
      '--alert-style',
      'snort2',
    ])
    expect(stdout).toMatch(/^11\/14\/23-22:13:21\.\d{6} {2}\[\*\*\] \[1:1000:2\] probe \[\*\*\]/)
  })

  it('marks what an inline sensor would drop', async () => {
    const { stdout } = await runCli(['-r', writeCapture(), '--rule', DROP, ...UTC])
    expect(stdout).toContain(' [would_drop] [**] [1:1001:')
  })

  it('applies suppress and event_filter of snort.conf', async () => {
    const conf = (filter: string): string => directory.file('snort.conf', `${RULE}\n${filter}\n`)
    const argv = (filter: string): string[] => ['-r', writeCapture([1, 2]), '-c', conf(filter), ...UTC]
    expect(lines((await runCli(argv(''))).stdout)).toHaveLength(2)
    const suppressed = await runCli(argv('suppress gen_id 1, sig_id 1000, track by_src, ip 10.0.0.1'))
    expect(suppressed.stdout).not.toContain('10.0.0.1:')
    expect(suppressed.stdout).toContain('10.0.0.2:')
    const limited = await runCli(
      argv('event_filter gen_id 1, sig_id 1000, type limit, track by_dst, count 1, seconds 600'),
    )
    expect(lines(limited.stdout)).toHaveLength(1)
  })

  it('gives references as links', async () => {
    directory.file('reference.config', 'config reference: cve https://cve.example/\n')
    const rules = directory.file('r.rules', RULE)
    const { stdout } = await runCli(['-r', writeCapture(), '-R', rules, ...UTC, '-A', 'full'])
    expect(stdout).toContain('[Xref => https://cve.example/2014-6271]')
  })

  it('writes EVE with the HTTP transaction', async () => {
    const { stdout } = await runCli(['-r', writeCapture(), '--rule', RULE, ...UTC, '-A', 'eve'])
    const event = JSON.parse(stdout) as Record<string, unknown>
    expect(event).toMatchObject({
      event_type: 'alert',
      src_ip: '10.0.0.1',
      dest_port: 80,
      app_proto: 'http',
      direction: 'to_server',
      alert: { signature_id: 1000, category: 'Web Application Attack', severity: 1 },
      http: { hostname: 'example.com', url: '/attack', http_user_agent: 't/1', http_method: 'GET' },
    })
    expect(Buffer.from(String(event.payload), 'base64').toString()).toBe(REQUEST)
  })
})

describe('alert files', () => {
  it('go to the directory of -l, several formats at once', async () => {
    const argv = [
      '-r',
      writeCapture(),
      '--rule',
      RULE,
      ...UTC,
      '-A',
      'fast,json',
      '-A',
      'eve',
      '-l',
      directory.path,
    ]
    const { code, stdout } = await runCli(argv)
    expect([code, stdout]).toEqual([0, ''])
    expect(readFileSync(join(directory.path, 'alert_fast.txt'), 'utf8')).toContain('[1:1000:2]')
    expect(JSON.parse(readFileSync(join(directory.path, 'alert_json.txt'), 'utf8'))).toMatchObject({
      sid: 1000,
    })
    expect(JSON.parse(readFileSync(join(directory.path, 'eve.json'), 'utf8'))).toMatchObject({ pcap_cnt: 4 })
  })

  it('saves the packets behind alerts', async () => {
    const argv = [
      '-r',
      writeCapture([1, 2]),
      '--rule',
      RULE,
      '-U',
      '-A',
      'none',
      '-L',
      'pcap',
      '-l',
      directory.path,
    ]
    const { code, stderr } = await runCli(argv, { now: () => 1_700_000_123_000 })
    expect(code).toBe(0)
    expect(stderr).toContain('log.pcap.1700000123: 2 packets')
    const again = await runCli(argv, { now: () => 1_700_000_123_000 })
    expect(again.stderr).toContain('log.pcap.1700000123.1: 2 packets')
    const log = join(directory.path, 'log.pcap.1700000123')
    const { stdout } = await runCli(['flows', '-r', log, '-q'])
    expect(stdout).toContain('10.0.0.2:4002')
  })

  it('that cannot be written end the run with exit code 1', async () => {
    const missing = join(directory.path, 'none')
    const { code, stderr } = await runCli(['-r', writeCapture(), '--rule', RULE, '-q', '-l', missing])
    expect(code).toBe(1)
    expect(stderr).toBe(`weir: cannot write ${join(missing, 'alert_fast.txt')}: no such file or directory\n`)
  })

  it.skipIf(process.getuid?.() === 0)('say when permission is missing', async () => {
    const locked = join(directory.path, 'locked')
    mkdirSync(locked)
    chmodSync(locked, 0o500)
    const { code, stderr } = await runCli(['-r', writeCapture(), '--rule', RULE, '-q', '-l', locked])
    expect(code).toBe(1)
    expect(stderr).toContain('permission denied')
  })

  it('on a full disk end the run with exit code 1', async () => {
    const { code, stderr } = await runCli(['-r', writeCapture(), '--rule', RULE, '-q'], {
      onStdout: () => {
        throw Object.assign(new Error('x'), { code: 'ENOSPC' })
      },
    })
    expect(code).toBe(1)
    expect(stderr).toBe('weir: cannot write standard output: no space left on device\n')
  })

  it('end the run quietly when the reader of standard output has gone', async () => {
    const { code, stderr } = await runCli(['-r', writeCapture(), '--rule', RULE, '-q'], {
      onStdout: () => {
        throw Object.assign(new Error('x'), { code: 'EPIPE' })
      },
    })
    expect([code, stderr]).toEqual([0, ''])
  })
})

describe('captures that cannot be read', () => {
  const run = (file: string, ...more: string[]) => runCli(['-r', file, ...more, '--rule', RULE, ...UTC])

  it('are refused before anything is done when they are not there', async () => {
    const file = writeCapture()
    const { code, stdout, stderr } = await run(file, join(directory.path, 'nope'))
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toBe(`weir: ${join(directory.path, 'nope')}: no such file\n`)
    expect((await run(directory.path)).stderr).toContain('is a directory, not a capture file')
  })

  it('are read to the last whole packet when cut short', async () => {
    const bytes = capture([1, 2])
    const file = directory.file('cut.pcap', bytes.subarray(0, bytes.length - 20))
    const { code, stdout, stderr } = await run(file)
    expect(code).toBe(1)
    expect(lines(stdout)).toHaveLength(2)
    expect(lines(stderr)).toHaveLength(1)
    expect(stderr).toMatch(/^weir: .*cut\.pcap: packet \d+/)
  })

  it('do not stop the ones behind them', async () => {
    const garbage = directory.file('garbage', Buffer.from('this is no capture file at all, not even nearly'))
    const { code, stdout, stderr } = await run(garbage, writeCapture())
    expect(code).toBe(1)
    expect(lines(stdout)).toHaveLength(1)
    expect(stderr).toContain(`weir: ${garbage}: `)
  })

  it('empty', async () => {
    const { code, stderr } = await run(directory.file('empty', ''))
    expect(code).toBe(1)
    expect(lines(stderr)).toHaveLength(1)
  })
})

describe('inline', () => {
  it('drops what rules say, and shows it', async () => {
    const { stdout, code } = await runCli(['-r', writeCapture([1]), '-Q', '--rule', DROP, '-U', '-q'])
    expect(stdout).toContain(' [drop] [**] [1:1001:')
    expect(code).toBe(0)
  })

  it.each([
    [['-Q', '-i', 'eth0'], 'two interfaces'],
    [['-Q', '-i', 'eth0:'], 'two interfaces'],
    [['-Q', '-r', 'x', '-j', '2'], 'one thread'],
  ])('%s is refused', async (args, cause) => {
    const { stderr, code } = await runCli(args)
    expect(stderr).toContain(cause)
    expect(code).toBe(2)
  })
})

describe('summary', () => {
  it('counts packets, flows, alerts by rule, and names the engine', async () => {
    const other = DROP.replace('drop', 'alert')
    const { stderr } = await runCli(['-r', writeCapture([1, 2]), '--rule', RULE, '--rule', other, '-U'])
    expect(stderr).toMatch(/^weir \d+\.\d+\.\d+: 2 rules; /)
    expect(stderr).toContain(`${connection(1).length * 2} packets, `)
    expect(stderr).toContain('2 flows')
    expect(stderr).toMatch(/engine: .*(Hyperscan|Aho-Corasick)/i)
    expect(stderr).toContain('4 alerts by 2 rules:\n         2  1:1000:2  probe\n         2  1:1001:')
  })

  it('names the engine that was asked for', async () => {
    const argv = ['-r', writeCapture(), '--rule', RULE, '-U', '--engine', 'aho-corasick']
    const { stdout, stderr } = await runCli(argv)
    expect(stderr).toMatch(/engine: Aho-Corasick/i)
    expect(lines(stdout)).toHaveLength(1)
  })

  it('says how many rules were skipped, and why', async () => {
    const { stderr } = await runCli([
      '-r',
      writeCapture(),
      '--rule',
      RULE,
      '--rule',
      `${RULE.replace('sid:1000', 'sid:7; nope')}`,
    ])
    expect(stderr).toContain('rules: 1 loaded, 1 skipped: 1 × unknown option: nope')
  })

  it('explains wrong checksums and how to inspect such packets', async () => {
    const packets = connection(1).map((packet) => {
      const frame = packet.frame.slice()
      frame[14 + 20 + 16]! ^= 0xff
      return { ...packet, frame }
    })
    const file = directory.file('offload.pcap', pcapBytes(packets))
    const checked = await runCli(['-r', file, '--rule', RULE, '-U'])
    expect(checked.stdout).toBe('')
    expect(checked.stderr).toContain(
      `wrong checksum: ${packets.length} packets ignored; most packets are concerned`,
    )
    expect(checked.stderr).toContain('use -k none')
    const unchecked = await runCli(['-r', file, '--rule', RULE, '-U', '-k', 'none'])
    expect(lines(unchecked.stdout)).toHaveLength(1)
    expect(unchecked.stderr).not.toContain('checksum')
    expect((await runCli(['flows', '-r', file])).stderr).toContain('use -k none')
  })

  it('counts frames that make no sense', async () => {
    const packets = connection(1)
    const frame = packets[0]!.frame.slice(0, 20)
    const { stderr } = await runCli([
      '-r',
      directory.file('m.pcap', pcapBytes([{ ...packets[0]!, frame }])),
      '--rule',
      RULE,
    ])
    expect(stderr).toContain('not decoded: 1 packet: 1 × IPv4 header cut short')
    expect(stderr).toContain('no alerts')
  })
})

describe('signals', () => {
  it('stop reading, but what was read is inspected and written', async () => {
    const { code, stderr } = await runCli(['-r', writeCapture([1, 2, 3]), '--rule', RULE, '-U'], {
      onReady: (raise) => raise('SIGTERM'),
    })
    expect(code).toBe(0)
    expect(stderr).toContain('stopped by SIGTERM')
    expect(stderr).toContain('0 packets')
  })
})

describe('progress', () => {
  it('shows on a terminal only, and wipes itself', async () => {
    const argv = ['-r', writeCapture(), '--rule', RULE, '-U']
    const shown = await runCli(argv, { isTTY: true })
    expect(shown.stderr).toMatch(/\r\u001b\[K.* of .* \(\d+ %\), \d+ packets, \d+ packets\/s/)
    expect(shown.stderr.lastIndexOf('\u001b[K')).toBeLessThan(shown.stderr.indexOf('engine:'))
    expect((await runCli(argv)).stderr).not.toContain('\u001b')
    expect((await runCli([...argv, '-q'], { isTTY: true })).stderr).toBe('')
  })
})

describe('weir flows', () => {
  it('lists every flow with sizes, times and end', async () => {
    const { code, stdout, stderr } = await runCli(['flows', '-r', writeCapture([1, 2]), '-U'])
    expect(code).toBe(0)
    expect(stderr).toContain('2 flows in ')
    const [head, first] = lines(stdout)
    expect(head).toMatch(/^proto client +server +state +packets +back +bytes +back start +seconds end$/)
    expect(first).toMatch(
      /^TCP {3}10\.0\.0\.1:4001 +10\.9\.9\.9:80 .* 2023-11-14T22:13:21\.0\d+\+0000 +0\.\d{6} fin$/,
    )
  })

  it('--json is one object per flow', async () => {
    const { stdout } = await runCli(['flows', '-r', writeCapture([1, 2]), '-U', '--json', '-q'])
    const flows = lines(stdout).map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(flows).toHaveLength(2)
    const sent = connection(1).filter(({ from }) => from === 'client')
    expect(flows[0]).toMatchObject({
      proto: 'TCP',
      client_addr: '10.0.0.1',
      client_port: 4001,
      server_addr: '10.9.9.9',
      server_port: 80,
      client_pkts: sent.length,
      client_bytes: sent.reduce((sum, { frame }) => sum + frame.length, 0),
      midstream: false,
      end: 'fin',
    })
  })

  it('keeps what it knows of a capture cut short', async () => {
    const bytes = capture([1])
    const { code, stdout } = await runCli(['flows', '-r', directory.file('x', bytes.subarray(0, -1)), '-q'])
    expect(code).toBe(1)
    expect(lines(stdout)).toHaveLength(2)
  })
})

describe('the bundled capture', () => {
  const demo = new URL('../../signatures/demo.pcap', import.meta.url).pathname
  it.runIf(existsSync(demo))('raises alerts with the bundled signatures', async () => {
    const { code, stdout, stderr } = await runCli(['-r', demo, '-U'])
    expect(code).toBe(0)
    expect(stderr).toContain('bundled signatures')
    expect(lines(stdout).length).toBeGreaterThan(3)
  })
})

it('leaves nothing open behind', async () => {
  const file = writeCapture()
  const descriptors = (): number => readdirSync('/proc/self/fd').length
  if (!existsSync('/proc/self/fd')) return
  await runCli(['-r', file, '--rule', RULE, '-q', '-l', directory.path, '-L', 'pcap'])
  const before = descriptors()
  for (let run = 0; run < 3; run++)
    await runCli(['-r', file, '--rule', RULE, '-q', '-l', directory.path, '-L', 'pcap'])
  expect(descriptors()).toBe(before)
})
