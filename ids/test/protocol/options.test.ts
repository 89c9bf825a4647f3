/** The protocol options: rule text and built traffic in, alerts out. */
import { describe, expect, it } from 'vitest'
import {
  type CapturedFrame,
  conversation,
  dialogue,
  udpExchange,
} from '../../../test/support/conversation.js'
import { run, sids } from '../detect/harness.js'
import {
  big,
  bind,
  bindAck,
  bytes,
  clientHello,
  handshake,
  hex,
  little,
  record,
  request,
  rpcCall,
  serverHello,
  smb1Transact,
  smb1Write,
  smb2Transceive,
  smb2Write,
} from './messages.js'

type Row = readonly [options: string, fires: boolean]

const TCP = 'alert tcp any any -> any any'
const UDP = 'alert udp any any -> any any'

function fires(
  header: string,
  options: string,
  packets: readonly CapturedFrame[],
  dialect: 'snort2' | 'snort3',
): boolean {
  return sids(`${header} (${options} sid:1;)`, packets, { dialect }).length > 0
}

describe('ssl_state and ssl_version', () => {
  const talk = dialogue([clientHello(), serverHello(0x0302), record(23, hex('00112233'), 0x0302)], {
    serverPort: 4443,
  })

  it.each<Row>([
    ['ssl_state:client_hello;', true],
    ['ssl_state:server_hello;', true],
    ['flow:to_client; ssl_state:client_hello;', false],
    ['flow:to_server; ssl_state:server_hello,client_hello;', true],
    ['flow:to_server; ssl_state:server_keyx;', false],
    ['flow:to_client; ssl_state:!client_hello;', true],
    ['flow:to_client; ssl_version:tls1.1;', true],
    ['flow:to_client; ssl_version:tls1.2;', false],
    ['flow:to_server; ssl_state:client_hello; ssl_version:tls1.2;', true],
    ['flow:to_client; ssl_version:!tls1.1;', false],
    ['ssl_version:sslv2,sslv3;', false],
  ])('%s: %s', (options, expected) => {
    expect(fires(TCP, options, talk, 'snort2')).toBe(expected)
    expect(fires(TCP, options, talk, 'snort3')).toBe(expected)
  })

  it('sees the key exchanges in the middle of a record', () => {
    const server = serverHello(
      0x0301,
      bytes(handshake(11, new Uint8Array(30)), handshake(12, new Uint8Array(9))),
    )
    const client = record(22, handshake(16, new Uint8Array(70)))
    const packets = dialogue([clientHello(), server, client], { serverPort: 443 })
    expect(fires(TCP, 'flow:to_client; ssl_state:server_keyx;', packets, 'snort2')).toBe(true)
    expect(fires(TCP, 'flow:to_server; ssl_state:client_keyx;', packets, 'snort2')).toBe(true)
  })

  it('reads no message types behind a change of cipher', () => {
    const client = bytes(record(20, hex('01')), record(22, handshake(16, new Uint8Array(40))))
    const packets = dialogue([clientHello(), serverHello(), client], { serverPort: 443 })
    expect(fires(TCP, 'ssl_state:client_keyx;', packets, 'snort2')).toBe(false)
  })

  it('knows SSL 2', () => {
    const hello = bytes(
      0x80,
      28,
      1,
      big(2, 2),
      big(3, 2),
      big(0, 2),
      big(16, 2),
      hex('010080'),
      new Uint8Array(16),
    )
    const packets = dialogue([hello], { serverPort: 443 })
    expect(fires(TCP, 'ssl_version:sslv2; ssl_state:client_hello;', packets, 'snort2')).toBe(true)
  })

  it('holds for nothing but SSL', () => {
    expect(fires(TCP, 'ssl_state:!client_hello;', dialogue(['hello', 'you']), 'snort2')).toBe(false)
  })
})

