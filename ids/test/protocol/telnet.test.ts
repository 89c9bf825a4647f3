/** Telnet commands inside Telnet and FTP: what rules see is what the receiver reads. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conversation, resegment } from '../../../test/support/conversation.js'
import type { Data } from '../../../test/support/frames.js'
import { TelnetText } from '../../src/protocol/telnet.js'
import { sids } from '../detect/harness.js'
import { bytes, hex } from './messages.js'

const BANNER = '220 (vsFTPd 3.0)\r\n'

function ftp(command: Data, serverPort = 2121) {
  return conversation({ serverPort })
    .handshake()
    .server(BANNER)
    .client(command)
    .server('200 ok\r\n')
    .close()
    .packets()
}

const rule = (options: string) => `alert tcp any any -> any any (flow:to_server; ${options} sid:1;)`

describe('FTP commands', () => {
  it.each<readonly [name: string, command: Data]>([
    ['as they are', 'SITE EXEC id\r\n'],
    ['with a NOP', bytes('SI', hex('fff1'), 'TE EXEC id\r\n')],
    ['with an option', bytes('SITE E', hex('fffb01'), 'XEC id\r\n')],
    ['with a subnegotiation', bytes('SITE EX', hex('fffa 18 ffff 00 fff0'), 'EC id\r\n')],
    ['with an erased character', bytes('SITE EXX', hex('fff7'), 'EC id\r\n')],
    ['behind an erased line', bytes('nonsense', hex('fff8'), 'SITE EXEC id\r\n')],
  ])('%s', (_name, command) => {
    const packets = ftp(command)
    expect(sids(rule('content:"SITE EXEC id"; depth:12;'), packets)).toEqual([1])
    expect(sids(rule('content:"SITE EXEC id"; depth:12;'), resegment(packets, 1))).toEqual([1])
    expect(sids(rule('pcre:"/^SITE\\s+EXEC/m";'), packets)).toEqual([1])
  })

  it('are there as they came for raw data', () => {
    const packets = ftp(bytes('SITE', hex('fff1'), ' EXEC\r\n'))
    expect(sids(rule('content:"SITE|FF F1| EXEC"; rawbytes;'), packets)).toEqual([1])
    expect(sids(rule('content:"SITE|FF F1| EXEC";'), packets)).toEqual([])
    expect(sids(rule('raw_data; content:"SITE|FF F1| EXEC";'), packets, { dialect: 'snort3' })).toEqual([1])
  })

  it('hold a byte 255 that is doubled', () => {
    expect(sids(rule('content:"SITE |FF|x";'), ftp(bytes('SITE ', hex('ffff'), 'x\r\n')))).toEqual([1])
  })

  it('announce data connections in spite of commands inside', () => {
    const control = conversation({ server: '10.0.0.2', clientPort: 4000, serverPort: 21 })
      .handshake()
      .server(BANNER)
      .client('PASV\r\n')
      .server(bytes('22', hex('fff1'), '7 Entering Passive Mode (10,0,0,2,20,1).\r\n'))
      .client('RETR x\r\n')
      .packets()
    const data = conversation({ server: '10.0.0.2', clientPort: 4001, serverPort: 5121 })
      .handshake()
      .server('the file')
      .close('server')
      .packets()
    const file =
      'alert tcp any any -> any 9 (file_data; content:"the file"; metadata:service ftp-data; sid:1;)'
    expect(sids(file, [...control, ...data])).toEqual([1])
  })
})

describe('Telnet', () => {
  const login = bytes('ro', hex('fff1'), 'ot\r\n')
  const talk = (first: Data, serverPort: number) =>
    conversation({ serverPort }).handshake().server(first).client(login).close().packets()

  it('is read without its commands: on its port, and where a negotiation tells', () => {
    expect(sids(rule('content:"root";'), talk('login: ', 23))).toEqual([1])
    expect(sids(rule('content:"root";'), talk(hex('fffd18 fffd20'), 2323))).toEqual([1])
  })

  it('leaves other services alone', () => {
    expect(sids(rule('content:"root";'), talk('login: ', 2323))).toEqual([])
    expect(sids(rule('content:"ro|FF F1|ot";'), talk('login: ', 2323))).toEqual([1])
  })
})

describe('the text', () => {
  it('is never longer than what came, and holds every byte outside of commands', () => {
    const text = new TelnetText()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (data, at) => {
        const fresh = Math.min(at, data.length)
        if (!text.read(data, 0, data.length, fresh)) {
          expect(data.includes(0xff)).toBe(false)
          return
        }
        expect(text.end).toBeLessThanOrEqual(data.length)
        expect(text.fresh).toBeLessThanOrEqual(text.end)
      }),
    )
    const plain = fc.uint8Array({ maxLength: 20 }).map((data) => data.map((byte) => byte & 0x7f))
    const command = fc.constantFrom(hex('fff1'), hex('fffb01'), hex('fffe22'), hex('fffa1801fff0'))
    fc.assert(
      fc.property(fc.array(fc.tuple(plain, command), { minLength: 1, maxLength: 5 }), (parts) => {
        const data = bytes(...parts.flat())
        expect(text.read(data, 0, data.length, 0)).toBe(true)
        expect([...text.bytes.subarray(0, text.end)]).toEqual(parts.flatMap(([one]) => [...one]))
      }),
    )
  })
})
