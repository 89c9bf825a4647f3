import { describe, expect, it } from 'vitest'
import { conversation, merge, type TestPacket } from '../../test/support/conversation.js'
import { pcapBytes } from '../../test/support/pcap.js'
import { lines, runCli, temporaryDirectory } from './cli-support.js'

const directory = temporaryDirectory()

const RULES = `# alert tcp any any -> any any (msg:"off"; content:"x"; sid:7;)
alert tcp any any -> any $HTTP_PORTS (msg:"probe"; flow:to_server,established; content:"/attack"; http_uri; urilen:<20; sid:1000; rev:2;)
alert tcp any any -> any any (msg:"broken"; nosuch:1; sid:8;)
`

const request = (uri: string, clientPort: number, serverPort = 80): TestPacket[] =>
  conversation({ client: '10.0.0.1', server: '10.9.9.9', clientPort, serverPort })
    .handshake()
    .client(`GET ${uri} HTTP/1.1\r\nHost: example.com\r\n\r\n`)
    .close()
    .packets()

const files = (): string[] => {
  const packets = merge(
    request('/attack', 1),
    request('/attack/with/a/long/path', 2),
    request('/', 3),
    request('/attack', 4, 7778),
  )
  const capture = directory.file('c.pcap', pcapBytes(packets))
  return ['-r', capture, '-R', directory.file('t.rules', RULES), '-q']
}

describe('weir explain', () => {
  it('prints a paragraph per flow, furthest first, and a summary', async () => {
    const { code, stdout } = await runCli(['explain', ...files(), '--sid', '1000'])
    expect(code).toBe(0)
    const paragraphs = stdout.split('\n\n')
    expect(paragraphs).toHaveLength(6)
    expect(paragraphs[0]).toMatch(
      /^rule 1:1000:2 "probe" \(.*t\.rules:2:1\)\nalert tcp any any -> any \$HTTP_PORTS \(msg/,
    )
    expect(paragraphs[1]).toMatch(
      /^TCP http 10\.0\.0\.1:1 -> 10\.9\.9\.9:80 \(from packet 1\)\n {4}alerted at packet \d+$/,
    )
    expect(paragraphs[2]).toContain('option 3 of 3, urilen:<20,raw: http_raw_uri has length 24')
    expect(paragraphs[3]).toContain('fast pattern "/attack" not found in http_uri "/"')
    expect(paragraphs[4]).toContain('destination port 7778 is not in $HTTP_PORTS (HTTP_PORTS=[80,81,')
    expect(paragraphs[5]).toBe(
      '4 flows: 1 × alerted, 1 × an option failed, 1 × fast pattern absent, ' +
        '1 × addresses or ports of the rule do not fit (destination port 1)\n',
    )
  })

  it('shows as many flows as asked for', async () => {
    const { stdout } = await runCli(['explain', ...files(), '--sid', '1000', '--flows', '1'])
    expect(stdout).toContain('… and 3 more flows (--flows shows more)')
    expect(stdout).toContain('4 flows: ')
    expect(stdout).not.toContain('destination port 7778')
  })

  it('takes -S, --bpf and -k', async () => {
    const { stdout } = await runCli([
      ...['explain', ...files(), '--sid', '1:1000', '-S', 'HTTP_PORTS=[7778]'],
      ...['--bpf', 'tcp port 7778', '-k', 'none'],
    ])
    expect(stdout).toContain('1 flow: 1 × alerted')
  })

  it('writes one JSON object per flow and a summary', async () => {
    const { code, stdout } = await runCli(['explain', ...files(), '--sid', '1000', '--json'])
    expect(code).toBe(0)
    const rows = lines(stdout).map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(rows.map(({ type }) => type)).toEqual(['flow', 'flow', 'flow', 'flow', 'summary'])
    expect(rows[0]).toMatchObject({ cause: 'alerted', matches: 1, service: 'http', clientPort: 1 })
    expect(rows[1]).toMatchObject({
      type: 'flow',
      gid: 1,
      sid: 1000,
      cause: 'option',
      protocol: 'TCP',
      client: '10.0.0.1',
      server: '10.9.9.9',
      serverPort: 80,
      alerts: [],
      failed: { number: 3, of: 3, buffer: 'http_raw_uri', facts: { length: 24 } },
    })
    expect(rows[2]).toMatchObject({ cause: 'fast_pattern', fastPattern: { pattern: '"/attack"' } })
    expect(rows[3]).toMatchObject({ cause: 'header', headerParts: ['destination port'] })
    expect(rows[4]).toMatchObject({
      flows: 4,
      causes: { alerted: 1, option: 1, fast_pattern: 1, header: 1 },
      wrongChecksums: 0,
    })
  })

  it('says why a rule is not in use, with exit code 3', async () => {
    const given = files()
    const off = await runCli(['explain', ...given, '--sid', '7'])
    expect(off.code).toBe(3)
    expect(off.stdout).toMatch(/^rule 1:7 is not in use: commented out at .*t\.rules:1\n$/)
    const broken = await runCli(['explain', ...given, '--sid', '8'])
    expect(broken.stdout).toMatch(/^rule 1:8 is not in use: .*t\.rules:3:\d+/)
    const unknown = await runCli(['explain', ...given, '--sid', '1001,1000'])
    expect(unknown.stdout).toContain("no rule 1:1001 among 1 loaded; did you mean '1000'?\n")
    expect(unknown.stdout).toContain('1 × alerted')
  })

  it('refuses what makes no sense', async () => {
    expect((await runCli(['explain', '--sid', '1'])).code).toBe(2)
    expect((await runCli(['explain', ...files()])).code).toBe(2)
    expect((await runCli(['explain', ...files(), '--sid', 'x'])).code).toBe(2)
    expect((await runCli(['explain', '-r', 'nosuch.pcap', '--sid', '1'])).code).toBe(1)
  })
})
