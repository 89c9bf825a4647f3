/**
 * Flows whose beginning was not seen, and data in the first packet of a flow: what is inspected when, and as what.
 * Measured in Snort 3: one packet of a connection tells it nothing about the service, whoever acknowledges it or not.
 */
import { describe, expect, it } from 'vitest'
import {
  type Conversation,
  conversation,
  type TestPacket,
  udpExchange,
} from '../../../test/support/conversation.js'
import { TCP_FLAG } from '../../../test/support/frames.js'
import { run, sids } from './harness.js'

const { SYN, PSH, ACK } = TCP_FLAG
const MIDSTREAM = { stack: { midstream: true }, dialect: 'snort3' } as const

const GET = 'GET /evil HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'

const URI = 'alert http (http_uri; content:"evil"; sid:1;)'
const PLAIN = 'alert tcp (content:"evil"; sid:2;)'
const BODY = 'alert http (flow:to_client,established; file_data; content:"evil"; sid:3;)'
const RULES = [URI, PLAIN, BODY].join('\n')

/** Nothing is acknowledged unless it is said. */
const picked = (mss = 1460): Conversation => conversation({ serverPort: 7777, mss, acks: false })

describe('a flow picked up midstream', () => {
  it('has no service as long as it is one packet', () => {
    expect(sids(RULES, picked().client(GET).packets(), MIDSTREAM)).toEqual([2])
  })

  it('has none of any kind', () => {
    const banner = 'alert smtp (content:"220 "; sid:1;)'
    const greets = picked().server('220 mx.example ESMTP Postfix\r\n')
    expect(sids(banner, greets.packets(), MIDSTREAM)).toEqual([])
    expect(sids(banner, greets.client('EHLO me\r\n').packets(), MIDSTREAM)).toEqual([1])
  })

  it.each([
    ['an acknowledgement', picked().client(GET).ack('server')],
    ['an answer', picked().client(GET).server('HTTP/1.1 204 No\r\n\r\n')],
    ['the end', picked().client(GET).rst('server')],
    ['more of the message', picked().client(GET.slice(0, 8)).client(GET.slice(8))],
  ])('has one when %s comes', (_, talk) => {
    expect(sids(URI, talk.packets(), MIDSTREAM)).toEqual([1])
  })

  it('may begin with an answer', () => {
    expect(sids(BODY, picked().server(OK).packets(), MIDSTREAM)).toEqual([])
    expect(sids(BODY, picked().server(OK).ack('client').packets(), MIDSTREAM)).toEqual([3])
  })

  it('does not need acknowledgements', () => {
    const talk = conversation({ serverPort: 7777 })
      .segment('server', { flags: SYN | ACK })
      .segment('server', { flags: PSH | ACK, payload: OK })
    expect(sids(BODY, talk.packets(), MIDSTREAM)).toEqual([3])
  })

  it('shows its first packet to rules without a service, once', () => {
    const talk = picked().client('so evil').client('more').server('ok')
    const { alerts } = run(PLAIN, talk.packets(), MIDSTREAM)
    expect(alerts.map(({ packet, fromStream }) => [packet, fromStream])).toEqual([[1, false]])
  })

  it('hides nothing that straddles its first packets', () => {
    expect(sids(PLAIN, picked().client('so ev').client('il').packets(), MIDSTREAM)).toEqual([2])
  })

  it('waits for no second packet when the first fills a window', () => {
    const request = `POST /evil HTTP/1.1\r\nContent-Length: 30000\r\n\r\n${'x'.repeat(30_000)}`
    const talk = picked(40_000).client(request)
    expect(sids(URI, talk.packets(), MIDSTREAM)).toEqual([1])
  })

  it('waits for no second packet when there is no memory for waiting', () => {
    const settings = { ...MIDSTREAM, detect: { inspection: { bufferBudget: 0 } } }
    expect(sids(PLAIN, picked().client('so evil').packets(), settings)).toEqual([2])
    expect(sids(BODY, picked().server(OK).ack('client').packets(), settings).length).toBeLessThanOrEqual(1)
  })

  it('is blocked at its first packet', () => {
    const { alerts } = run(
      PLAIN.replace('alert', 'block'),
      picked().client('evil').client('evil').packets(),
      {
        ...MIDSTREAM,
        detect: { inline: true },
      },
    )
    expect(alerts.map(({ packet }) => packet)).toEqual([1])
  })
})

