/** The example programs, run on small captures. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import {
  conversation,
  merge,
  resegment,
  type TestPacket,
  udpExchange,
} from '../../test/support/conversation.js'
import { TCP_FLAG } from '../../test/support/frames.js'
import { writePcap } from '../../test/support/pcap.js'
import { bpfUnavailable } from '../src/index.js'
import { bump } from './support/bump.js'

const { SYN, RST, ACK } = TCP_FLAG
const argv = process.argv
const examples = new URL('../examples/', import.meta.url)
const demo = fileURLToPath(new URL('../../signatures/demo.pcap', import.meta.url))

afterEach(() => {
  process.argv = argv
  vi.restoreAllMocks()
  vi.resetModules()
})

/** What the program prints, given packets or a capture. */
async function run(
  program: () => Promise<unknown>,
  input: readonly TestPacket[] | string,
  ...words: readonly string[]
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-example-'))
  const capture = typeof input === 'string' ? input : join(folder, 'capture.pcap')
  if (typeof input !== 'string') writePcap(capture, input)
  process.argv = [argv[0]!, 'example', capture, ...words]
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => lines.push(words.join(' ')))
  await program()
  rmSync(folder, { recursive: true })
  return lines
}

it('are short, and each has its page, listed in the README', () => {
  const names = readdirSync(examples).filter((name) => name.endsWith('.ts'))
  const index = readFileSync(new URL('README.md', examples), 'utf8')
  for (const name of names) {
    const page = name.replace('.ts', '.md')
    expect(readFileSync(new URL(name, examples), 'utf8').split('\n').length, name).toBeLessThanOrEqual(100)
    expect(readFileSync(new URL(page, examples), 'utf8')).toContain(`dist/${name.replace('.ts', '.js')}`)
    expect(index).toContain(`(${page})`)
  }
})

describe('syn-retransmit', () => {
  const program = () => import('../examples/syn-retransmit.js')
  /** A connection whose SYN is sent `tries` times. */
  const connection = (clientPort: number, server: string, tries: number): TestPacket[] => {
    const c = conversation({ clientPort, server, step: 1000 })
    for (let i = 1; i < tries; i++)
      c.segment('client', { seq: c.seq('client'), flags: SYN, ack: 0 }).delay(1000)
    return c.handshake().client('data').client('data').close().packets()
  }

  it('counts SYNs that were sent again, per server', async () => {
    const packets = merge(
      connection(1, '192.0.2.1', 1),
      connection(2, '192.0.2.1', 3),
      connection(3, '192.0.2.1', 2),
      connection(5, '192.0.2.2', 6),
    )
    expect((await run(program, packets)).sort()).toEqual(['192.0.2.1 3', '192.0.2.2 5'])
  })

  it('counts neither repeated SYN+ACKs, nor repeated data, nor new connections on an old port', async () => {
    const c = conversation({ clientPort: 7 }).segment('client', { flags: SYN, ack: 0 })
    c.segment('server', { seq: c.seq('server'), flags: SYN | ACK }).segment('server', { flags: SYN | ACK })
    c.ack('client')
      .segment('client', { seq: c.seq('client'), payload: 'x' })
      .client('x')
      .close()
    const again = conversation({ clientPort: 7, clientIsn: 9_000_000, start: 1_700_000_009 }).handshake()
    expect(await run(program, [...c.packets(), ...again.packets()])).toEqual([])
  })
})

it('connections prints one line per connection', async () => {
  const packets = merge(
    conversation({ clientPort: 1 }).handshake().client('ask').server('answer').close().packets(),
    conversation({ clientPort: 2 }).handshake().client('a').skip('client', 7).client('b').packets(),
  )
  expect(await run(() => import('../examples/connections.js'), packets)).toEqual([
    '203.0.113.5:1 > 192.0.2.80:80 proto 6 fin after 0.001 s, 3 bytes up, 6 bytes down, 0 missing',
    '203.0.113.5:2 > 192.0.2.80:80 proto 6 shutdown after 0.001 s, 2 bytes up, 0 bytes down, 7 missing',
  ])
})

