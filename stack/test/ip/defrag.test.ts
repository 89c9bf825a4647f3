/** Fragmented datagrams go on as packets of their flow; broken and hostile fragments stay bounded and are counted. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  concat,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  icmp,
  ipv4,
  ipv6,
  PROTOCOL,
  TCP_FLAG,
  tcp,
  udp,
} from '../../../test/support/frames.js'
import { FRAGMENT_ANOMALY_SID, ON_CONN_START, ON_NEW_DATA, type StackOptionsInput } from '../../src/index.js'
import { type Run, watch } from './support.js'

const four = { source: '192.0.2.1', destination: '198.51.100.2' }
const six = { source: '2001:db8::1', destination: '2001:db8::2' }
const ports = { sourcePort: 4000, destinationPort: 53 }
const letters = (length: number): string =>
  Array.from({ length }, (_, i) => String.fromCharCode(0x61 + (i % 26))).join('')

const udp4 = (payload: string, size: number, id = 1): Uint8Array[] =>
  fragmentIpv4(udp({ ...four, ...ports, payload }), { ...four, protocol: PROTOCOL.UDP, id }, size).map((p) =>
    ethernet(p),
  )
const udp6 = (payload: string, size: number, id = 1): Uint8Array[] =>
  fragmentIpv6(udp({ ...six, ...ports, payload }), { ...six, protocol: PROTOCOL.UDP }, size, id).map((p) =>
    ethernet(p),
  )

function runOf(frames: readonly Uint8Array[], options: StackOptionsInput = {}): Run {
  const run = watch(options)
  for (const frame of frames) run.send(frame)
  return run
}

/** One IPv4 fragment with a payload of one repeated byte. */
function piece(
  offset: number,
  length: number,
  more: boolean,
  id = 1,
  fill = 0x61,
  protocol = 253,
): Uint8Array {
  const payload = new Uint8Array(length).fill(fill)
  return ethernet(ipv4(payload, { ...four, protocol, id, fragmentOffset: offset, moreFragments: more }))
}

/** A fragment of 8 bytes with 4 bytes of options (no-operation). */
function optional(offset: number): Uint8Array {
  const options = new Uint8Array(4).fill(1)
  const fields = { protocol: 253, id: 1, fragmentOffset: offset, moreFragments: true, options }
  return ethernet(ipv4(new Uint8Array(8), { ...four, ...fields }))
}

