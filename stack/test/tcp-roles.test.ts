/** Who is the client and who the server, when no SYN says so. */
import { describe, expect, it } from 'vitest'
import { conversation, feed } from '../../test/support/conversation.js'
import { CLI, createStack, KNOWN_PORT, type Packet, type Side, SVR } from '../src/index.js'
import { recorder } from './support/recorder.js'

describe('a connection taken up midstream: tells the server', () => {
  const start = (
    clientPort: number,
    serverPort: number,
    from: 'client' | 'server',
    serverPorts: number[] = [],
  ) => {
    const c = conversation({ clientPort, serverPort }).handshake().client('one').server('two')
    const first = c
      .packets()
      .filter(({ from: side, tcp }) => side === from && (tcp?.payload?.length ?? 0) > 0)
    const { stack, lines } = recorder({ midstream: true, serverPorts })
    return { stack, lines, feed: () => feed(stack, first) }
  }
  it.each([
    ['by its port', [4000], 'start 3000>4000'],
    ['not if both ports are known', [3000, 4000], 'start 4000>3000'],
    ['not if neither is', [], 'start 4000>3000'],
  ])('%s', (_, ports, expected) => {
    for (const from of ['client', 'server'] as const) {
      const { lines, feed } = start(3000, 4000, from, ports)
      feed()
      expect(lines[0]).toBe(expected)
    }
  })

  it('by a port known by itself rather than one in a range', () => {
    const serverPorts = new Uint8Array(65_536)
    serverPorts.fill(1, 3000, 3100)
    serverPorts[4000] = KNOWN_PORT
    const { stack, lines, feed } = start(3000, 4000, 'client')
    stack.roles.add({ serverPorts })
    feed()
    expect(lines[0]).toBe('start 3000>4000')
  })

  it('by what the application reads in the data, unless both ports say otherwise', () => {
    const senderOf = (packet: Packet): Side => (packet.payloadLength > 0 ? CLI : SVR)
    const cases = [
      [3000, 4000, [], 'start 3000>4000'],
      [3000, 4000, [3000], 'start 4000>3000'],
      [4000, 3000, [4000], 'start 4000>3000'],
    ] as const
    for (const [client, server, ports, expected] of cases) {
      const { stack, lines, feed } = start(client, server, 'client', [...ports])
      stack.roles.add({ senderOf: () => undefined })
      stack.roles.add({ senderOf })
      feed()
      expect(lines[0]).toBe(expected)
    }
  })

  it('by hints, as long as they are there', () => {
    const { stack, lines, feed } = start(3000, 4000, 'client')
    stack.roles.add({ senderOf: () => CLI }).off()
    feed()
    expect(lines[0]).toBe('start 4000>3000')
  })

  it('by ports only', () => {
    expect(() => createStack({ serverPorts: [80, 70_000] })).toThrow('serverPorts')
  })
})
