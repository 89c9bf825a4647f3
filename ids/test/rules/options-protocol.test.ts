/** Options on protocols and on structures in the payload: what they are read as, and what is refused. */
import { describe, expect, it } from 'vitest'
import { formatOption } from '../../src/rules/format.js'
import type { Dialect } from '../../src/rules/model.js'
import { options, pointsAt, problem } from './support.js'

const UUID = '4b324fc8-1670-01d3-1278-5a47bf6ee188'
const UUID_BYTES = Uint8Array.from(Buffer.from(UUID.replaceAll('-', ''), 'hex'))

describe('what is read', () => {
  it.each<readonly [Dialect, string, object]>([
    ['snort2', 'ssl_state:client_hello,!server_hello', { states: 1, not: 2 }],
    ['snort3', 'ssl_state:unknown', { states: 16, not: 0 }],
    ['snort2', 'ssl_version:!sslv2, tls1.2', { versions: 16, not: 1 }],
    ['snort2', 'sip_method:INVITE,bye', { methods: ['invite', 'bye'], negated: false }],
    ['snort3', 'sip_method:!cancel', { methods: ['cancel'], negated: true }],
    ['snort2', 'sip_stat_code:200, 4', { codes: [200, 4] }],
    ['snort2', `dce_iface:${UUID}`, { uuid: UUID_BYTES, version: undefined, anyFragment: false }],
    ['snort2', `dce_iface:${UUID},<2,any_frag`, { version: { op: '<', lo: 2, hi: 2 }, anyFragment: true }],
    ['snort3', `dce_iface:uuid ${UUID},version =1`, { version: { op: '=', lo: 1, hi: 1 } }],
    ['snort2', `dce_iface:${UUID},!3`, { version: { op: '!=', lo: 3, hi: 3 } }],
    [
      'snort2',
      'dce_opnum:15, 3-5, 4-6',
      {
        ranges: [
          [3, 6],
          [15, 15],
        ],
      },
    ],
    [
      'snort3',
      'dce_opnum:"1,2,9"',
      {
        ranges: [
          [1, 2],
          [9, 9],
        ],
      },
    ],
    ['snort2', 'rpc:100000,*,3', { program: 100_000, version: undefined, procedure: 3 }],
    ['snort2', 'rpc:100000', { program: 100_000, version: undefined, procedure: undefined }],
    [
      'snort2',
      'asn1:double_overflow, oversize_length 500, relative_offset -1',
      { bitstringOverflow: false, doubleOverflow: true, oversizeLength: 500, offset: -1, relative: true },
    ],
    [
      'snort3',
      'asn1:bitstring_overflow,absolute_offset 3',
      { bitstringOverflow: true, offset: 3, relative: false },
    ],
    ['snort2', 'cvs:invalid-entry', {}],
    ['snort2', 'ftpbounce', {}],
    ['snort3', 'ber_data:0x30', { type: 0x30, optional: false }],
    ['snort3', 'ber_skip:2,optional', { type: 2, optional: true }],
    ['snort2', 'stream_size:server,<,6', { side: 'server', test: { op: '<', lo: 6, hi: 6 } }],
    [
      'snort3',
      'stream_size:1<>9,to_client',
      { side: 'server', test: { op: 'range-exclusive', lo: 1, hi: 9 } },
    ],
    ['snort3', 'stream_size:>9', { side: 'either', test: { op: '>', lo: 9, hi: 9 } }],
    ['snort3', 'sd_pattern:"a\\"b\\;c\\d",threshold 3', { pattern: 'a"b;c\\d', threshold: 3 }],
    ['snort3', 'sd_pattern:email', { pattern: 'email', threshold: 1 }],
  ])('%s %s', (dialect, body, fields) => {
    const [option] = options(body, dialect)
    expect(option).toMatchObject({ kind: body.split(':')[0], ...fields })
    const [again] = options(formatOption(option!, dialect, 0), dialect)
    expect(again).toEqual(option)
  })
})

describe('what is refused', () => {
  it.each<readonly [Dialect, string, string]>([
    ['snort2', 'ssl_state:hello', "'hello' is not understood"],
    ['snort2', 'ssl_version:tls2', "'tls2' is not understood"],
    ['snort2', 'sip_method:!a,b', 'only one method may be negated'],
    ['snort2', 'sip_method:in vite', 'is not understood'],
    ['snort2', 'sip_stat_code:42', '42 is no status'],
    ['snort2', 'sip_stat_code:1000', 'must be 1…999'],
    ['snort2', 'dce_iface:any_frag', 'needs the UUID'],
    ['snort2', 'dce_iface:4b324fc8-1670', 'is not understood'],
    ['snort2', `dce_iface:${UUID},<70000`, 'must be 0…65535'],
    ['snort2', 'dce_opnum:x', "'x' is no number"],
    ['snort2', 'dce_opnum:5-3', '5 is greater than 3'],
    ['snort2', 'rpc:*,1,1', 'must be a number'],
    ['snort2', 'rpc:1,2,3,4', "'4' is not understood"],
    ['snort2', 'asn1:x', "'x' is not understood"],
    ['snort2', 'asn1:oversize_length', 'needs a value'],
    ['snort2', 'cvs:entry', "takes 'invalid-entry'"],
    ['snort3', 'ber_data:256', 'must be 0…255'],
    ['snort3', 'ber_data:1,optional', 'is not understood'],
    ['snort2', 'stream_size:client,6', 'needs <client|server|either|both>'],
    ['snort2', 'stream_size:left,<,6', "'left' is not understood"],
    ['snort3', 'stream_size:<6,left', "'left' is not understood"],
    ['snort3', 'sd_pattern:""', 'is empty'],
    ['snort3', 'sd_pattern:"a",limit 3', 'is not understood'],
  ])('%s %s', (dialect, body, message) => {
    expect(problem(body, dialect)).toContain(message)
  })

  it('at the place of the mistake', () => {
    expect(pointsAt('dce_opnum:1,2,x-3')).toMatch(/^x-3;/)
    expect(pointsAt('ssl_version:tls1.0,what')).toMatch(/^what;/)
  })
})
