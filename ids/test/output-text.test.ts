import { describe, expect, it } from 'vitest'
import { hexDump } from '../src/output/cmg.js'
import { createFormatter } from '../src/output/formatter.js'
import { visible } from '../src/output/text.js'
import { IsoTimestamps, SnortTimestamps } from '../src/output/timestamp.js'
import { testOptions, testPacket, testRecord, testRule, withAction } from './output-support.js'

describe('alert_fast', () => {
  it('writes the line Snort 3 writes', () => {
    const line = createFormatter('fast', testOptions()).format(testRecord(), undefined)
    expect(line).toBe(
      '11/14-22:13:20.001234 [**] [1:2001:3] "WEB probe" [**] [Classification: Web Application Attack] ' +
        '[Priority: 1] {TCP} 10.0.0.1:20001 -> 172.16.0.1:80\n',
    )
  })

  it('writes the line Snort 2 writes', () => {
    const line = createFormatter('fast', testOptions({ style: 'snort2' })).format(testRecord(), undefined)
    expect(line).toBe(
      '11/14-22:13:20.001234  [**] [1:2001:3] WEB probe [**] [Classification: Web Application Attack] ' +
        '[Priority: 1] {TCP} 10.0.0.1:20001 -> 172.16.0.1:80\n',
    )
  })

  it('leaves out the class when the classtype is unknown', () => {
    const record = testRecord({ rule: testRule({ classText: undefined, priority: 0 }) })
    expect(createFormatter('fast', testOptions()).format(record, undefined)).toContain(
      '[**] [Priority: 0] {TCP}',
    )
  })

  it('says what an inline sensor would have done', () => {
    const record = testRecord({ rule: withAction('drop') })
    const line = createFormatter('fast', testOptions()).format(record, undefined)
    expect(line).toMatch(/^11\/14-22:13:20\.001234 \[would_drop\] \[\*\*\] \[1:2001:3\]/)
    const old = createFormatter('fast', testOptions({ style: 'snort2' })).format(record, undefined)
    expect(old).toMatch(/^11\/14-22:13:20\.001234 {2}\[WDrop\] \[\*\*\] \[1:2001:3\]/)
  })

  it('leaves out ports where there are none', () => {
    const icmp = testRecord({ protocol: 1, sourcePort: 8, destinationPort: 0, fromStream: false })
    expect(createFormatter('fast', testOptions()).format(icmp, undefined)).toMatch(
      /\{ICMP\} 10\.0\.0\.1 -> 172\.16\.0\.1\n$/,
    )
    const fragment = testPacket({ fragOffset: 64, transportOffset: -1 })
    const udp = testRecord({ protocol: 17, sourcePort: 0, destinationPort: 0, fromStream: false })
    expect(createFormatter('fast', testOptions()).format(udp, fragment)).toMatch(
      /\{UDP\} 10\.0\.0\.1 -> 172\.16\.0\.1\n$/,
    )
  })

  it('names protocols as each Snort does', () => {
    const record = testRecord({ protocol: 58, fromStream: false })
    expect(createFormatter('fast', testOptions()).format(record, undefined)).toContain('{ICMP}')
    expect(createFormatter('fast', testOptions({ style: 'snort2' })).format(record, undefined)).toContain(
      '{IPV6-ICMP}',
    )
  })

  it('keeps control characters of a message off the terminal and on one line', () => {
    const msg = 'a\n11/14-00:00:00 [**] forged\r\u001b[31m\u202e\u0085'
    const line = createFormatter('fast', testOptions()).format(
      testRecord({ rule: testRule({ msg }) }),
      undefined,
    )
    expect(line.indexOf('\n')).toBe(line.length - 1)
    expect(line).toContain('"a\\x0a11/14-00:00:00 [**] forged\\x0d\\x1b[31m\\u{202e}\\x85"')
  })
})

