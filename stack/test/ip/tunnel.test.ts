/** Packets inside tunnels are tracked by their innermost IP header; what is no tunnel stays the packet it is. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  concat,
  ethernet,
  fromHex,
  icmp,
  ip,
  ipv6,
  PROTOCOL,
  tcp,
  udp,
  udpFrame,
} from '../../../test/support/frames.js'
import {
  erspan2,
  erspan3,
  geneve,
  gre,
  gtp,
  mpls,
  pppoe,
  pptp,
  vxlan,
} from '../../../test/support/tunnels.js'
import { LINK_TYPE, TUNNEL, type TunnelOptionsInput } from '../../src/index.js'
import { type Run, type Seen, watch } from './support.js'

const inner4 = { source: '10.1.1.1', destination: '10.2.2.2' }
const inner6 = { source: '2001:db8:a::1', destination: '2001:db8:b::2' }
const outer4 = { source: '192.0.2.1', destination: '198.51.100.2' }
const outer6 = { source: '2001:db8:1::1', destination: '2001:db8:2::2' }
const ports = { sourcePort: 1234, destinationPort: 80 }

/** An IP packet with a UDP datagram that says `payload`. */
const packet = (ends: { source: string; destination: string }, payload = 'inside'): Uint8Array =>
  ip(udp({ ...ends, ...ports, payload }), { ...ends, protocol: PROTOCOL.UDP })
const packet4 = packet(inner4)
const packet6 = packet(inner6)
const over = (payload: Uint8Array, protocol: number, ends = outer4): Uint8Array =>
  ethernet(ip(payload, { ...ends, protocol }))
const overUdp = (payload: Uint8Array, destinationPort: number, sourcePort = 55_555): Uint8Array =>
  udpFrame({ ...outer4, sourcePort, destinationPort, payload })

function runOf(frame: Uint8Array, tunnels: TunnelOptionsInput = {}): Run {
  const run = watch({ tunnels })
  run.send(frame)
  return run
}

function one(frame: Uint8Array, tunnels: TunnelOptionsInput = {}): Seen {
  const { packets } = runOf(frame, tunnels)
  expect(packets).toHaveLength(1)
  return packets[0]!
}

const inside4 = { source: '10.1.1.1', ports: [1234, 80], payload: 'inside' }
const inside6 = { source: '2001:db8:a::1', ports: [1234, 80], payload: 'inside' }

const teredo6 = packet({ source: '2001:0:4136:e378::1', destination: '2001:db8::2' })
const authentication = concat(fromHex('0001 02 03 4142 434445'), new Uint8Array(9))
const origin = fromHex('0000 fffe 01020304')

