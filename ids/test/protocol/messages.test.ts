/** Several messages in one turn: each is looked at by itself, as in Snort, however the segments are cut. */
import { describe, expect, it } from 'vitest'
import { dialogue, resegment, shuffle } from '../../../test/support/conversation.js'
import { sids } from '../detect/harness.js'
import { big, bind, bytes, hex, request, rpcCall, smb2Write } from './messages.js'

const UUID = '12345678-1234-abcd-ef00-0123456789ab'
const FILE = new Uint8Array(16).fill(3)

/** An ONC RPC record, its data in fragments of `size` bytes. */
function record(call: Uint8Array, size = call.length): Uint8Array {
  const parts: Uint8Array[] = []
  for (let at = 0; at < call.length; at += size) {
    const part = call.subarray(at, at + size)
    const last = at + size >= call.length ? 0x8000_0000 : 0
    parts.push(big(last + part.length, 4), part)
  }
  return bytes(...parts)
}

const query = (name: string): Uint8Array => {
  const label = bytes(name.length, name)
  const message = bytes(hex('1234 0100 0001 0000 0000 0000'), label, hex('00 0001 0001'))
  return bytes(big(message.length, 2), message)
}

const sip = (method: string, body: string, name = 'Content-Length'): string =>
  `${method} sip:a@b SIP/2.0\r\nVia: x\r\n${name}: ${body.length}\r\n\r\n${body}`

const GETPORT = rpcCall(100_000, 2, 3)
const DUMP = rpcCall(100_000, 2, 4)

describe('offset and depth count from the beginning of every message', () => {
  const at = (options: string) => `alert tcp any any -> any any (flow:to_server; ${options} sid:1;)`

  it.each<readonly [name: string, options: string, turn: Uint8Array, serverPort: number, alerts: number]>([
    [
      'SMB',
      'content:"|FE|SMB"; offset:4; depth:4;',
      bytes(smb2Write(FILE, bytes('a')), smb2Write(FILE, bytes('b')), smb2Write(FILE, bytes('c'))),
      9999,
      3,
    ],
    [
      'DCE/RPC',
      'content:"|05 00 00|"; depth:3; content:"|07 00|"; offset:22; depth:2;',
      bytes(bind(UUID), request(1, bytes('x')), request(7, bytes('y'))),
      9999,
      1,
    ],
    ['DNS', 'content:"|06|second"; offset:14; depth:7;', bytes(query('first'), query('second')), 9999, 1],
    [
      'ONC RPC',
      'content:"|00 01 86 A0|"; offset:16; depth:4; content:"|00 00 00 04|"; distance:4; within:4;',
      bytes(record(GETPORT), record(DUMP), record(GETPORT)),
      111,
      1,
    ],
    ['SIP', 'content:"INVITE"; depth:6;', bytes(sip('OPTIONS', 'a=1'), sip('INVITE', '', 'l')), 9999, 1],
    [
      'SIP, its own options',
      'sip_method:invite; sip_body; content:"v=2"; depth:3; isdataat:!4;',
      bytes('\r\n', sip('OPTIONS', 'v=1'), '\r\n\r\n', sip('INVITE', 'v=2'), sip('BYE', '')),
      9999,
      1,
    ],
    ['ONC RPC, its own option', 'rpc:100000,*,4;', bytes(record(GETPORT), record(DUMP)), 111, 1],
  ])('%s', (_name, options, turn, serverPort, alerts) => {
    const packets = dialogue([turn], { serverPort })
    expect(sids(at(options), packets)).toHaveLength(alerts)
    expect(sids(at(options), shuffle(resegment(packets, 5), 3))).toHaveLength(alerts)
  })

  it('one that is not whole is the rest of the turn', () => {
    const turn = bytes(smb2Write(FILE, bytes('a')), smb2Write(FILE, bytes('needle')).subarray(0, -3))
    expect(sids(at('content:"nee";'), dialogue([turn]))).toEqual([1])
  })

  it('nothing is looked for across messages of a protocol that has them', () => {
    const turn = bytes(query('first'), query('second'))
    expect(sids(at('content:"first"; content:"second"; distance:0;'), dialogue([turn]))).toEqual([])
    expect(sids(at('content:"first"; content:"second"; distance:0;'), dialogue(['first second']))).toEqual([
      1,
    ])
  })
})

describe('ONC RPC records in fragments', () => {
  const rule = (options: string) => `alert tcp any any -> any 111 (flow:to_server; ${options} sid:1;)`

  it.each([1, 3, 8, 39])('of %i bytes are joined', (size) => {
    const packets = dialogue([record(DUMP, size)], { serverPort: 111 })
    expect(sids(rule('rpc:100000,2,4;'), packets)).toEqual([1])
    expect(
      sids(rule('content:"|00 01 86 A0 00 00 00 02 00 00 00 04|"; offset:16; depth:12;'), packets),
    ).toEqual([1])
    expect(sids(rule('rpc:100000,2,3;'), packets)).toEqual([])
  })

  it('are there as they came for raw data', () => {
    const packets = dialogue([record(DUMP, 20)], { serverPort: 111 })
    expect(sids(rule('content:"|00 00 00 14|"; depth:4; rawbytes;'), packets)).toEqual([1])
    expect(sids(rule('content:"|00 00 00 14|"; depth:4;'), packets)).toEqual([])
  })

  it('without an end are looked at as they came', () => {
    const turn = bytes(big(20, 4), DUMP.subarray(0, 20), big(0x7fff_ffff, 4), DUMP.subarray(20))
    expect(sids(rule('content:"|00 00 00 14|"; depth:4;'), dialogue([turn], { serverPort: 111 }))).toEqual([
      1,
    ])
  })
})

describe('turns that are longer than a window', () => {
  const many = Array.from({ length: 1500 }, (_, i) => query(`name${i}`))
  const rule =
    'alert tcp any any -> any any (flow:to_server; content:"|06|second"; offset:14; depth:7; sid:1;)'

  it('are looked at message by message as well', () => {
    const packets = dialogue([bytes(...many, query('second'), ...many)])
    expect(sids(rule, packets)).toEqual([1])
    expect(sids(rule, shuffle(resegment(packets, 700), 3))).toEqual([1])
  })

  it('hide nothing behind a message that is longer than a window itself', () => {
    const long = bytes(big(20_000, 2), query('a').subarray(2), new Uint8Array(20_000 - query('a').length + 2))
    const plain = 'alert tcp any any -> any any (flow:to_server; content:"|06|second"; sid:1;)'
    expect(sids(plain, dialogue([bytes(query('a'), long, query('second'))]))).toEqual([1])
  })
})