const INVITE = 'INVITE sip:bob@b.org SIP/2.0\r\nUser-Agent: eyeBeam\r\nContent-Length: 4\r\n\r\nv=0\n'
const RINGING = 'SIP/2.0 180 Ringing\r\nServer: x\r\n\r\n'

describe('sip_method, sip_stat_code, sip_header, sip_body', () => {
  const rows: readonly Row[] = [
    ['sip_method:invite;', true],
    ['sip_method:cancel,INVITE;', true],
    ['sip_method:!invite;', false],
    ['sip_method:!bye;', true],
    ['sip_stat_code:180;', true],
    ['sip_stat_code:1;', true],
    ['sip_stat_code:200,4;', false],
    ['sip_header; content:"eyeBeam";', true],
    ['sip_header; content:"INVITE";', false],
    ['sip_header; content:"v=0";', false],
    ['sip_body; content:"v=0";', true],
    ['sip_body; content:"eyeBeam";', false],
    ['sip_method:invite; sip_stat_code:180;', false],
  ]
  it.each(rows)('UDP %s: %s', (options, expected) => {
    const packets = udpExchange(
      [
        ['client', INVITE],
        ['server', RINGING],
      ],
      { serverPort: 5060 },
    )
    for (const dialect of ['snort2', 'snort3'] as const)
      expect(fires(UDP, options, packets, dialect)).toBe(expected)
  })
  it.each(rows)('TCP %s: %s', (options, expected) => {
    expect(fires(TCP, options, dialogue([INVITE, RINGING], { serverPort: 7777 }), 'snort3')).toBe(expected)
  })
})

const IFACE = '4b324fc8-1670-01d3-1278-5a47bf6ee188'
const OTHER = '12345678-1234-abcd-ef00-0123456789ab'
const STUB = bytes(little(5, 4), 'stub data', little(0x01020304, 4))

