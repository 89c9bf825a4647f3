import { describe, expect, it } from 'vitest'
import { concat, ethernet, fromHex, ip, tcpFrame, udp, udpFrame } from '../../../test/support/frames.js'
import { LINK_TYPE, MAX_VLAN_TAGS } from '../../src/wire/index.js'
import { decode } from './support.js'

const flow = { source: '192.0.2.1', destination: '198.51.100.7', sourcePort: 1234, destinationPort: 53 }
const flow6 = { source: '2001:db8::1', destination: '2001:db8::2', sourcePort: 1234, destinationPort: 53 }
const packet4 = ip(udp({ ...flow, payload: 'query' }), { ...flow, protocol: 17 })
const packet6 = ip(udp({ ...flow6, payload: 'query' }), { ...flow6, protocol: 17 })

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

describe('Ethernet', () => {
  it('finds IPv4 and IPv6 behind the header', () => {
    for (const [frame, version] of [
      [ethernet(packet4), 4],
      [ethernet(packet6), 6],
    ] as const) {
      const { packet, outcome } = decode(frame)
      expect(outcome).toBe('decoded')
      expect([packet.ipVersion, packet.sourcePort, packet.destinationPort]).toEqual([version, 1234, 53])
      expect(text(packet.payload())).toBe('query')
      expect(packet.vlan).toBe(-1)
    }
  })

  it('leaves the padding of short frames out of the payload', () => {
    const { packet } = decode(tcpFrame({ ...flow, payload: 'x', ethernet: { padTo: 60 } }))
    expect(packet.frameLength).toBe(60)
    expect(text(packet.payload())).toBe('x')
    const { packet: datagram } = decode(udpFrame({ ...flow6, payload: '', ethernet: { padTo: 90 } }))
    expect([datagram.payloadLength, datagram.truncated]).toEqual([0, false])
  })

  it('passes over frames that carry no IP', () => {
    const { packet, outcome, counters } = decode(ethernet(new Uint8Array(28), { etherType: 0x0806 }))
    expect(outcome).toBe('not_ip')
    expect([packet.ipVersion, packet.protocol, packet.etherType]).toEqual([0, -1, 0x0806])
    expect([counters.frames, counters.malformed]).toEqual([1, 0])
  })

  it('reports a cut header', () => {
    expect(decode(ethernet(packet4).subarray(0, 13)).outcome).toBe('ethernet_truncated')
    expect(decode(new Uint8Array(0)).outcome).toBe('ethernet_truncated')
    expect(decode(ethernet(packet4).subarray(0, 14)).outcome).toBe('ip_empty')
  })

  it('reads SNAP behind an 802.3 length, and passes over other LLC', () => {
    const snap = fromHex('aaaa03 000000 0800')
    expect(decode(ethernet(concat(snap, packet4), { etherType: 8 + packet4.length })).packet.ipVersion).toBe(
      4,
    )
    expect(decode(ethernet(fromHex('424203 0000000000'), { etherType: 8 })).outcome).toBe('not_ip')
    expect(decode(ethernet(fromHex('aaaa03 00000c 0800'), { etherType: 8 })).outcome).toBe('not_ip')
  })
})

describe('PPP', () => {
  const { PPP, PPP_HDLC } = LINK_TYPE

  it.each([
    ['address, control and protocol', 'ff03 0021', packet4, 4],
    ['a protocol alone', '0021', packet4, 4],
    ['a compressed protocol', '21', packet4, 4],
    ['address, control and a compressed protocol', 'ff03 21', packet4, 4],
    ['IPv6', 'ff03 0057', packet6, 6],
    ['IPv6 behind a compressed protocol', '57', packet6, 6],
  ])('reads IP behind %s', (_, before, packet, version) => {
    for (const linkType of [PPP, PPP_HDLC]) {
      const read = decode(concat(fromHex(before), packet), { linkType })
      expect(read.outcome).toBe('decoded')
      expect([read.packet.ipVersion, read.packet.destinationPort]).toEqual([version, 53])
      expect(text(read.packet.payload())).toBe('query')
    }
  })

  it('passes over control and what is compressed', () => {
    for (const [frame, length] of [
      ['ff03 c021 01010004', 4],
      ['c021 01010004', 4],
      // An LLC header means nothing here.
      ['ff03 8021 aaaa03 000000 0800', 8],
      ['fd 0102', 2],
    ] as const) {
      const { packet, outcome } = decode(fromHex(frame), { linkType: PPP })
      expect([outcome, packet.ipVersion, packet.payloadLength]).toEqual(['not_ip', 0, length])
    }
  })

  it('leaves labels and PPPoE to what looks into tunnels', () => {
    const labels = decode(fromHex('ff03 0281 00001140 45'), { linkType: PPP })
    expect([labels.outcome, labels.packet.etherType]).toEqual(['not_ip', 0x8847])
    const session = decode(fromHex('1100 0001 0003 0021 45'), { linkType: LINK_TYPE.PPP_ETHER })
    expect([session.outcome, session.packet.etherType]).toEqual(['not_ip', 0x8864])
  })

  it('knows Cisco HDLC on the same line by its address', () => {
    const { outcome, packet } = decode(concat(fromHex('0f000800'), packet4), { linkType: PPP_HDLC })
    expect([outcome, packet.ipVersion]).toEqual(['decoded', 4])
  })

  it('reports a cut header', () => {
    for (const frame of ['', 'ff', 'ff03', 'ff0300', '00']) {
      expect(decode(fromHex(frame), { linkType: PPP }).outcome).toBe('ppp_truncated')
      expect(decode(fromHex(frame), { linkType: PPP_HDLC }).outcome).toBe('ppp_truncated')
    }
    expect(decode(fromHex('0021'), { linkType: PPP }).outcome).toBe('ip_empty')
  })
})