describe.skipIf(bpfUnavailable() !== '')('web-monitor', () => {
  const program = () => import('../examples/web-monitor.js')
  const last = async (input: readonly TestPacket[] | string, ...words: readonly string[]) =>
    (await run(program, input, ...words)).at(-1)

  it('counts opened, closed and ongoing connections to port 80, each second', async () => {
    const slow = (clientPort: number) => conversation({ clientPort }).handshake().delay(2500)
    const packets = merge(
      slow(1).close().packets(),
      slow(2).client('x').packets(),
      conversation({ clientPort: 3 }).handshake().rst('server').packets(),
      conversation({ clientPort: 4, serverPort: 443 }).handshake().packets(),
    )
    expect(await run(program, packets)).toEqual([
      '0.0 s: 0 ongoing, 0 opened, 0 closed',
      '2.5 s: 2 ongoing, 3 opened, 1 closed',
      '2.5 s: 1 ongoing, 3 opened, 2 closed',
    ])
    vi.resetModules()
    expect((await run(program, packets, 'packets')).at(-1)).toBe('2.5 s: 1 ongoing, 3 opened, 2 closed')
  })

  it('is right where flags alone mislead: repeated SYNs, answered RSTs', async () => {
    const c = conversation().segment('client', { flags: SYN, ack: 0 })
    c.segment('client', { flags: SYN, ack: 0, seq: c.seq('client') - 1 })
    c.segment('server', { flags: SYN | ACK })
      .ack('client')
      .rst('client')
      .segment('server', { flags: RST })
    expect(await last(c.packets())).toMatch('0 ongoing, 1 opened, 1 closed')
    vi.resetModules()
    expect(await last(c.packets(), 'packets')).toMatch('0 ongoing, 2 opened, 2 closed')
  })

  it('counts both address families of a real capture', async () => {
    expect(await last(demo)).toBe('28.9 s: 0 ongoing, 17 opened, 17 closed')
  })
})

describe('midstat', () => {
  const program = () => import('../examples/midstat.js')

  it('prints the states of both sides, each second', async () => {
    const packets = merge(
      conversation({ clientPort: 1 }).handshake().delay(1500).client('x').close().packets(),
      conversation({ clientPort: 2 }).handshake().delay(1000).fin('client').ack('server').packets(),
      conversation({ clientPort: 3 }).segment('client', { flags: SYN, ack: 0 }).packets(),
    )
    const lines = await run(program, packets)
    expect(lines[1]).toBe('\n2023-11-14T22:13:21.000Z: 3 connections')
    expect(lines.slice(2, 6).map((line) => line.split(/ {2,}/))).toEqual([
      ['Client', 'Server', 'Client state', 'Server state'],
      ['203.0.113.5:1', '192.0.2.80:80', 'ESTABLISHED', 'ESTABLISHED'],
      ['203.0.113.5:2', '192.0.2.80:80', 'ESTABLISHED', 'ESTABLISHED'],
      ['203.0.113.5:3', '192.0.2.80:80', 'SYN-SENT', 'SYN-RECEIVED'],
    ])
    expect(lines.at(-4)).toMatch(/: 2 connections$/)
    expect(lines.at(-2)).toMatch(/:2 .* FIN-WAIT-2 +CLOSE-WAIT$/)
  })
})

describe('accounting', () => {
  const program = () => import('../examples/accounting.js')

  it('does not charge what is really repeated, and charges what only claims to be', async () => {
    const honest = conversation({ client: '203.0.113.5' })
      .handshake()
      .client('a'.repeat(1000))
      .segment('client', { seq: 1001, payload: 'a'.repeat(100) })
      .server('b'.repeat(1900))
      .close()
    const cheat = conversation({ client: '203.0.113.6' }).handshake().client('a'.repeat(1000))
    for (let i = 0; i < 2; i++) cheat.segment('client', { seq: 1001, payload: 'x'.repeat(1000) })
    const half = conversation({ client: '203.0.113.7' })
      .handshake()
      .client('a'.repeat(1000))
      .segment('client', { seq: 1501, payload: 'a'.repeat(1000) })
    expect(await run(program, [...honest.packets(), ...cheat.packets(), ...half.packets()])).toEqual([
      '203.0.113.5 charged 2900, not charged 100',
      '203.0.113.6 charged 3000, not charged 0 FREE-RIDING: 2000 bytes in fake retransmissions',
      '203.0.113.7 charged 1500, not charged 500',
    ])
  })

  it('charges what is too old to compare', async () => {
    const c = conversation().handshake().client(new Uint8Array(100_000))
    c.segment('client', { seq: 1001, payload: 'x'.repeat(10) })
    expect(await run(program, c.packets())).toEqual(['203.0.113.5 charged 100010, not charged 0'])
  })
})