describe('dce_iface, dce_opnum, dce_stub_data', () => {
  const rows: readonly Row[] = [
    [`dce_iface:${IFACE};`, true],
    [`dce_iface:${OTHER};`, false],
    [`dce_iface:${IFACE},=3; dce_opnum:15;`, true],
    [`dce_iface:${IFACE},<3;`, false],
    [`dce_iface:${IFACE},any_frag; dce_opnum:1,12-15;`, true],
    ['dce_opnum:14;', false],
    ['dce_stub_data; content:"stub data"; offset:4; depth:9;', true],
    ['dce_stub_data; byte_test:4,=,5,0,dce;', true],
    ['dce_stub_data; content:"data"; byte_test:4,=,0x01020304,0,relative,dce;', true],
    ['dce_stub_data; content:"|05 00 00 03|"; depth:4;', false],
    [`content:"stub"; dce_iface:${IFACE};`, true],
  ]
  const file = new Uint8Array(16).fill(3)
  const over = {
    TCP: (pdu: Uint8Array) => pdu,
    'SMB 2 writes': (pdu: Uint8Array) => smb2Write(file, pdu),
    'SMB 2 pipe transactions': (pdu: Uint8Array) => smb2Transceive(file, pdu),
    'SMB 1 writes': (pdu: Uint8Array) => smb1Write(0x4000, pdu),
    'SMB 1 pipe transactions': (pdu: Uint8Array) => smb1Transact(0x4000, pdu),
  }
  describe.each(Object.entries(over))('over %s', (_, wrap) => {
    const packets = conversation({ serverPort: 4455 })
      .handshake()
      .client(wrap(bind(IFACE, 3)))
      .client(wrap(request(15, STUB)))
      .close()
      .packets()
    it.each(rows)('%s: %s', (options, expected) => {
      expect(fires(TCP, options, packets, 'snort2')).toBe(expected)
    })
    it('alerts once for each request', () => {
      expect(sids(`${TCP} (dce_iface:${IFACE}; sid:1;)`, packets)).toEqual([1])
    })
  })

  it('understands the Snort 3 form', () => {
    const packets = dialogue([bytes(bind(IFACE, 3), request(15, STUB))], { serverPort: 135 })
    const rule = `${TCP} (dce_iface:uuid ${IFACE},version =3; dce_opnum:"1,15-16"; dce_stub_data; content:"stub"; sid:1;)`
    expect(sids(rule, packets, { dialect: 'snort3' })).toEqual([1])
  })

  it('puts fragments together', () => {
    const parts = [
      request(15, STUB.subarray(0, 6), { flags: 1 }),
      request(15, STUB.subarray(6, 9), { flags: 0 }),
      request(15, STUB.subarray(9), { flags: 2 }),
    ]
    const packets = dialogue([bytes(bind(IFACE), ...parts)], { serverPort: 135 })
    expect(sids(`${TCP} (dce_stub_data; content:"stub data"; sid:1;)`, packets)).toEqual([1])
  })

  it('reads big-endian requests', () => {
    const packets = dialogue([bytes(bind(IFACE, 3, 0, true), request(15, big(5, 4), { bigEndian: true }))], {
      serverPort: 135,
    })
    const rule = `${TCP} (dce_iface:${IFACE},=3; dce_opnum:15; dce_stub_data; byte_test:4,=,5,0,dce; sid:1;)`
    expect(sids(rule, packets)).toEqual([1])
  })

  it('goes by the context of the request', () => {
    const turn = bytes(bind(IFACE, 1, 0), bind(OTHER, 1, 1), request(1, STUB, { context: 1 }))
    const packets = dialogue([turn], { serverPort: 135 })
    expect(
      sids(`${TCP} (dce_iface:${IFACE}; sid:1;) \n${TCP} (dce_iface:${OTHER}; sid:2;)`, packets),
    ).toEqual([2])
  })

  it('does not take a refused context, or an unbound one, for bound', () => {
    const refused = dialogue([bind(IFACE), bindAck(2), request(1, STUB)], { serverPort: 135 })
    expect(sids(`${TCP} (dce_opnum:1; sid:1;)`, refused)).toEqual([])
    const accepted = dialogue([bind(IFACE), bindAck(0), request(1, STUB)], { serverPort: 135 })
    expect(sids(`${TCP} (dce_opnum:1; sid:1;)`, accepted)).toEqual([1])
    expect(sids(`${TCP} (dce_opnum:1; sid:1;)`, dialogue([request(1, STUB)], { serverPort: 135 }))).toEqual(
      [],
    )
  })

  it('reads datagrams', () => {
    const header = new Uint8Array(80)
    header[0] = 4
    header[4] = 0x10
    header.set(bind(IFACE).subarray(32, 48), 24)
    header.set(little(3, 4), 60)
    header.set(little(15, 2), 68)
    header.set(little(STUB.length, 2), 74)
    const packets = udpExchange([['client', bytes(header, STUB)]], { serverPort: 1026 })
    const rule = `${UDP} (dce_iface:${IFACE},=3; dce_opnum:15; dce_stub_data; content:"stub"; offset:4; depth:4; sid:1;)`
    expect(sids(rule, packets)).toEqual([1])
    expect(sids(`${UDP} (dce_iface:${OTHER}; sid:1;)`, packets)).toEqual([])
  })

  it('shows what SMB writes as file data', () => {
    const packets = dialogue([smb2Write(file, bytes('this is a file'))], { serverPort: 445 })
    expect(sids(`${TCP} (file_data; content:"this is"; depth:7; sid:1;)`, packets)).toEqual([1])
  })
})

