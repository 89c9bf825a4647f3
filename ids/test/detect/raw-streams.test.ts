/** `rawStreams`: no service is looked for, as in Snort without wizard and binder. */
import { describe, expect, it } from 'vitest'
import { conversation, udpExchange } from '../../../test/support/conversation.js'
import { exchange, sids } from './harness.js'

const RAW = { dialect: 'snort3', detect: { inspection: { rawStreams: true } } } as const
const WITH = { dialect: 'snort3' } as const

const web = exchange(
  'GET /evil HTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
)

describe('raw streams', () => {
  it('show plain contents the whole message, and have no HTTP buffers', () => {
    const rules = `alert tcp any any -> any any (flow:established,to_client; content:"HTTP"; pcre:"/200/R"; sid:1;)
alert tcp any any -> any any (http_uri; content:"evil"; sid:2;)
alert http (file_data; content:"evil"; sid:3;)`
    expect(sids(rules, web, RAW)).toEqual([1])
    expect(sids(rules, web, WITH)).toEqual([2, 3])
  })

  it('stay raw behind a gap and midstream', () => {
    const rule = 'alert http (http_uri; content:"evil"; sid:2;)'
    const request = 'GET /evil HTTP/1.1\r\n\r\n'
    const gap = conversation({ serverPort: 7777 }).handshake().client('x').skip('client', 10).client(request)
    expect(sids(rule, gap.server('ok').close().packets(), RAW)).toEqual([])
    const late = conversation({ serverPort: 7777 }).server('x').client(request).close().packets()
    expect(sids(rule, late, { ...RAW, stack: { midstream: true } })).toEqual([])
    expect(sids(rule, late, { ...WITH, stack: { midstream: true } })).toEqual([2])
  })

  it('are of no other service either', () => {
    const mail = conversation({ serverPort: 25 }).handshake().server('220 mx ESMTP\r\n').client('EHLO me\r\n')
    const packets = mail.server('250 ok\r\n').close().packets()
    const rules = 'alert smtp (content:"EHLO"; sid:1;)'
    expect(sids(rules, packets, RAW)).toEqual([])
    expect(sids(rules, packets, WITH)).toEqual([1])
    const invite = 'INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\n\r\n'
    const call = udpExchange([['client', invite]], { serverPort: 5060 })
    const sip = 'alert udp any any -> any any (sip_method:INVITE; sid:1;)'
    expect(sids(sip, call, RAW)).toEqual([])
    expect(sids(sip, call, WITH)).toEqual([1])
  })
})