describe('VLAN tags', () => {
  it('takes the outermost identifier of a stack of tags', () => {
    const tags = [{ id: 100, tpid: 0x88a8 }, { id: 200 }, { id: 300 }]
    const { packet, outcome } = decode(ethernet(packet4, { vlans: tags }))
    expect([outcome, packet.vlan, packet.etherType]).toEqual(['decoded', 100, 0x0800])
    expect(text(packet.payload())).toBe('query')
    for (const tpid of [0x8100, 0x88a8, 0x9100, 0x9200]) {
      expect(decode(ethernet(packet6, { vlans: [{ id: 7, tpid }] })).packet.vlan).toBe(7)
    }
  })

  it('treats a priority tag as no VLAN', () => {
    expect(decode(ethernet(packet4, { vlans: [{ id: 0, priority: 5 }] })).packet.vlan).toBe(-1)
    expect(decode(ethernet(packet4, { vlans: [{ id: 0, priority: 5 }, 9] })).packet.vlan).toBe(9)
  })

  it('limits their number', () => {
    const vlans = Array.from({ length: MAX_VLAN_TAGS + 1 }, (_, i) => i + 1)
    expect(decode(ethernet(packet4, { vlans: vlans.slice(1) })).outcome).toBe('decoded')
    const { outcome, counters, packet } = decode(ethernet(packet4, { vlans }))
    expect([outcome, packet.ipVersion, counters.malformed]).toEqual(['vlan_too_deep', 0, 1])
  })

  it('reports a cut tag', () => {
    expect(decode(ethernet(packet4, { vlans: [1] }).subarray(0, 17)).outcome).toBe('vlan_truncated')
    expect(decode(ethernet(packet4, { vlans: [1] }).subarray(0, 18)).outcome).toBe('ip_empty')
  })
})

describe('other link types', () => {
  const cooked = concat(fromHex('0000 0001 0006 020000000001 0000 0800'), packet4)
  const cooked2 = concat(fromHex('86dd 0000 00000003 0001 00 06 020000000001 0000'), packet6)

  it('reads Linux cooked captures, version 1 and 2', () => {
    const first = decode(cooked, { linkType: LINK_TYPE.LINUX_SLL })
    expect([first.outcome, text(first.packet.payload())]).toEqual(['decoded', 'query'])
    const second = decode(cooked2, { linkType: LINK_TYPE.LINUX_SLL2 })
    expect([second.outcome, second.packet.ipVersion]).toEqual(['decoded', 6])
    expect(decode(cooked.subarray(0, 15), { linkType: LINK_TYPE.LINUX_SLL }).outcome).toBe('cooked_truncated')
    expect(decode(cooked2.subarray(0, 19), { linkType: LINK_TYPE.LINUX_SLL2 }).outcome).toBe(
      'cooked_truncated',
    )
  })

  it('reads BSD loopback in both byte orders and with all families in use', () => {
    for (const family of ['02000000', '00000002']) {
      const { packet } = decode(concat(fromHex(family), packet4), { linkType: LINK_TYPE.NULL })
      expect(packet.ipVersion).toBe(4)
    }
    for (const family of ['0000000a', '18000000', '1c000000', '0000001e']) {
      const { packet } = decode(concat(fromHex(family), packet6), { linkType: LINK_TYPE.LOOP })
      expect(packet.ipVersion).toBe(6)
    }
    expect(decode(fromHex('07000000 00'), { linkType: LINK_TYPE.NULL }).outcome).toBe('not_ip')
    expect(decode(fromHex('02000002 45'), { linkType: LINK_TYPE.NULL }).outcome).toBe('not_ip')
    expect(decode(fromHex('020000'), { linkType: LINK_TYPE.NULL }).outcome).toBe('loopback_truncated')
  })

  it('reads raw IP under each of its numbers', () => {
    for (const linkType of [LINK_TYPE.RAW, LINK_TYPE.RAW_DLT, LINK_TYPE.RAW_OPENBSD]) {
      expect(decode(packet4, { linkType }).packet.ipVersion).toBe(4)
      expect(decode(packet6, { linkType }).packet.ipVersion).toBe(6)
    }
    expect(decode(packet4, { linkType: LINK_TYPE.IPV4 }).packet.ipVersion).toBe(4)
    expect(decode(packet6, { linkType: LINK_TYPE.IPV6 }).packet.ipVersion).toBe(6)
    expect(decode(packet6, { linkType: LINK_TYPE.IPV4 }).outcome).toBe('ip_version')
    expect(decode(fromHex('50'), { linkType: LINK_TYPE.RAW }).outcome).toBe('ip_version')
    expect(decode(fromHex(''), { linkType: LINK_TYPE.RAW }).outcome).toBe('ip_empty')
  })

  it('says so when it does not know the link type', () => {
    expect(decode(packet4, { linkType: 147 }).outcome).toBe('link_type_unsupported')
  })
})