describe('rpc', () => {
  it.each<Row>([
    ['rpc:100000,2,3;', true],
    ['rpc:100000,*,*;', true],
    ['rpc:100000,2,*;', true],
    ['rpc:100000,3,*;', false],
    ['rpc:100001,*,*;', false],
    ['rpc:100000,*,4;', false],
  ])('%s: %s', (options, expected) => {
    const call = rpcCall(100_000, 2, 3)
    expect(fires(UDP, options, udpExchange([['client', call]], { serverPort: 111 }), 'snort2')).toBe(expected)
    const tcp = dialogue([bytes(big(0x8000_0000 + call.length, 4), call)], { serverPort: 111 })
    expect(fires(TCP, options, tcp, 'snort3')).toBe(expected)
  })
})

describe('ber_data and ber_skip', () => {
  const payload = bytes('X', hex('300a 0101ff 0403 616263 0201 05'))
  it.each<Row>([
    ['content:"X"; ber_data:0x30; ber_skip:0x01; ber_data:0x04; content:"abc",distance 0,within 3;', true],
    ['content:"X"; ber_data:0x31;', false],
    ['content:"X"; ber_data:0x30; ber_skip:0x04,optional; ber_data:0x01;', true],
    ['content:"X"; ber_data:0x30; ber_skip:0x04;', false],
    ['content:"X"; ber_skip:0x30; isdataat:!1,relative;', true],
    ['content:"abc"; ber_skip:0x02; isdataat:0,relative;', false],
    ['content:"|05|"; ber_data:0x02;', false],
  ])('%s: %s', (options, expected) => {
    expect(fires(TCP, options, dialogue([payload]), 'snort3')).toBe(expected)
  })

  it('refuses an element that is longer than the buffer', () => {
    const packets = dialogue([hex('58 0484 ffffffff 6161')])
    expect(fires(TCP, 'content:"X"; ber_skip:0x04;', packets, 'snort3')).toBe(false)
    expect(
      fires(TCP, 'content:"X"; ber_data:0x04; content:"aa",distance 0,within 2;', packets, 'snort3'),
    ).toBe(true)
  })
})

describe('asn1', () => {
  const oversize = bytes('##', hex('30 82 0900'), new Uint8Array(40))
  const bits = hex('30 05 03 02 39 00 00')
  const real = bytes(hex('09 82 0140'), new Uint8Array(320).fill(1))
  it.each<readonly [string, Uint8Array, boolean]>([
    ['asn1:oversize_length 2048, offset 2;', oversize, true],
    ['asn1:oversize_length 4096, offset 2;', oversize, false],
    ['content:"##"; asn1:oversize_length 2048, relative_offset 0;', oversize, true],
    ['content:"##"; asn1:oversize_length 2048, relative_offset 100;', oversize, false],
    ['asn1:bitstring_overflow;', bits, true],
    ['asn1:double_overflow;', bits, false],
    ['asn1:double_overflow, bitstring_overflow;', real, true],
    ['asn1:bitstring_overflow;', hex('0303 00ffff'), false],
  ])('%s', (options, payload, expected) => {
    expect(fires(TCP, options, dialogue([payload]), 'snort2')).toBe(expected)
  })

  it('is done with deep nesting in bounded time', () => {
    const deep = new Uint8Array(16_000)
    for (let i = 0; i < deep.length; i += 2) deep.set([0x30, 0x80], i)
    expect(fires(TCP, 'asn1:oversize_length 10;', dialogue([deep]), 'snort2')).toBe(false)
  })
})

describe('ftpbounce', () => {
  it.each<readonly [string, boolean]>([
    ['PORT 10,9,8,7,4,1\r\n', true],
    ['PORT 192,0,2,1,4,1\r\n', false],
    ['PORT 10,9,8\r\n', false],
    ['PORT 300,9,8,7,4,1\r\n', false],
  ])('%s: %s', (line, expected) => {
    const packets = dialogue([line], { client: '192.0.2.1', serverPort: 21 })
    expect(fires(TCP, 'content:"PORT"; ftpbounce;', packets, 'snort2')).toBe(expected)
  })
})