/** Name, frame, kind, number, addresses of the inner packet, depth. */
const CASES: readonly [string, Uint8Array, number, number, object, number?][] = [
  ['IPv4 in IPv4', over(packet4, 4), TUNNEL.IP, 0, inside4],
  ['IPv6 in IPv4', over(packet6, 41), TUNNEL.IP, 0, inside6],
  ['IPv4 in IPv6', over(packet4, 4, outer6), TUNNEL.IP, 0, inside4],
  ['IPv6 in IPv6', over(packet6, 41, outer6), TUNNEL.IP, 0, inside6],
  ['GRE', over(gre(packet4, { type: 0x0800 }), 47), TUNNEL.GRE, 0, inside4],
  ['GRE over IPv6', over(gre(packet6, { type: 0x86dd }), 47, outer6), TUNNEL.GRE, 0, inside6],
  [
    'GRE with checksum, key and sequence number',
    over(gre(packet4, { type: 0x0800, checksum: true, key: 77, sequence: 1 }), 47),
    TUNNEL.GRE,
    77,
    inside4,
  ],
  [
    'GRE with a source route',
    over(gre(packet4, { type: 0x0800, routes: fromHex('0800 0004 01020304') }), 47),
    TUNNEL.GRE,
    0,
    inside4,
  ],
  ['GRE with a frame', over(gre(ethernet(packet4), { type: 0x6558, key: 5 }), 47), TUNNEL.GRE, 5, inside4],
  ['GRE with MPLS', over(gre(mpls(packet4, [99]), { type: 0x8847 }), 47), TUNNEL.MPLS, 99, inside4, 2],
  ['GRE over UDP', overUdp(gre(packet4, { type: 0x0800 }), 4754), TUNNEL.GRE, 0, inside4],
  ['PPTP', over(pptp(packet4, { call: 31, sequence: 2 }), 47), TUNNEL.GRE, 31, inside4],
  [
    'PPTP without sequence number',
    over(pptp(packet6, { call: 31, protocol: 0x57 }), 47),
    TUNNEL.GRE,
    31,
    inside6,
  ],
  ['ERSPAN I', over(gre(ethernet(packet4), { type: 0x88be }), 47), TUNNEL.ERSPAN, 0, inside4],
  [
    'ERSPAN II',
    over(gre(erspan2(ethernet(packet4), 12), { type: 0x88be, sequence: 9 }), 47),
    TUNNEL.ERSPAN,
    12,
    inside4,
  ],
  [
    'ERSPAN III',
    over(gre(erspan3(ethernet(packet6), 13), { type: 0x22eb, sequence: 9 }), 47),
    TUNNEL.ERSPAN,
    13,
    inside6,
  ],
  [
    'ERSPAN III with a platform header',
    over(gre(erspan3(ethernet(packet4), 13, true), { type: 0x22eb, sequence: 9 }), 47),
    TUNNEL.ERSPAN,
    13,
    inside4,
  ],
  ['MPLS', ethernet(mpls(packet4, [16]), { etherType: 0x8847 }), TUNNEL.MPLS, 16, inside4],
  ['an MPLS stack', ethernet(mpls(packet6, [16, 17, 18]), { etherType: 0x8848 }), TUNNEL.MPLS, 16, inside6],
  [
    'a pseudowire with control word',
    ethernet(mpls(concat(new Uint8Array(4), ethernet(packet4)), [16]), { etherType: 0x8847 }),
    TUNNEL.MPLS,
    16,
    inside4,
  ],
  [
    'a pseudowire without control word',
    ethernet(mpls(ethernet(packet4), [16]), { etherType: 0x8847 }),
    TUNNEL.MPLS,
    16,
    inside4,
  ],
  ['MPLS in IP', over(mpls(packet4, [20]), 137), TUNNEL.MPLS, 20, inside4],
  [
    'PPPoE',
    ethernet(pppoe(packet4, { session: 6, protocol: 0x21 }), { etherType: 0x8864, padTo: 100 }),
    TUNNEL.PPPOE,
    6,
    inside4,
  ],
  [
    'PPPoE with IPv6',
    ethernet(pppoe(packet6, { session: 6, protocol: 0x57 }), { etherType: 0x8864 }),
    TUNNEL.PPPOE,
    6,
    inside6,
  ],
  ['Teredo', overUdp(teredo6, 3544), TUNNEL.TEREDO, 0, { source: '2001:0:4136:e378::1', payload: 'inside' }],
  ['Teredo from the server', overUdp(teredo6, 40_000, 3544), TUNNEL.TEREDO, 0, { payload: 'inside' }],
  ['Teredo with origin', overUdp(concat(origin, teredo6), 3544), TUNNEL.TEREDO, 0, { payload: 'inside' }],
  [
    'Teredo with authentication and origin',
    overUdp(concat(authentication, origin, teredo6), 3544),
    TUNNEL.TEREDO,
    0,
    { payload: 'inside' },
  ],
  ['VXLAN', overUdp(vxlan(ethernet(packet4), 4096), 4789), TUNNEL.VXLAN, 4096, inside4],
  [
    'GENEVE with a frame',
    overUdp(geneve(ethernet(packet4), { network: 0xffffff, type: 0x6558 }), 6081),
    TUNNEL.GENEVE,
    0xffffff,
    inside4,
  ],
  [
    'GENEVE with options',
    overUdp(
      geneve(packet6, { network: 3, type: 0x86dd, options: fromHex('01020301 aaaaaaaa 01028000') }),
      6081,
    ),
    TUNNEL.GENEVE,
    3,
    inside6,
  ],
  ['GTP', overUdp(gtp(packet4, 0x1234), 2152), TUNNEL.GTP, 0x1234, inside4],
  [
    'GTP with extension headers',
    overUdp(gtp(packet4, 0x1234, [fromHex('01000085'), fromHex('0200000000000000')]), 2152),
    TUNNEL.GTP,
    0x1234,
    inside4,
  ],
]

