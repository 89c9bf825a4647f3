/** Alerts do not depend on how segments carry the messages, and no bytes make the parsers fail. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  conversation,
  dialogue,
  resegment,
  shuffle,
  udpExchange,
} from '../../../test/support/conversation.js'
import { makeEngine, runEngine } from '../detect/harness.js'
import {
  bind,
  bytes,
  clientHello,
  handshake,
  record,
  request,
  serverHello,
  smb1Transact,
  smb2Write,
} from './messages.js'

const IFACE = '4b324fc8-1670-01d3-1278-5a47bf6ee188'
const RULES = [
  `alert tcp any any -> any any (dce_iface:${IFACE}; dce_opnum:3; dce_stub_data; content:"needle"; sid:1;)`,
  'alert tcp any any -> any any (flow:to_server; ssl_state:client_hello; sid:2;)',
  'alert tcp any any -> any any (flow:to_client; ssl_state:server_hello; ssl_version:tls1.2; sid:3;)',
  'alert tcp any any -> any any (flow:to_client; ssl_state:server_keyx; sid:4;)',
  'alert ip any any -> any any (sip_method:invite; sip_header; content:"needle"; sid:5;)',
  'alert ip any any -> any any (asn1:oversize_length 4000, bitstring_overflow, double_overflow; sid:6;)',
  'alert tcp any any -> any any (file_data; content:"needle"; sid:7;)',
  'alert ip any any -> any any (rpc:100000,*,*; sid:8;)',
  'alert tcp any any -> any any (cvs:invalid-entry; sid:9;)',
].join('\n')

const engine = makeEngine(RULES)

const file = new Uint8Array(16).fill(3)
const stub = bytes(new Uint8Array(300).fill(65), 'needle', new Uint8Array(100))
const dcePdus = [
  bind(IFACE),
  request(3, stub),
  request(3, stub.subarray(0, 302), { flags: 1 }),
  request(3, stub.subarray(302), { flags: 2 }),
  request(4, stub),
]
const conversations: Readonly<Record<string, readonly Uint8Array[]>> = {
  'DCE/RPC': [bytes(...dcePdus)],
  'SMB 2': [
    bytes(
      ...dcePdus.map((pdu) => smb2Write(file, pdu)),
      smb2Write(
        file.map(() => 9),
        bytes('a needle'),
      ),
    ),
  ],
  'SMB 1': [bytes(...dcePdus.map((pdu) => smb1Transact(7, pdu)))],
  TLS: [
    clientHello(),
    bytes(serverHello(0x0303), record(22, bytes(handshake(11, new Uint8Array(900)), handshake(12, stub)))),
    bytes(record(22, handshake(16, stub)), record(20, bytes(1))),
  ],
  SIP: [bytes('INVITE sip:a@b SIP/2.0\r\nX: needle\r\nContent-Length: 2\r\n\r\nhi')],
}

function alerts(packets: Parameters<typeof runEngine>[1]): number[] {
  return runEngine(engine, packets).alerts.map(({ sid }) => sid)
}

describe.each(Object.entries(conversations))('%s', (name, lines) => {
  const whole = dialogue(lines, { serverPort: 4999 })
  const expected = alerts(whole)

  it('alerts', () => {
    expect(expected.length).toBeGreaterThan(0)
    if (name !== 'TLS' && name !== 'SIP') expect(expected.filter((sid) => sid === 1)).toEqual([1, 1])
  })

  it('alerts the same in segments of any size, in any order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 1e6 }), (size, seed) => {
        const cut = resegment(whole, size)
        expect(alerts(cut)).toEqual(expected)
        expect(alerts(shuffle(cut, seed))).toEqual(expected)
      }),
      { numRuns: 6 },
    )
  })

  it('survives bytes that are changed, lost or cut off', () => {
    const change = fc.record({
      at: fc.nat({ max: 5000 }),
      value: fc.integer({ min: 0, max: 255 }),
      end: fc.nat({ max: 5000 }),
      skip: fc.nat({ max: 400 }),
    })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const talk = conversation({ serverPort: 4999 }).handshake()
        lines.forEach((line, i) => {
          let data = line.slice()
          const from = i % 2 === 0 ? 'client' : 'server'
          for (const { at, value, end } of changes) {
            data[at % data.length] = value
            if (end < data.length && end % 3 === 0) data = data.slice(0, end + 1)
          }
          const [first] = changes
          if (first!.skip % 2 === 1) talk.skip(from, first!.skip)
          talk[from](data)
        })
        alerts(talk.close().packets())
      }),
      { numRuns: 15 },
    )
  })
})

describe('any bytes', () => {
  const starts = fc.constantFrom(
    bytes(5, 0, 0, 3, 0x10, 0, 0, 0),
    bytes(0, 0, 1, 0, 0xfe, 'SMB'),
    bytes(0, 0, 0, 60, 0xff, 'SMB'),
    bytes(22, 3, 1, 0, 80),
    bytes(0x80, 40, 1, 0, 2),
    bytes('INVITE '),
    bytes(4, 0, 0x20, 0, 0x10, 0, 0, 0),
    bytes(0x30, 0x84),
    bytes('220 FTP\r\n'),
    new Uint8Array(0),
  )
  it('pass through streams and datagrams', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(starts, fc.uint8Array({ maxLength: 300 })), { minLength: 1, maxLength: 5 }),
        (turns) => {
          const lines = turns.map(([start, rest]) => bytes(start, rest))
          alerts(dialogue(lines, { serverPort: 4999 }))
          alerts(
            udpExchange(
              lines.map((line) => ['client', line] as const),
              { serverPort: 4999 },
            ),
          )
        },
      ),
      { numRuns: 25 },
    )
  })
})