describe('a fragmented datagram', () => {
  for (const [family, frames] of [
    ['IPv4', udp4(letters(500), 64)],
    ['IPv6', udp6(letters(500), 64)],
  ] as const) {
    it(`is one packet of its flow, that of its last fragment (${family})`, () => {
      const run = runOf(frames)
      expect(run.packets).toHaveLength(1)
      expect(run.packets[0]).toMatchObject({
        number: frames.length,
        ports: [4000, 53],
        protocol: PROTOCOL.UDP,
        reassembled: true,
        payload: letters(500),
      })
      expect(run.stack.counters).toMatchObject({ flows: 1, udpFlows: 1 })
      expect(run.stack.counters.defrag).toMatchObject({ datagrams: 1, reassembled: 1 })
    })
  }

  it('shows its fragments to raw sockets and ON_FRAGMENT, and itself to neither', () => {
    const run = runOf(udp4(letters(200), 64))
    expect(run.fragments).toEqual([1, 2, 3, 4])
    expect(run.raw).toEqual([1, 2, 3, 4])
  })

  it('begins no flow before it is whole', () => {
    const run = watch()
    let started = 0
    run.stack.monitorStream().on(ON_CONN_START, () => started++)
    const frames = udp4(letters(200), 64)
    for (const frame of frames.slice(0, -1)) run.send(frame)
    expect([started, run.stack.counters.liveFlows]).toEqual([0, 0])
    run.send(frames.at(-1)!)
    expect(started).toBe(1)
  })

  it('is checked as a whole: a wrong transport checksum leaves it out', () => {
    const bad = udp({ ...four, ...ports, payload: letters(100), checksum: 0x1234 })
    const frames = fragmentIpv4(bad, { ...four, protocol: PROTOCOL.UDP, id: 1 }, 64).map((p) => ethernet(p))
    const run = runOf(frames)
    expect(run.packets).toEqual([])
    expect(run.stack.counters.decode.toJSON()).toMatchObject({ udp_checksum: 1 })
    expect(runOf(frames, { checksums: 'ignore' }).packets).toHaveLength(1)
  })

  it('carries TCP: handshake and data in fragments make a stream', () => {
    const run = watch()
    let data = ''
    run.stack.monitorStream().on(ON_NEW_DATA, (_flow, d) => {
      data += Buffer.from(d.bytes.subarray(d.start, d.end)).toString('latin1')
    })
    let id = 0
    const send = (back: boolean, seq: number, ack: number, flags: number, payload = ''): void => {
      const [source, destination] = back ? [four.destination, four.source] : [four.source, four.destination]
      const [sourcePort, destinationPort] = back ? [80, 4000] : [4000, 80]
      const segment = tcp({ source, destination, sourcePort, destinationPort, seq, ack, flags, payload })
      for (const p of fragmentIpv4(segment, { source, destination, protocol: 6, id: ++id }, 8)) {
        run.send(ethernet(p))
      }
    }
    send(false, 100, 0, TCP_FLAG.SYN)
    send(true, 500, 101, TCP_FLAG.SYN | TCP_FLAG.ACK)
    send(false, 101, 501, TCP_FLAG.ACK, letters(100))
    expect(data).toBe(letters(100))
    expect(run.stack.counters.flows).toBe(1)
  })

  it('keeps the options of its first fragment and the flag that forbids fragmenting', () => {
    const options = Uint8Array.of(0x94, 4, 0, 0)
    const datagram = udp({ ...four, ...ports, payload: letters(20) })
    const head = { ...four, protocol: PROTOCOL.UDP, id: 3, dontFragment: true, moreFragments: true, options }
    const run = runOf([
      ethernet(ipv4(datagram.subarray(0, 16), head)),
      ethernet(ipv4(datagram.subarray(16), { ...four, protocol: PROTOCOL.UDP, id: 3, fragmentOffset: 16 })),
    ])
    const { packet } = run.stack
    expect(run.packets[0]!.payload).toBe(letters(20))
    expect([packet.ipHeaderLength, packet.dontFragment, packet.isFragment]).toEqual([24, true, false])
  })

  it('keeps the IPv6 extension headers before the fragment header', () => {
    const options = { type: 60, body: Uint8Array.of(0, 1, 4, 0, 0, 0, 0) }
    const datagram = udp({ ...six, ...ports, payload: letters(60) })
    const head = { ...six, protocol: PROTOCOL.UDP, extensions: [options] }
    const run = runOf(fragmentIpv6(datagram, head, 32).map((p) => ethernet(p)))
    expect(run.packets[0]).toMatchObject({ payload: letters(60), protocol: PROTOCOL.UDP })
    expect(run.stack.packet.ipHeaderLength).toBe(48)
  })

  it('is told apart by addresses, identification and protocol', () => {
    const [a0, a1] = udp4(letters(60), 40, 1)
    const [b0, b1] = udp4(letters(60).toUpperCase(), 40, 2)
    const other = piece(40, 28, false, 1, 0x7a, 252)
    const run = runOf([a0!, b0!, other, b1!, a1!])
    expect(run.packets.map((p) => p.payload)).toEqual([letters(60).toUpperCase(), letters(60)])
  })

  it('passes by when it is atomic: an IPv6 packet that is its only fragment', () => {
    const run = runOf(udp6('whole', 64))
    expect(run.packets[0]).toMatchObject({ payload: 'whole', reassembled: false })
    expect(run.stack.counters.defrag.fragments).toBe(0)
  })

  it('stays in pieces when defragmentation is off', () => {
    const run = runOf(udp4(letters(100), 64), { defrag: { enabled: false } })
    expect([run.packets.length, run.fragments.length]).toEqual([0, 2])
    expect(run.stack.counters.flows).toBe(0)
  })

  it('may hold a ping of the greatest size', () => {
    const payload = letters(65_535 - 20 - 8)
    const head = { ...four, protocol: PROTOCOL.ICMP, id: 5 }
    const run = runOf(fragmentIpv4(icmp({ ...four, type: 8, payload }), head, 1480).map((p) => ethernet(p)))
    expect(run.packets[0]!.payload).toBe(payload)
  })

  it('goes on in fragments of its own when a tunnel carried it', () => {
    const inner = udp4(letters(600), 256).map((frame) => frame.subarray(14))
    const frames = inner.flatMap((packet, i) =>
      fragmentIpv4(packet, { source: '10.0.0.1', destination: '10.0.0.2', protocol: 4, id: 50 + i }, 64),
    )
    const run = runOf(frames.map((p) => ethernet(p)))
    expect(run.packets).toMatchObject([{ payload: letters(600), reassembled: true, source: four.source }])
    expect(run.stack.counters.defrag.reassembled).toBe(inner.length + 1)
  })
})

