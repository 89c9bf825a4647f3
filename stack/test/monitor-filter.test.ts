import { describe, expect, it } from 'vitest'
import { type CapturedFrame, conversation, feed, type TestPacket } from '../../test/support/conversation.js'
import { ethernet, fragmentIpv4, TCP_FLAG, tcpFrame, udp, udpFrame } from '../../test/support/frames.js'
import {
  BpfError,
  BpfFilter,
  bpfUnavailable,
  createStack,
  FilteredSink,
  ON_CONN_END,
  ON_CONN_START,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_PKT_IN,
  type StreamSocket,
  SVR,
} from '../src/index.js'

const ADDRESSES = { source: '10.0.0.1', destination: '10.0.0.2' }

function web(clientPort: number, serverPort: number): readonly TestPacket[] {
  return conversation({ clientPort, serverPort })
    .handshake()
    .client('hello')
    .server('world')
    .close()
    .packets()
}

function captured(...frames: readonly Uint8Array[]): readonly CapturedFrame[] {
  return frames.map((frame, i) => ({ frame, seconds: 100 + i, nanoseconds: 0 }))
}

interface Seen {
  readonly starts: number[]
  readonly data: number[]
  readonly ends: string[]
}

/** Server ports of the flows whose start, data and end a socket sees. */
function watch(socket: StreamSocket): Seen {
  const seen: Seen = { starts: [], data: [], ends: [] }
  socket.on(ON_CONN_START, (flow) => seen.starts.push(flow.port(SVR)))
  socket.on(ON_NEW_DATA, (flow) => seen.data.push(flow.port(SVR)))
  socket.on(ON_CONN_END, (flow, { reason }) => seen.ends.push(`${flow.port(SVR)} ${reason}`))
  return seen
}

