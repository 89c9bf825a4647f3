/** DNP3, Modbus and IEC 60870-5-104: rule text and built traffic in, alerts out. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CapturedFrame,
  conversation,
  dialogue,
  resegment,
  shuffle,
  type TestPacket,
  udpExchange,
} from '../../../test/support/conversation.js'
import { loadRules } from '../../src/rules/index.js'
import { makeEngine, run, runEngine, sids } from '../detect/harness.js'
import { big, bytes, hex } from './messages.js'

type Row = readonly [options: string, fires: boolean]

function fires(options: string, packets: readonly CapturedFrame[]): boolean {
  const rule = `alert tcp any any -> any any (${options} sid:1;)`
  const dialects = ['snort2', 'snort3'] as const
  const [two, three] = dialects.map((dialect) => sids(rule, packets, { dialect }).length > 0)
  expect(two).toBe(three)
  return two!
}

/** A DNP3 link frame with this user data; the checksums are zeros, which nobody looks at. */
function frame(userData: Uint8Array, control = 0xc4): Uint8Array {
  const blocks: Uint8Array[] = []
  for (let at = 0; at < userData.length; at += 16) blocks.push(userData.subarray(at, at + 16), hex('0000'))
  return bytes(0x05, 0x64, 5 + userData.length, control, hex('0100 0200 0000'), ...blocks)
}

/** Transport segments of `size` bytes that carry a fragment. */
function segments(fragment: Uint8Array, size = 249, first = 0): Uint8Array[] {
  const out: Uint8Array[] = []
  for (let at = 0; at < fragment.length; at += size) {
    const fir = at === 0 ? 0x40 : 0
    const fin = at + size >= fragment.length ? 0x80 : 0
    const sequence = (first + out.length) & 0x3f
    out.push(frame(bytes(fir | fin | sequence, fragment.subarray(at, at + size))))
  }
  return out
}

/** WRITE of object 50 variation 1 (time and date). */
const WRITE = hex('c3 02 32 01 07 01 eb e4 5a 88 f8 00')
/** Response with DEVICE_RESTART and NEED_TIME, object 60 variation 1. */
const RESPONSE = bytes(hex('c3 81 90 00 3c 01 06'), 'the needle in the answer, behind sixteen bytes')
const dnp3 = dialogue([bytes(...segments(WRITE)), bytes(...segments(RESPONSE, 20))], { serverPort: 31_337 })

describe('DNP3', () => {
  it.each<Row>([
    ['dnp3_func:write;', true],
    ['dnp3_func:2;', true],
    ['flow:to_client; dnp3_func:write;', false],
    ['flow:to_client; dnp3_func:response;', true],
    ['dnp3_func:read;', false],
    ['dnp3_ind:device_restart;', true],
    ['dnp3_ind:class_1_events,need_time;', true],
    ['dnp3_ind:class_1_events;', false],
    ['flow:to_server; dnp3_ind:device_restart;', false],
    ['dnp3_data; content:"|02 32 01 07 01 eb|";', true],
    ['dnp3_data; content:"the needle in the answer, behind sixteen bytes";', true],
    ['content:"the needle in the answer";', false],
    ['dnp3_data; content:"|05 64|";', false],
  ])('%s: %s', (options, expected) => {
    expect(fires(options, dnp3)).toBe(expected)
  })

  it('looks at the first object', () => {
    const three = (options: string) =>
      sids(`alert tcp any any -> any any (${options} sid:1;)`, dnp3, { dialect: 'snort3' })
    const two = (options: string) => sids(`alert tcp any any -> any any (${options} sid:1;)`, dnp3)
    expect(three('dnp3_obj:group 50, var 1;')).toEqual([1])
    expect(three('dnp3_obj:group 50, var 2;')).toEqual([])
    expect(two('dnp3_obj:50,1;')).toEqual([1])
    expect(two('flow:to_client; dnp3_obj:60,1;')).toEqual([1])
    expect(two('flow:to_client; dnp3_obj:50,1;')).toEqual([])
  })

  it('is a service, whatever the port', () => {
    const rule = (service: string) => `alert ${service} any any -> any any (dnp3_func:write; sid:1;)`
    expect(sids(rule('dnp3'), dnp3, { dialect: 'snort3' })).toEqual([1])
    expect(sids(rule('modbus'), dnp3, { dialect: 'snort3' })).toEqual([])
    const { alerts } = run('alert tcp any any -> any any (dnp3_func:write; sid:1;)', dnp3)
    expect(alerts.map(({ service }) => service)).toEqual(['dnp3'])
  })

  it('alerts once for each fragment', () => {
    const packets = dialogue([bytes(...segments(WRITE), ...segments(RESPONSE), ...segments(WRITE))])
    expect(sids('alert tcp any any -> any any (dnp3_func:write; sid:1;)', packets)).toEqual([1, 1])
  })

  it('drops segments out of sequence and fragments without a beginning', () => {
    const parts = segments(RESPONSE, 20)
    const whole = 'dnp3_data; content:"behind sixteen bytes"; sid:1;'
    const alerts = (...frames: Uint8Array[]) =>
      sids(`alert tcp any any -> any any (${whole})`, dialogue(['', bytes(...frames)]))
    expect(alerts(...parts)).toEqual([1])
    expect(alerts(parts[0]!, parts[2]!)).toEqual([])
    expect(alerts(...parts.slice(1))).toEqual([])
    // Begun anew, it is whole.
    expect(alerts(parts[0]!, parts[1]!, ...parts)).toEqual([1])
  })

  it('is read in datagrams, several frames in one and one fragment in several', () => {
    const parts = segments(RESPONSE, 20)
    const rule =
      'alert udp any any -> any any (dnp3_data; content:"the needle in the answer, behind"; sid:1;)'
    const exchange = (...payloads: Uint8Array[]) =>
      udpExchange(
        payloads.map((payload) => ['server', payload] as const),
        { serverPort: 20_000 },
      )
    expect(sids(rule, exchange(bytes(...parts, ...segments(WRITE), ...parts)))).toEqual([1, 1])
    expect(sids(rule, exchange(...parts))).toEqual([1])
    expect(sids(rule, exchange(bytes(...parts.slice(0, -1))))).toEqual([])
  })

  it('gives up a turn at bytes that are no frame', () => {
    const packets = dialogue([
      bytes(...segments(WRITE), 'garbage', ...segments(WRITE)),
      bytes(...segments(RESPONSE)),
      bytes(...segments(WRITE)),
    ])
    expect(sids('alert tcp any any -> any any (dnp3_func:write; sid:1;)', packets)).toEqual([1, 1])
  })

  it('keeps to 2 KiB of a fragment', () => {
    const long = bytes(hex('c3 02 32 01'), new Uint8Array(4000).fill(65), 'needle')
    const packets = dialogue([bytes(...segments(long)), hex('00'), bytes(...segments(WRITE))])
    expect(fires('dnp3_data; content:"needle";', packets)).toBe(false)
    expect(sids('alert tcp any any -> any any (dnp3_func:write; sid:1;)', packets)).toEqual([1, 1])
  })
})