describe('any cutting, order and repetition', () => {
  const cut = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 })
  it('gives the datagram that was sent', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('linux', 'bsd', 'first', 'last', 'windows', 'solaris', 'bsd-right'),
        fc.boolean(),
        fc.uint8Array({ minLength: 1, maxLength: 700 }),
        cut,
        fc.array(fc.tuple(fc.nat(80), fc.integer({ min: 1, max: 20 })), { maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        (policy, is6, payload, sizes, extra, random) => {
          const ends = is6 ? six : four
          const datagram = udp({ ...ends, ...ports, payload })
          const units = Math.ceil(datagram.length / 8)
          const ranges: [number, number][] = []
          for (let at = 0, i = 0; at < units; i++) {
            const size = sizes[i % sizes.length]!
            ranges.push([at, at + size])
            at += size
          }
          // Overlaps with the bytes that are there anyway change nothing, whatever the policy.
          for (const [at, size] of extra) ranges.push([at % units, (at % units) + size])
          ranges.sort(() => (random.next().value! % 3) - 1)
          const run = watch({ defrag: { policy, ipv6Policy: policy } })
          for (const [from, to] of ranges) {
            const part = datagram.subarray(from * 8, to * 8)
            const more = to * 8 < datagram.length
            if (is6) {
              const body = Uint8Array.of(0, (from * 8) >> 8, ((from * 8) & 0xf8) | (more ? 1 : 0), 0, 0, 0, 1)
              const extensions = [{ type: 44, body }]
              run.send(ethernet(ipv6(part, { ...six, protocol: PROTOCOL.UDP, extensions })))
            } else {
              const head = { protocol: PROTOCOL.UDP, id: 1, fragmentOffset: from * 8, moreFragments: more }
              run.send(ethernet(ipv4(part, { ...four, ...head })))
            }
          }
          expect(run.packets[0]!.payload).toBe(Buffer.from(payload).toString('latin1'))
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('overlaps', () => {
  const differing = [piece(0, 16, true), piece(8, 8, true, 1, 0x62), piece(16, 8, false)]

  it('are reported with the fragment that shows them', () => {
    const run = watch()
    const told: string[] = []
    run.stack.defragmenter.onAnomaly = (anomaly, packet) => told.push(`${packet.number} ${anomaly}`)
    for (const frame of [piece(0, 16, true), ...differing]) run.send(frame)
    expect(told).toEqual(['2 overlap', '3 overlap-conflict'])
    expect(run.stack.counters.defrag).toMatchObject({ overlaps: 2, duplicates: 1, overlapConflicts: 1 })
  })

  it('of IPv6 fragments drop the datagram, and what else comes of it (RFC 5722)', () => {
    const datagram = udp({ ...six, ...ports, payload: letters(60) })
    const fragment = (from: number, to: number, more: boolean): Uint8Array => {
      const body = Uint8Array.of(0, 0, from | (more ? 1 : 0), 0, 0, 0, 1)
      return ethernet(
        ipv6(datagram.subarray(from, to), { ...six, protocol: 17, extensions: [{ type: 44, body }] }),
      )
    }
    const run = runOf([
      fragment(0, 24, true),
      fragment(16, 40, true),
      fragment(40, 68, false),
      fragment(24, 40, true),
    ])
    expect(run.packets).toEqual([])
    expect(run.stack.counters.defrag).toMatchObject({ overlapDropped: 1, late: 2, reassembled: 0 })
    run.stack.finish()
    expect(run.stack.counters.defrag.incomplete).toBe(0)
  })

  it('that repeat an IPv6 fragment exactly are harmless (RFC 8200)', () => {
    const [first, ...rest] = udp6(letters(100), 40)
    expect(runOf([first!, first!, ...rest]).packets[0]!.payload).toBe(letters(100))
  })
})

describe('anomalies, by the numbers of Snort', () => {
  const cases: [sid: number, frames: readonly Uint8Array[], options?: StackOptionsInput][] = [
    [1, [piece(0, 8, true), piece(8, 8, true), optional(16)]],
    [2, [piece(0, 32, true), piece(24, 4, false)]],
    [3, [piece(0, 13, true)]],
    [4, [piece(8, 8, false), piece(16, 8, true)]],
    [5, [piece(0, 0, true)]],
    [8, [piece(0, 16, true), piece(8, 16, true, 1, 0x62)]],
    [12, [piece(0, 16, true), piece(8, 8, true), piece(0, 8, true)], { defrag: { overlapLimit: 1 } }],
    [13, [piece(0, 8, true), piece(8, 8, false)], { defrag: { tinyBytes: 8 } }],
  ]
  it.each(cases.map((one) => [one[0], one] as const))('123:%d', (_name, [sid, frames, options]) => {
    const run = watch(options)
    const told: number[] = []
    run.stack.defragmenter.onAnomaly = (anomaly) => told.push(FRAGMENT_ANOMALY_SID[anomaly])
    for (const frame of frames) run.send(frame)
    // What overlaps is told of by itself as well.
    expect(told.filter((one) => sid === 8 || one !== 8)).toEqual([sid])
  })
})

describe('fragments that break the rules', () => {
  it('ending inside known bytes (teardrop) are not used', () => {
    const run = runOf([piece(0, 32, true), piece(24, 4, false), piece(32, 8, false)])
    expect(run.stack.counters.defrag).toMatchObject({ endConflicts: 1, reassembled: 1 })
    expect(run.packets[0]!.payload).toHaveLength(40)
  })

  it('behind the known end are not used', () => {
    const run = runOf([piece(8, 8, false), piece(16, 8, true), piece(24, 8, false), piece(0, 8, true)])
    expect(run.stack.counters.defrag).toMatchObject({ endConflicts: 2, reassembled: 1 })
    expect(run.packets[0]!.payload).toHaveLength(16)
  })

  it('without payload are not used', () => {
    const run = runOf([piece(0, 0, true), piece(8, 0, false)])
    expect(run.stack.counters.defrag).toMatchObject({ empty: 2, datagrams: 0 })
  })

  it('of odd length in the middle are cut to units of 8, dropped by the BSDs', () => {
    const frames = [piece(0, 13, true), piece(8, 8, false)]
    expect(runOf(frames).packets[0]!.payload).toHaveLength(16)
    expect(runOf(frames, { defrag: { policy: 'bsd' } }).packets).toEqual([])
  })

  it('ending beyond 65,535 bytes are malformed, alone (ping of death) or with the first one’s header', () => {
    const alone = runOf([piece(65_528, 100, false)])
    expect(alone.stack.counters.decode.toJSON()).toMatchObject({ fragment_above_64k: 1 })
    const options = new Uint8Array(40).fill(1)
    const first = ipv4(new Uint8Array(8), { ...four, protocol: 253, id: 1, moreFragments: true, options })
    const rest = Array.from({ length: 46 }, (_, i) => piece(8 + i * 1424, 1424, true))
    const run = runOf([ethernet(first), ...rest, piece(8 + 46 * 1424, 3, false)])
    expect(run.packets).toEqual([])
    expect(run.stack.counters.defrag).toMatchObject({ oversized: 1, reassembled: 0 })
  })

  it('cut by the capture are not used', () => {
    const run = watch()
    const frame = piece(0, 64, true)
    run.stack.frame(frame, 0, 50, frame.length, 1_700_000_000, 0, 1, 0)
    expect(run.stack.counters.defrag.truncated).toBe(1)
  })

  it('whose datagram is nonsense end in a malformed packet, not in a flow', () => {
    const run = runOf([piece(0, 8, true, 1, 0, PROTOCOL.TCP), piece(8, 4, false, 1, 0, PROTOCOL.TCP)])
    expect(run.packets).toEqual([])
    expect(run.stack.counters.decode.toJSON()).toMatchObject({ tcp_truncated: 1 })
  })
})

describe('limits', () => {
  it('drop an incomplete datagram after its time, counted from the first fragment', () => {
    const run = watch({ defrag: { timeout: 10 } })
    run.send(piece(0, 8, true, 1), 100)
    run.send(piece(0, 8, true, 2), 105)
    run.send(piece(8, 8, true, 1), 109)
    run.send(piece(16, 8, false, 1), 111)
    run.send(piece(8, 8, false, 2), 114)
    expect(run.packets).toHaveLength(1)
    expect(run.stack.counters.defrag).toMatchObject({ timedOut: 1, reassembled: 1 })
  })

  it('drop the oldest datagram when there are too many', () => {
    const run = watch({ defrag: { maxDatagrams: 3 } })
    for (let id = 1; id <= 5; id++) run.send(piece(0, 8, true, id))
    expect(run.stack.defragmenter.live).toBe(3)
    for (let id = 5; id >= 1; id--) run.send(piece(8, 8, false, id))
    expect(run.packets).toHaveLength(3)
    expect(run.stack.counters.defrag.evictedDatagrams).toBe(2)
  })

  it('drop the oldest datagram when memory is used up, never the one at hand', () => {
    const run = watch({ defrag: { totalBytes: 131_072 } })
    for (let id = 1; id <= 500; id++) {
      for (let at = 0; at < 64_000; at += 16_000) run.send(piece(at, 8, true, id))
      expect(run.stack.defragmenter.heldBytes).toBeLessThanOrEqual(131_072)
    }
    expect(run.stack.counters.defrag.evictedMemory).toBeGreaterThan(400)
    const ping = fragmentIpv4(new Uint8Array(65_000), { ...four, protocol: 253, id: 900 }, 1480)
    for (const p of ping) run.send(ethernet(p))
    expect(run.packets.at(-1)!.payload).toHaveLength(65_000)
  })

  it('stop a datagram of too many pieces', () => {
    const run = watch({ defrag: { maxFragments: 16 } })
    for (let i = 0; i < 100; i++) run.send(piece(i * 16, 8, true))
    expect(run.stack.counters.defrag.tooMany).toBe(84)
  })

  it('give all memory back', () => {
    const run = runOf([...udp4(letters(900), 64), piece(0, 8, true, 77), ...udp6(letters(90), 16).slice(1)])
    run.stack.finish()
    expect([run.stack.defragmenter.live, run.stack.defragmenter.heldBytes]).toEqual([0, 0])
    expect(run.stack.counters.defrag.incomplete).toBe(2)
  })

  it('hold against random fragments', () => {
    const fragment = fc.record({
      offset: fc.nat(40),
      length: fc.nat(64),
      more: fc.boolean(),
      id: fc.nat(3),
      fill: fc.nat(255),
    })
    fc.assert(
      fc.property(
        fc.array(fragment, { maxLength: 120 }),
        fc.constantFrom('linux', 'last', 'bsd', 'drop'),
        (all, policy) => {
          const run = watch({
            checksums: 'ignore',
            defrag: { policy, maxDatagrams: 2, maxFragments: 8, totalBytes: 131_072 },
          })
          for (const f of all) run.send(piece(f.offset * 8, f.length, f.more, f.id, f.fill))
          run.stack.finish()
          const { defrag } = run.stack.counters
          expect([run.stack.defragmenter.live, run.stack.defragmenter.heldBytes]).toEqual([0, 0])
          expect(defrag.fragments).toBe(run.fragments.length)
          expect(defrag.datagrams).toBe(
            defrag.reassembled + defrag.incomplete + defrag.evictedDatagrams + defrag.overlapDropped,
          )
        },
      ),
      { numRuns: 200 },
    )
  })
})

it('numbers and counts packets as they came', () => {
  const frames = [...udp4(letters(100), 64), ...udp4(letters(10), 64)]
  const run = runOf(frames)
  expect(run.packets.map((p) => p.number)).toEqual([2, 3])
  expect(run.stack.counters).toMatchObject({ packets: 3, bytes: concat(...frames).length })
})

it('gives each datagram, and each fragment, to one shard', () => {
  const frames = Array.from({ length: 40 }, (_, id) => [
    ...udp4(letters(100 + id), 64, id),
    ...udp6('x'.repeat(99), 64, id),
  ])
  const whole = runOf(frames.flat())
  const shards = [0, 1, 2].map((index) => runOf(frames.flat(), { shard: { index, count: 3 } }))
  const all = (pick: (run: Run) => number[]): number[] => shards.flatMap(pick).sort((a, b) => a - b)
  expect(all((run) => run.packets.map((p) => p.number))).toEqual(whole.packets.map((p) => p.number))
  expect(all((run) => run.fragments)).toEqual(whole.fragments)
})