describe('the packet inside', () => {
  for (const [name, frame, tunnel, tunnelId, inside, depth = 1] of CASES) {
    it(`${name} is the packet of the flow`, () => {
      expect(one(frame)).toMatchObject({ ...inside, protocol: PROTOCOL.UDP, tunnel, tunnelId, depth })
    })

    it(`${name} stays where it is with maxDepth 0`, () => {
      const { packets, stack } = runOf(frame, { maxDepth: 0 })
      expect(packets.every((p) => p.depth === 0 && p.payload !== 'inside')).toBe(true)
      expect(stack.counters.tunnels.depthLimit).toBe(1)
    })

    it(`${name} may be cut anywhere without harm`, () => {
      const run = watch()
      for (let length = 0; length < frame.length; length++) run.send(frame.subarray(0, length))
      // Cut off on the wire: no inner packet can be whole, but for padding behind it.
      for (const p of run.packets) if (p.depth > 0) expect(p.payload).toBe('inside')
    })
  }
})

describe('each kind', () => {
  const off: readonly [keyof TunnelOptionsInput, string][] = [
    ['ipInIp', 'IPv6 in IPv4'],
    ['gre', 'GRE'],
    ['gre', 'GRE over UDP'],
    ['erspan', 'ERSPAN II'],
    ['mpls', 'MPLS'],
    ['mpls', 'MPLS in IP'],
    ['pppoe', 'PPPoE'],
    ['teredo', 'Teredo'],
    ['vxlan', 'VXLAN'],
    ['geneve', 'GENEVE with options'],
    ['gtp', 'GTP'],
  ]
  for (const [option, name] of off) {
    it(`can be turned off: ${option} (${name})`, () => {
      const frame = CASES.find(([other]) => other === name)![1]
      const { packets } = runOf(frame, { [option]: false })
      expect(packets.every((p) => p.depth === 0)).toBe(true)
    })
  }

  it('over UDP listens where it is told', () => {
    const frame = overUdp(vxlan(ethernet(packet4), 1), 8472)
    expect(one(frame)).toMatchObject({ depth: 0, ports: [55_555, 8472] })
    expect(one(frame, { ports: { vxlan: [4789, 8472] } })).toMatchObject({ depth: 1, ...inside4 })
    expect(() => watch({ tunnels: { ports: { vxlan: [0] } } })).toThrow(RangeError)
    expect(() => watch({ tunnels: { maxDepth: 33 } })).toThrow(RangeError)
  })
})