function modbus(code: number, data: Uint8Array, unit = 17, protocol = 0): Uint8Array {
  return bytes(hex('0007'), big(protocol, 2), big(2 + data.length, 2), unit, code, data)
}

const READ = modbus(3, hex('006b 0003'))
const REGISTERS = modbus(3, hex('06 022b 0000 0064'))

describe('Modbus', () => {
  const talk = dialogue([READ, REGISTERS, modbus(6, hex('0001 0003'), 9), modbus(0x86, hex('02'), 9)], {
    serverPort: 502,
  })

  it.each<Row>([
    ['modbus_func:read_holding_registers;', true],
    ['flow:to_client; modbus_func:3;', true],
    ['modbus_func:134;', true],
    ['modbus_func:write_multiple_coils;', false],
    ['modbus_unit:9;', true],
    ['modbus_unit:10;', false],
    ['modbus_unit:9; modbus_func:read_holding_registers;', false],
    ['modbus_func:6; modbus_data; content:"|00 01 00 03|";', true],
    ['modbus_func:6; modbus_data; content:"|06|";', false],
    ['modbus_func:6; modbus_data; isdataat:!4;', true],
    ['flow:to_client; modbus_data; content:"|06 02 2b|";', true],
  ])('%s: %s', (options, expected) => {
    expect(fires(options, talk)).toBe(expected)
  })

  it('is recognised by its requests on another port, and not by what only looks alike', () => {
    const rule = 'alert modbus any any -> any any (content:"|00 03|"; sid:1;)'
    const on = (port: number, first: Uint8Array, ...rest: Uint8Array[]) =>
      sids(rule, dialogue([first, ...rest], { serverPort: port }), { dialect: 'snort3' })
    expect(on(9999, READ, REGISTERS)).toEqual([1])
    expect(on(502, READ)).toEqual([1])
    expect(on(9999, modbus(3, hex('006b 0003 00')))).toEqual([])
    expect(on(9999, modbus(3, hex('006b 0003'), 1, 1))).toEqual([])
    expect(on(502, modbus(3, hex('006b 0003'), 1, 1))).toEqual([])
    expect(on(9999, modbus(0x41, hex('006b 0003')))).toEqual([])
    expect(on(9999, modbus(16, hex('0001 0002 04 000a 0003')))).toEqual([1])
    expect(on(9999, modbus(16, hex('0001 0002 05 000a 0003')))).toEqual([])
  })

  it('tells pipelined requests apart', () => {
    const packets = dialogue([bytes(READ, modbus(6, hex('0001 0003')), READ)], { serverPort: 502 })
    expect(sids('alert tcp any any -> any any (modbus_func:3; sid:1;)', packets)).toEqual([1, 1])
    expect(fires('modbus_func:3; modbus_data; content:"|00 01|";', packets)).toBe(false)
  })
})

