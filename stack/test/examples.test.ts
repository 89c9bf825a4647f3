/** The example programs, run on small captures. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { conversation, merge, type TestPacket } from '../../test/support/conversation.js'
import { TCP_FLAG } from '../../test/support/frames.js'
import { writePcap } from '../../test/support/pcap.js'

const { SYN, ACK } = TCP_FLAG
const argv = process.argv

afterEach(() => {
  process.argv = argv
  vi.restoreAllMocks()
  vi.resetModules()
})

/** What the program prints, given the capture. */
async function run(program: () => Promise<unknown>, packets: readonly TestPacket[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-example-'))
  const capture = join(folder, 'capture.pcap')
  writePcap(capture, packets)
  process.argv = [argv[0]!, 'example', capture]
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => lines.push(words.join(' ')))
  await program()
  rmSync(folder, { recursive: true })
  return lines
}

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