describe('UDP on the port of a tunnel', () => {
  const plain: readonly [string, Uint8Array][] = [
    ['no header', overUdp(Uint8Array.of(1, 2, 3), 4789)],
    ['VXLAN without a network', overUdp(vxlan(ethernet(packet4), 1, 0), 4789)],
    ['VXLAN with ARP', overUdp(vxlan(ethernet(new Uint8Array(28), { etherType: 0x0806 }), 1), 4789)],
    ['VXLAN with a broken packet', overUdp(vxlan(ethernet(packet4.subarray(0, 25)), 1), 4789)],
    [
      'GENEVE whose options do not add up',
      overUdp(geneve(packet4, { network: 1, type: 0x800, options: fromHex('0102031f') }), 6081),
    ],
    ['GENEVE of another version', overUdp(Uint8Array.of(0x40, 0, 8, 0, 0, 0, 0, 0), 6081)],
    ['IPv6 that is not Teredo', overUdp(packet6, 3544)],
    ['GTP of another type', overUdp(Uint8Array.of(0x30, 1, 0, 0, 0, 0, 0, 0), 2152)],
    ['GTP cut short', overUdp(gtp(packet4, 1).subarray(0, 30), 2152)],
    ['text', overUdp(new TextEncoder().encode('E'.repeat(80)), 2152)],
  ]
  for (const [name, frame] of plain) {
    it(`stays plain UDP: ${name}`, () => {
      const { packets, stack } = runOf(frame)
      expect(packets).toMatchObject([{ ...outer4, protocol: PROTOCOL.UDP, depth: 0, tunnel: 0, tunnelId: 0 }])
      expect(packets[0]!.payload).toBe(Buffer.from(frame.subarray(42)).toString('latin1'))
      expect(stack.counters.decode.frames).toBe(1)
    })
  }
})

describe('nesting', () => {
  const nested = (depth: number): Uint8Array => {
    let data = packet4
    for (let i = 0; i < depth; i++) data = ip(data, { ...outer4, protocol: 4 })
    return ethernet(data)
  }

  it('is followed to its limit, the rest stays payload', () => {
    expect(one(nested(5))).toMatchObject({ ...inside4, depth: 5 })
    const run = runOf(nested(6))
    expect(run.packets).toMatchObject([{ depth: 5, protocol: 4 }])
    expect(run.stack.counters.tunnels.depthLimit).toBe(1)
    expect(one(nested(6), { maxDepth: 6 })).toMatchObject(inside4)
  })

  it('of unlike kinds is followed', () => {
    const frame = overUdp(
      vxlan(ethernet(ip(gre(mpls(packet6, [7, 8]), { type: 0x8847 }), { ...outer6, protocol: 47 })), 10),
      4789,
    )
    expect(one(frame)).toMatchObject({ ...inside6, depth: 3, tunnel: TUNNEL.MPLS, tunnelId: 7 })
  })

  it('falls back to the innermost packet that is sound', () => {
    const broken = ip(ip(packet4.subarray(0, 10), { ...inner4, protocol: 4 }), { ...outer4, protocol: 4 })
    const run = runOf(ethernet(broken))
    expect(run.packets).toMatchObject([{ source: '10.1.1.1', protocol: 4, depth: 1 }])
    expect(run.stack.counters.tunnels).toMatchObject({ rejected: 1 })
  })

  it('is forgotten by the next packet', () => {
    const run = watch()
    run.send(CASES[4]![1])
    run.send(ethernet(packet4))
    expect(run.packets[1]).toMatchObject({ depth: 0, tunnel: 0, tunnelId: 0 })
    expect(run.stack.packet.outerIpOffset).toBe(-1)
  })
})

it('keeps the frame, and says where its outermost IP header is', () => {
  const frame = CASES[4]![1]
  const { stack } = runOf(frame)
  const { frameLength, outerIpOffset, ipOffset, linkType } = stack.packet
  expect([frameLength, outerIpOffset, ipOffset, linkType]).toEqual([frame.length, 14, 38, LINK_TYPE.ETHERNET])
  expect(stack.counters).toMatchObject({ packets: 1, bytes: frame.length, flows: 1 })
})

it('takes the VLAN of the inner frame, if it has one', () => {
  const bare = overUdp(vxlan(ethernet(packet4), 1), 4789)
  const tagged = overUdp(vxlan(ethernet(packet4, { vlans: [42] }), 1), 4789)
  const tag = (frame: Uint8Array): Uint8Array =>
    concat(frame.subarray(0, 12), Uint8Array.of(0x81, 0, 0, 7), frame.subarray(12))
  expect([one(bare).vlan, one(tag(bare)).vlan, one(tagged).vlan, one(tag(tagged)).vlan]).toEqual([
    -1, 7, 42, 42,
  ])
})