describe('data in the first packet of a flow', () => {
  const ALERT = 'alert tcp (content:"evil"; sid:1;)'
  const PASS = 'pass tcp (content:"evil"; sid:2;)'
  const rules = `${ALERT}\n${PASS}`
  const onSyn = conversation({ serverPort: 7777 })
    .segment('client', { flags: SYN, payload: 'evil' })
    .segment('server', { flags: SYN | ACK })
    .ack('client')
    .server('ok')
    .close()
    .packets()

  it('on a SYN, is reported once', () => {
    expect(sids(ALERT, onSyn, MIDSTREAM)).toEqual([1])
  })

  it('is passed as a packet, and does not pass again as part of the stream', () => {
    expect(sids(rules, onSyn, MIDSTREAM)).toEqual([1])
    expect(sids(rules, picked().client('evil').packets(), MIDSTREAM)).toEqual([1])
  })

  it('after a handshake, is part of the stream only', () => {
    expect(sids(rules, picked().handshake().client('evil').close().packets(), MIDSTREAM)).toEqual([])
  })

  it('is one unit for all rules: a pass rule about nothing passes it whole', () => {
    const all = `${ALERT}\npass tcp (flags:S; sid:3;)`
    const { alerts } = run(all, onSyn, MIDSTREAM)
    expect(alerts.map(({ fromStream }) => fromStream)).toEqual([true])
  })
})

describe('which end is the server', () => {
  /** The server has the higher port. */
  const inverted = (): Conversation => conversation({ clientPort: 3000, serverPort: 7777, acks: false })
  const TO_SERVER = 'alert tcp any any -> any 7777 (flow:to_server; content:"evil"; sid:1;)'
  const TO_CLIENT = 'alert tcp any 7777 -> any any (flow:to_client; content:"evil"; sid:2;)'
  const ANY_PORT = 'alert tcp any any -> any any (flow:to_server; content:"evil"; sid:3;)'

  it('is told by the ports that rules name', () => {
    const rules = [TO_SERVER, TO_CLIENT, ANY_PORT].join('\n')
    expect(sids(rules, inverted().client('so evil').packets(), MIDSTREAM)).toEqual([3, 1])
    expect(sids(rules, inverted().server('so evil').packets(), MIDSTREAM)).toEqual([2])
    // Without rules that know the port, the lower one is taken for the server's.
    expect(sids(ANY_PORT, inverted().client('so evil').packets(), MIDSTREAM)).toEqual([])
  })

  it('is told by what is said', () => {
    expect(sids(URI, inverted().client(GET).ack('server').packets(), MIDSTREAM)).toEqual([1])
    expect(sids(BODY, inverted().server(OK).ack('client').packets(), MIDSTREAM)).toEqual([3])
  })

  it('is told by a SYN that the capture shows late, once it is there', () => {
    const packets = inverted().handshake().client(GET).server(OK).packets()
    const late = [packets[3]!, packets[0]!, packets[1]!, packets[2]!, packets[4]!]
    expect(sids([URI, BODY].join('\n'), late, MIDSTREAM)).toEqual([1, 3])
  })

  it('is not sure of datagrams where the first sender has the port of a server', () => {
    const rules = [
      'alert udp any any -> any 7777 (flow:to_server; content:"ask"; sid:1;)',
      'alert udp any 7777 -> any any (flow:to_client; content:"answer"; sid:2;)',
      'alert udp any any -> any any (content:"a"; sid:3;)',
    ].join('\n')
    const ports = { clientPort: 3000, serverPort: 7777 }
    const both = udpExchange(
      [
        ['server', 'answer'],
        ['client', 'ask'],
        ['server', 'answer'],
      ],
      ports,
    )
    const fired = (packets: readonly TestPacket[]): string[] =>
      run(rules, packets).alerts.map(({ sid, packet }) => `${packet}: ${sid}`)
    expect(fired(both)).toEqual(['1: 2', '1: 3', '2: 1', '2: 3', '3: 2', '3: 3'].sort())
    // Rules that say nothing of a direction do not make a client's port a server's.
    const either = `alert udp any any -> any any (flow:to_server; content:"answer"; sid:4;)
      alert udp 192.0.2.1 [3000:3001] <> any [7777:7778] (content:"none"; sid:5;)
      alert udp any any -> any [3000,7777] (content:"none"; sid:6;)`
    const answered = udpExchange(
      [
        ['client', 'ask'],
        ['server', 'answer'],
      ],
      { clientPort: 7777, serverPort: 4000 },
    )
    expect(sids(either, answered)).toEqual([])
    // From a port that is none of a server's: the first sender is the client.
    const plain = udpExchange([['client', 'answer']], { clientPort: 7776, serverPort: 3000 })
    expect(sids('alert udp any any -> any any (flow:to_client; content:"answer"; sid:1;)', plain)).toEqual([])
  })
})

describe('rules for packets', () => {
  it('see the first data of a flow picked up midstream once it is known to be established', () => {
    const rule = 'alert tcp any any -> any any (flow:to_server,established,no_stream; content:"evil"; sid:1;)'
    expect(sids(rule, picked().client('so evil').packets(), MIDSTREAM)).toEqual([])
    expect(sids(rule, picked().client('so evil').ack('server').packets(), MIDSTREAM)).toEqual([1])
  })
})