describe('alert_full', () => {
  const rule = testRule({
    references: [
      { system: 'CVE', id: '2014-6271' },
      { system: 'nowhere', id: 'x' },
    ],
  })

  it('writes the block Snort writes for a packet', () => {
    const text = createFormatter('full', testOptions()).format(
      testRecord({ rule, fromStream: false }),
      testPacket(),
    )
    expect(text).toBe(
      [
        '[**] [1:2001:3] "WEB probe" [**]',
        '[Classification: Web Application Attack] [Priority: 1] ',
        '11/14-22:13:20.001234 10.0.0.1:20001 -> 172.16.0.1:80',
        'TCP TTL:50 TOS:0x0 ID:59202 IpLen:20 DgmLen:299 DF',
        '***AP*** Seq: 0x1234ABCD  Ack: 0xFEDCBA98  Win: 0x14B  TcpLen: 20',
        '[Xref => http://cve.example/2014-6271][Xref => nowhere,x]',
        '',
        '',
      ].join('\n'),
    )
  })

  it('prints no packet headers for reassembled data', () => {
    const text = createFormatter('full', testOptions()).format(testRecord(), testPacket())
    expect(text.split('\n')).toHaveLength(5)
    expect(text).not.toContain('TTL:')
  })

  it('prints TCP options and stops where they do not fit', () => {
    const packet = testPacket({ tcpHeaderLength: 40 })
    packet.buffer.set([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 2, 4, 5, 0xb4, 3, 200], 54)
    const text = createFormatter('full', testOptions()).format(testRecord({ fromStream: false }), packet)
    expect(text).toContain('TCP Options (4) => NOP NOP TS: 1 2 MSS: 1460\n')
  })

  it('prints UDP and ICMP', () => {
    const packet = testPacket()
    packet.buffer.set([0, 53, 0, 53, 0, 63], 34)
    const full = createFormatter('full', testOptions())
    expect(full.format(testRecord({ protocol: 17, fromStream: false }), packet)).toContain('\nLen: 55\n')
    packet.buffer.set([8, 0, 0, 0, 0x12, 0x34, 0, 9], 34)
    expect(full.format(testRecord({ protocol: 1, fromStream: false }), packet)).toContain(
      '\nType:8  Code:0  ID:4660   Seq:9  ECHO\n',
    )
  })
})

describe('cmg', () => {
  it('dumps the inspected bytes', () => {
    const text = createFormatter('cmg', testOptions()).format(testRecord(), undefined)
    expect(text).toContain('\nstream_tcp[18]:\n')
    expect(text).toContain('47 45 54 20 2F 20 48 54  54 50 2F 31 2E 31 0D 0A  GET / HT TP/1.1..\n')
  })

  it('cuts a long payload and says so', () => {
    const text = createFormatter('cmg', testOptions({ payloadLimit: 4 })).format(testRecord(), undefined)
    expect(text).toContain('stream_tcp[18] (first 4 shown):')
  })

  it('aligns the text of a short line', () => {
    const dump = hexDump(Uint8Array.of(0x41, 0x0a, 0x42), 0, 3)
    expect(dump).toBe(`41 0A 42 ${' '.repeat(41)}A.B\n`)
  })
})

describe('timestamps', () => {
  it('puts the year where each Snort puts it', () => {
    const three = new SnortTimestamps({ utc: true, year: true, yearFirst: true })
    expect(three.format(1_700_000_000, 5000)).toBe('23/11/14-22:13:20.000005')
    const two = new SnortTimestamps({ utc: true, year: true, yearFirst: false })
    expect(two.format(1_700_000_000, 5999)).toBe('11/14/23-22:13:20.000005')
  })

  it('uses the local zone unless told otherwise, and ISO times say which', () => {
    const date = new Date(1_700_000_000_000)
    const text = new IsoTimestamps(false).format(1_700_000_000, 1000)
    expect(new Date(text).getTime()).toBe(date.getTime())
    const hour = String(date.getHours()).padStart(2, '0')
    expect(text).toContain(`T${hour}:`)
    const snort = new SnortTimestamps({ utc: false, year: false, yearFirst: true })
    expect(snort.format(1_700_000_000, 0)).toContain(`-${hour}:`)
  })

  it('follows the second and survives times no calendar has', () => {
    const times = new SnortTimestamps({ utc: true, year: false, yearFirst: true })
    expect(times.format(1_700_000_000, 0)).toBe('11/14-22:13:20.000000')
    expect(times.format(1_700_000_001, 0)).toBe('11/14-22:13:21.000000')
    expect(times.format(1e18, 0)).toBe('01/01-00:00:00.000000')
  })
})

describe('visible', () => {
  it('leaves ordinary text alone, in any script', () => {
    expect(visible('näive "quoted" 日本')).toBe('näive "quoted" 日本')
  })
})