const STARTDT = hex('68 04 07 00 00 00')
const SUPERVISORY = hex('68 04 01 00 02 00')
/** M_SP_NA_1, and C_SC_NA_1. */
const POINT = hex('68 0e 00 00 00 00 01 01 03 00 01 00 01 00 00 01')
const COMMAND = hex('68 0e 02 00 00 00 2d 01 06 00 01 00 01 00 00 81')

describe('IEC 60870-5-104', () => {
  const talk = dialogue([STARTDT, hex('68 04 0b 00 00 00'), bytes(COMMAND, SUPERVISORY), POINT], {
    serverPort: 9999,
  })
  const three = (options: string, packets = talk) =>
    sids(`alert tcp any any -> any any (${options} sid:1;)`, packets, { dialect: 'snort3' })

  it.each<readonly [options: string, alerts: number]>([
    ['iec104_apci_type:U;', 2],
    ['iec104_apci_type:s;', 1],
    ['iec104_apci_type:information_transfer_format;', 2],
    ['flow:to_server; iec104_apci_type:i;', 1],
    ['iec104_asdu_func:M_SP_NA_1;', 1],
    ['iec104_asdu_func:c_sc_na_1;', 1],
    ['iec104_asdu_func:45; content:"|68|",depth 1;', 1],
    ['iec104_asdu_func:C_DC_NA_1;', 0],
    ['iec104_apci_type:s; iec104_asdu_func:45;', 0],
  ])('%s: %i', (options, alerts) => {
    expect(three(options)).toHaveLength(alerts)
  })

  it('is recognised on its own port by any message, elsewhere by the control functions', () => {
    const on = (port: number, first: Uint8Array) =>
      three('iec104_apci_type:i;', dialogue([bytes(first, COMMAND)], { serverPort: port }))
    expect(on(2404, SUPERVISORY)).toEqual([1])
    expect(on(9999, SUPERVISORY)).toEqual([])
    expect(on(9999, hex('68 04 43 00 00 00'))).toEqual([1])
    expect(on(9999, hex('68 04 c7 00 00 00'))).toEqual([])
    expect(on(9999, hex('68 04 07 00 00 01'))).toEqual([])
    expect(on(2404, hex('68 03 07 00 00'))).toEqual([])
  })
})

describe('rule text', () => {
  it.each([
    'dnp3_func:nonsense;',
    'dnp3_ind:nonsense;',
    'dnp3_obj:256,1;',
    'modbus_func:read_coil;',
    'modbus_func:256;',
    'modbus_unit:many;',
  ])('refuses %s', (options) => {
    const text = `alert tcp any any -> any any (${options} sid:1;)`
    const { rules, problems } = loadRules({ files: [{ path: 'x', text, dialect: 'snort2' }] })
    expect(rules).toEqual([])
    expect(problems).toHaveLength(1)
  })
})

describe('whatever the segments', () => {
  const engine = makeEngine(
    [
      'alert tcp any any -> any any (dnp3_func:write; sid:1;)',
      'alert tcp any any -> any any (dnp3_data; content:"behind sixteen"; sid:2;)',
      'alert tcp any any -> any any (modbus_func:3; sid:3;)',
      'alert tcp any any -> any any (modbus_func:6; sid:4;)',
      'alert tcp any any -> any any (iec104_asdu_func:45; sid:5;)',
      'alert tcp any any -> any any (iec104_apci_type:s; sid:6;)',
    ].join('\n'),
    { dialect: 'snort3' },
  )
  const talks: readonly (readonly [packets: TestPacket[], alerts: number[]])[] = [
    [dialogue([bytes(...segments(WRITE), ...segments(WRITE)), bytes(...segments(RESPONSE, 20))]), [1, 1, 2]],
    [dialogue([bytes(READ, READ, modbus(6, hex('0001 0003')), READ)], { serverPort: 502 }), [3, 3, 3, 4]],
    [dialogue([STARTDT, STARTDT, bytes(COMMAND, SUPERVISORY, COMMAND)], { serverPort: 2404 }), [5, 5, 6]],
  ]
  const alerts = (packets: readonly CapturedFrame[]) =>
    runEngine(engine, packets)
      .alerts.map(({ sid }) => sid)
      .sort((a, b) => a - b)

  it('the same messages are found', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...talks),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        ([packets, expected], size, seed) => {
          expect(alerts(shuffle(resegment(packets, size), seed))).toEqual(expected)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('no bytes make the parsers fail', () => {
    const noise = fc.uint8Array({ maxLength: 400 })
    const first = fc.constantFrom(...segments(WRITE), READ, STARTDT, hex('0564ff'), hex('68ff'))
    fc.assert(
      fc.property(first, noise, noise, fc.constantFrom(502, 2404, 20_000), (head, one, two, serverPort) => {
        const packets = conversation({ serverPort })
          .handshake()
          .client(bytes(head, one))
          .server(two)
          .client(bytes(two, head))
          .close()
          .packets()
        expect(() => alerts(packets)).not.toThrow()
        const datagrams = udpExchange([
          ['client', bytes(head, one)],
          ['server', two],
        ])
        expect(() => alerts(datagrams)).not.toThrow()
      }),
      { numRuns: 60 },
    )
  })
})