describe('checksums', () => {
  it('of the inner packet are verified', () => {
    const bad = ip(udp({ ...inner4, ...ports, payload: 'inside', checksum: 0x1111 }), {
      ...inner4,
      protocol: 17,
    })
    const run = runOf(over(gre(bad, { type: 0x0800 }), 47))
    expect(run.packets).toEqual([])
    expect(run.stack.counters.decode.toJSON()).toMatchObject({ udp_checksum: 1 })
  })

  it('of UDP over IPv6 may be left out by tunnels only (RFC 6935)', () => {
    const send = (destinationPort: number): Run =>
      runOf(
        ethernet(
          ipv6(
            udp({
              ...outer6,
              sourcePort: 9,
              destinationPort,
              payload: vxlan(ethernet(packet4), 1),
              checksum: 0,
            }),
            {
              ...outer6,
              protocol: 17,
            },
          ),
        ),
      )
    expect(send(4789).packets).toMatchObject([inside4])
    expect(send(4000).packets).toEqual([])
  })
})

it('makes one flow of both directions in a tunnel, apart from the outer one', () => {
  const run = watch()
  const send = (ends: typeof inner4, flags: number, sourcePort: number, destinationPort: number): void => {
    const segment = tcp({ ...ends, sourcePort, destinationPort, flags })
    run.send(over(gre(ip(segment, { ...ends, protocol: 6 }), { type: 0x0800 }), 47))
  }
  send(inner4, 0x02, 1000, 80)
  send({ source: inner4.destination, destination: inner4.source }, 0x12, 80, 1000)
  expect(run.stack.counters).toMatchObject({ flows: 1, tcpFlows: 1, otherFlows: 0 })
})

it('leaves an error message that quotes a packet alone', () => {
  const frame = over(icmp({ ...outer4, type: 3, payload: packet4 }), PROTOCOL.ICMP)
  expect(one(frame)).toMatchObject({ depth: 0, protocol: PROTOCOL.ICMP })
})

it('reads netfilter logs and Cisco HDLC', () => {
  const run = watch()
  const log = concat(
    fromHex('02000000 0500 0a00 61000000'),
    Uint8Array.of(packet4.length + 4, 0, 9, 0),
    packet4,
  )
  run.send(log, 1, LINK_TYPE.NFLOG)
  run.send(concat(fromHex('0f000800'), packet4), 1, LINK_TYPE.C_HDLC)
  run.send(fromHex('0200000003000100'), 1, LINK_TYPE.NFLOG)
  run.send(fromHex('0f00'), 1, LINK_TYPE.C_HDLC)
  expect(run.packets).toMatchObject([inside4, inside4])
  expect(run.stack.counters.decode.toJSON()).toMatchObject({ nflog_malformed: 1, chdlc_truncated: 1 })
})

it('reads PPP, and labels and PPPoE sessions on such lines', () => {
  const run = watch()
  run.send(concat(fromHex('ff030021'), packet4), 1, LINK_TYPE.PPP)
  run.send(concat(fromHex('0281'), mpls(packet4, [16])), 1, LINK_TYPE.PPP)
  run.send(pppoe(packet4, { session: 7, protocol: 0x21 }), 1, LINK_TYPE.PPP_ETHER)
  run.send(fromHex('ff'), 1, LINK_TYPE.PPP)
  expect(run.packets).toMatchObject([inside4, inside4, inside4])
  expect(run.stack.counters.decode.toJSON()).toMatchObject({ ppp_truncated: 1 })
})

it('survives tunnels full of random bytes, each frame counted once', () => {
  const frames = CASES.map(([, frame]) => frame)
  fc.assert(
    fc.property(
      fc.constantFrom(...frames),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      (frame, changes) => {
        const bytes = Uint8Array.from(frame)
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        const run = watch({ checksums: 'ignore' })
        run.send(bytes)
        run.send(ethernet(packet4))
        expect(run.packets.at(-1)).toMatchObject(inside4)
        expect(run.stack.counters.decode.frames).toBe(2)
      },
    ),
    { numRuns: 500 },
  )
})