describe.skipIf(bpfUnavailable() !== '')('monitoring sockets with filters', () => {
  it('see the flows whose first packet matches, and all of such a flow', () => {
    const stack = createStack()
    const seen = watch(stack.monitorStream({ filter: 'tcp dst port 80 and tcp[tcpflags] & tcp-syn != 0' }))
    feed(stack, [...web(1000, 80), ...web(1001, 443), ...web(1002, 80)])
    expect(seen).toEqual({ starts: [80, 80], data: [80, 80, 80, 80], ends: ['80 fin', '80 fin'] })
  })

  it('do not see what another socket asked for, before and after their own first match', () => {
    const stack = createStack()
    const http = watch(stack.monitorStream({ filter: 'port 80' }))
    const tls = watch(stack.monitorStream({ filter: 'port 443' }))
    const all = watch(stack.monitorStream())
    const none = watch(stack.monitorStream({ filter: 'udp' }))
    for (const port of [443, 80, 443, 25, 80]) feed(stack, web(2000 + port, port))
    expect(http.starts).toEqual([80, 80])
    expect(tls.starts).toEqual([443, 443])
    expect(all.starts).toEqual([443, 80, 443, 25, 80])
    expect(none).toEqual({ starts: [], data: [], ends: [] })
    expect(http.ends).toEqual(['80 fin', '80 fin'])
  })

  it('take another filter at any time, for flows that begin later', () => {
    const stack = createStack()
    const socket = stack.monitorStream({ filter: 'port 80' })
    const seen = watch(socket)
    const [first, second, third] = [web(1, 80), web(2, 443), web(3, 443)]
    feed(stack, [...first.slice(0, 4), ...second.slice(0, 4)])
    socket.bindMonitorFilter({ stream: 'port 443' })
    feed(stack, [...first.slice(4), ...second.slice(4), ...third])
    expect(seen.starts).toEqual([80, 443])
    expect(seen.ends).toEqual(['80 fin', '443 fin'])
    expect(() => socket.bindMonitorFilter({ stream: 'prt 1' })).toThrow(BpfError)
    feed(stack, web(4, 443))
    socket.bindMonitorFilter({ stream: null })
    feed(stack, web(5, 25))
    expect(seen.starts).toEqual([80, 443, 443, 25])
  })

  it('leave nothing behind: as many forests as before when flows and sockets are gone', () => {
    const stack = createStack()
    const sockets = ['port 80', 'port 443', 'portrange 20-30'].map((filter) =>
      stack.monitorStream({ filter }),
    )
    for (const socket of sockets) watch(socket)
    for (let i = 0; i < 200; i++) feed(stack, web(3000 + i, [80, 443, 25, 9][i % 4]!))
    // One per combination of sockets, whatever the number of flows.
    expect(stack.events.store.size).toBeLessThanOrEqual(8)
    stack.finish()
    for (const socket of sockets) socket.close()
    expect(stack.events.store.size).toBe(1)
  })

  it('judge orphans and raw packets one by one', () => {
    const stack = createStack()
    const orphans: number[] = []
    const raw: number[] = []
    const allRaw: number[] = []
    const socket = stack.monitorStream({ filter: 'udp', orphanFilter: 'port 80' })
    socket.on(ON_ORPHAN, (packet) => orphans.push(packet.destinationPort))
    stack
      .monitorRaw({ filter: 'udp or dst port 443' })
      .on(ON_PKT_IN, (packet) => raw.push(packet.destinationPort))
    stack.monitorRaw().on(ON_PKT_IN, (packet) => allRaw.push(packet.destinationPort))
    const flags = TCP_FLAG.ACK
    feed(
      stack,
      captured(
        ...[80, 443, 80].map((destinationPort) =>
          tcpFrame({ ...ADDRESSES, sourcePort: 7, destinationPort, flags }),
        ),
        udpFrame({ ...ADDRESSES, sourcePort: 7, destinationPort: 53 }),
      ),
    )
    expect(orphans).toEqual([80, 80])
    expect(raw).toEqual([443, 53])
    expect(allRaw).toEqual([80, 443, 80, 53])
  })

  it('judge a datagram put together from fragments whole', () => {
    const stack = createStack()
    const dns = watch(stack.monitorStream({ filter: 'udp port 53' }))
    const ether = watch(stack.monitorStream({ filter: 'ether host 02:00:00:00:00:01' }))
    const datagram = udp({ ...ADDRESSES, sourcePort: 9, destinationPort: 53, payload: 'x'.repeat(2000) })
    feed(
      stack,
      captured(...fragmentIpv4(datagram, { ...ADDRESSES, protocol: 17 }, 1000).map((p) => ethernet(p))),
    )
    expect(dns.starts).toEqual([53])
    // It has no Ethernet header.
    expect(ether.starts).toEqual([])
  })

  it('are refused a wrong filter', () => {
    const stack = createStack()
    expect(() => stack.monitorStream({ filter: 'tcp prt 1' })).toThrow(BpfError)
    expect(() => stack.monitorStream({ orphanFilter: 'tcp prt 1' })).toThrow(BpfError)
    expect(() => stack.monitorRaw({ filter: 'tcp prt 1' })).toThrow(BpfError)
  })
})

describe.skipIf(bpfUnavailable() !== '')('a filter before the stack', () => {
  it('keeps packets from it, and their numbers as they are in the capture', () => {
    const stack = createStack()
    const numbers: number[] = []
    stack.monitorRaw().on(ON_PKT_IN, (packet) => numbers.push(packet.number))
    const sink = new FilteredSink(new BpfFilter('dst port 443'), stack)
    feed(
      sink,
      captured(
        ...[80, 443, 80, 80, 443].map((destinationPort) =>
          udpFrame({ ...ADDRESSES, sourcePort: 7, destinationPort }),
        ),
      ),
    )
    expect(numbers).toEqual([2, 5])
    expect(sink.skippedFrames).toBe(3)
    expect(stack.counters.packets).toBe(2)
  })
})