describe('http-log', () => {
  const program = () => import('../examples/http-log.js')
  const targets = (lines: readonly string[]) => lines.map((line) => line.split(' ').slice(2).join(' '))
  const requests = [
    'GET /a HTTP/1.1\r\nHost: one.example\r\n\r\n',
    'POST /b HTTP/1.1\r\nhost:two.example \r\nContent-Length: 26\r\n\r\nGET /no HTTP/1.1\r\nHost: x\r\n',
    'HEAD /c HTTP/1.0\r\n\r\n',
  ]
  const logged = ['GET one.example /a', 'POST two.example /b', 'HEAD 192.0.2.80:80 /c']

  it('logs requests however they are cut or joined', async () => {
    const packets = conversation()
      .handshake()
      .client(requests.join(''))
      .server('HTTP/1.1 200 OK\r\n\r\n')
      .packets()
    for (const size of [1, 2, 7, 1460]) {
      vi.resetModules()
      const lines = await run(program, resegment(packets, size))
      expect(targets(lines), `${size} bytes`).toEqual(logged)
      expect(lines[0]).toMatch(/^2023-11-14T22:13:20\.\d{3}Z 203\.0\.113\.5 GET /)
    }
  })

  it('gives up what is not HTTP, has no known length, is too long, or has a gap', async () => {
    const get = 'GET /never HTTP/1.1\r\n\r\n'
    for (const before of [
      'SSH-2.0-x\r\n\r\n',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
      `GET /${'x'.repeat(20_000)}`,
    ]) {
      vi.resetModules()
      const lines = await run(program, conversation().handshake().client(before).client(get).packets())
      expect(targets(lines).join()).not.toContain('never')
    }
    vi.resetModules()
    const gap = conversation().handshake().client('GET /').skip('client', 5).client(get)
    expect(await run(program, gap.packets())).toEqual([])
  })

  it('reads the bundled capture', async () => {
    const lines = await run(program, demo)
    expect(lines[0]).toBe(
      '2026-11-21T09:30:00.001Z 203.0.113.11 GET www.example.com /home?from=menu&visit=10',
    )
    expect(lines.length).toBeGreaterThan(40)
  })
})