describe('cvs', () => {
  it.each<readonly [string, boolean]>([
    ['Root /x\nEntry /file.c/1.1///\n', false],
    ['Entry D/dir////\n', false],
    ['Root /x\nEntry //1.1///\n', true],
    ['Entry \n', true],
    ['Modified Entry\n', false],
  ])('%j: %s', (text, expected) => {
    expect(fires(TCP, 'cvs:invalid-entry;', dialogue([text], { serverPort: 2401 }), 'snort2')).toBe(expected)
  })
})

describe('stream_size', () => {
  const packets = dialogue(['x'.repeat(100), 'y'.repeat(50), 'end'])
  it.each<readonly [string, string, boolean]>([
    ['stream_size:client,>,100;', 'stream_size:>100,to_server;', true],
    ['stream_size:client,<,100;', 'stream_size:<100,to_server;', false],
    ['stream_size:server,=,50;', 'stream_size:50,to_client;', true],
    ['stream_size:both,>,60;', 'stream_size:>60,both;', false],
    ['stream_size:either,>,60;', 'stream_size:>60;', true],
    ['stream_size:client,!=,103;', 'stream_size:!=103,to_server;', false],
  ])('%s: %s', (two, three, expected) => {
    expect(fires(TCP, `flow:to_server; content:"end"; ${two}`, packets, 'snort2')).toBe(expected)
    expect(fires(TCP, `flow:to_server; content:"end"; ${three}`, packets, 'snort3')).toBe(expected)
  })
})

describe('stream_size of a turn', () => {
  // The turn is inspected when the other side answers; the answer has not been seen then.
  const packets = dialogue(['x'.repeat(100), 'needle', 'z'.repeat(40), 'end'])
  it.each<readonly [string, string, boolean]>([
    ['to_client', 'needle"; stream_size:client,=,100', true],
    ['to_client', 'needle"; stream_size:server,=,6', true],
    ['to_server', 'zzz"; stream_size:server,=,6', true],
    ['to_server', 'zzz"; stream_size:client,=,140', true],
  ])('%s: %s', (direction, options, expected) => {
    expect(fires(TCP, `flow:${direction}; content:"${options};`, packets, 'snort2')).toBe(expected)
  })
})

describe('sd_pattern', () => {
  it.each<readonly [string, string, boolean]>([
    ['sd_pattern:"credit_card";', 'card 4111 1111 1111 1111.', true],
    ['sd_pattern:"credit_card";', 'card 4111-1111-1111-1112.', false],
    ['sd_pattern:"credit_card";', 'card 378282246310005.', true],
    ['sd_pattern:"credit_card";', 'no 54111111111111111.', false],
    ['sd_pattern:"us_social";', 'ssn 123-45-6789', true],
    ['sd_pattern:"us_social";', 'ssn 000-45-6789 666-45-6789 923-45-6789 123-00-6789', false],
    ['sd_pattern:"us_social_nodashes";', 'ssn 123456789', true],
    ['sd_pattern:"email",threshold 2;', 'a@b.org', false],
    ['sd_pattern:"email",threshold 2;', 'a@b.org, c.d@e.co.uk', true],
    ['sd_pattern:"\\b[A-Z]{3}-[0-9]{2}\\b",threshold 3;', 'ABC-12 DEF-34 GHI-56', true],
    ['sd_pattern:"\\b[A-Z]{3}-[0-9]{2}\\b",threshold 4;', 'ABC-12 DEF-34 GHI-56', false],
  ])('%s in %s: %s', (options, text, expected) => {
    expect(fires(TCP, options, dialogue([text]), 'snort3')).toBe(expected)
  })
})

describe('what a service is', () => {
  it('is shown in alerts', () => {
    const { alerts } = run(
      `${TCP} (ssl_state:client_hello; sid:1;)`,
      dialogue([clientHello()], { serverPort: 9 }),
    )
    expect(alerts.map(({ service }) => service)).toEqual(['ssl'])
  })
})