describe.skipIf(bpfUnavailable() !== '')('firewall', () => {
  const program = () => import('../examples/firewall.js')
  const folder = mkdtempSync(join(tmpdir(), 'weir-rules-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const judge = async (text: string, packets: readonly TestPacket[]): Promise<string[]> => {
    const rules = join(folder, 'rules.txt')
    const capture = join(folder, 'firewall.pcap')
    writeFileSync(rules, text)
    writePcap(capture, packets)
    return run(program, rules, capture)
  }

  it('judges the first packet of a flow, lets its answers pass, and drops what has no connection', async () => {
    const packets = [
      ...conversation({ clientPort: 1 }).handshake().client('ask').server('answer').close().packets(),
      ...conversation({ clientPort: 2, serverPort: 22 }).handshake().packets().slice(0, 1),
      ...conversation({ clientPort: 3, client: '203.0.113.66' }).handshake().packets().slice(0, 1),
      ...conversation({ clientPort: 4 }).ack('client').packets(),
      ...udpExchange([['client', 'query']], { serverPort: 53 }),
    ]
    const rules =
      '# comment\n\ndrop src host 203.0.113.66\naccept tcp dst port 80\n accept udp dst port 53 \n'
    expect(await judge(rules, packets)).toEqual([
      'dropped 203.0.113.5:2 > 192.0.2.80:22 (drop)',
      'dropped 203.0.113.66:3 > 192.0.2.80:80 (drop src host 203.0.113.66)',
      'dropped 203.0.113.5:4 > 192.0.2.80:80 (no connection)',
      '     1 flows: drop src host 203.0.113.66',
      '     1 flows: accept tcp dst port 80',
      '     1 flows: accept udp dst port 53',
      '     1 flows: drop',
    ])
  })

  it('says which line is not a rule', async () => {
    await expect(judge('permit tcp', [])).rejects.toThrow('not a rule: permit tcp')
    vi.resetModules()
    await expect(judge('accept tcp dst prot 80', [])).rejects.toThrow(/prot/)
  })
})

describe('nat', async () => {
  process.argv = [argv[0]!, 'example']
  const { translate } = await import('../examples/nat.js')
  process.argv = argv
  const outside = '198.51.100.7'
  const ends = { client: '10.0.0.5', clientPort: 4321 }
  const addresses = ({ packet: p }: ReturnType<typeof bump>['out'][number]): string =>
    `${p.address(0)}:${p.sourcePort} > ${p.address(1)}:${p.destinationPort}`

  /** The packets of both sides as each of them sends them: the server knows the client by its outside address. */
  const translated = (talk: (options: object) => TestPacket[], port: number): TestPacket[] => {
    const theirs = talk({ client: outside, clientPort: port })
    return talk(ends).map((packet, i) => (packet.from === 'client' ? packet : theirs[i]!))
  }

  it('translates both ways, with right checksums, and hands out a port for each flow', () => {
    const { stack, out, pass } = bump({ checksums: 'verify' })
    translate(stack, outside, 5000)
    const tcp = (options: object) =>
      conversation(options).handshake().client('ask').server('answer').close().packets()
    pass(translated(tcp, 5000))
    pass(
      translated(
        (options) =>
          udpExchange(
            [
              ['client', 'x'],
              ['server', 'y'],
            ],
            options,
          ),
        5001,
      ),
    )
    expect(new Set(out.map(addresses))).toEqual(
      new Set([
        `${outside}:5000 > 192.0.2.80:80`,
        '192.0.2.80:80 > 10.0.0.5:4321',
        `${outside}:5001 > 192.0.2.80:80`,
      ]),
    )
    expect(out.map(({ text }) => text).filter((text) => text !== '')).toEqual(['ask', 'answer', 'x', 'y'])
    expect(stack.counters).toMatchObject({ tcpFlows: 1, udpFlows: 1, orphans: 0, droppedPackets: 0 })
  })

  it('lets nothing in that nobody inside asked for', () => {
    const { stack, out, pass } = bump()
    translate(stack, outside, 5000)
    const inward = (port: number) =>
      conversation({ client: outside, clientPort: port }).segment('server', { flags: SYN, ack: 0 }).packets()
    const open = translated((options) => conversation(options).handshake().packets(), 5000)
    pass([...inward(5000), ...open, ...inward(5001)])
    const other = conversation({ client: outside, clientPort: 5000, server: '192.0.2.66' })
    pass(other.segment('server', { flags: SYN, ack: 0 }).packets())
    expect(out.length).toBe(3)
  })

  it('gives ports back four minutes after the end, and drops what has none', () => {
    const { stack, out, pass } = bump()
    translate(stack, outside, 65_535)
    const start = 1_700_000_000
    const talk = (options: object) =>
      conversation({ start, ...options })
        .handshake()
        .close()
        .packets()
    pass(translated(talk, 65_535))
    const before = out.length
    const next = (seconds: number) =>
      conversation({ ...ends, clientPort: 7, start: start + seconds })
        .handshake()
        .packets()
        .slice(0, 1)
    pass(next(200))
    expect(out.length).toBe(before)
    pass(next(250))
    expect(addresses(out.at(-1)!)).toBe(`${outside}:65535 > 192.0.2.80:80`)
  })

  it('drops what it cannot translate', () => {
    const { stack, out, pass } = bump()
    translate(stack, outside)
    pass(conversation({ client: 'fd00::1', server: 'fd00::2' }).handshake().packets())
    expect(out).toEqual([])
  })
})
