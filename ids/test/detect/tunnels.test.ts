/** Rules on what Teredo carries (RFC 4380): IPv6 in UDP, from and to port 3544. */
import { describe, expect, it } from 'vitest'
import { type CapturedFrame, conversation, resegment } from '../../../test/support/conversation.js'
import { udpFrame } from '../../../test/support/frames.js'
import { teredo } from '../../../test/support/tunnels.js'
import { run, sids } from './harness.js'

const CLIENT = '2001:0:4136:e378:8000:63bf:3fff:fdd2'
const SERVER = '2001:db8::80'
const ETHERNET = 14

const REQUEST = 'GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n'
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret'
const talk = conversation({ client: CLIENT, server: SERVER, serverPort: 80 })
  .handshake()
  .client(REQUEST)
  .server(RESPONSE)
  .close()
  .packets()

type Form = Parameters<typeof teredo>[1]

/** The packets of the conversation in datagrams between a client and a relay. */
function tunnelled(packets: typeof talk, relayPort = 3544, form: Form = {}): CapturedFrame[] {
  return packets.map(({ frame, seconds, nanoseconds, from }) => {
    const payload = teredo(frame.subarray(ETHERNET), form)
    const client = {
      source: '10.1.0.1',
      destination: '192.0.2.9',
      sourcePort: 50_000,
      destinationPort: relayPort,
    }
    const relay = {
      source: '192.0.2.9',
      destination: '10.1.0.1',
      sourcePort: relayPort,
      destinationPort: 50_000,
    }
    return { frame: udpFrame({ ...(from === 'client' ? client : relay), payload }), seconds, nanoseconds }
  })
}

const RULES = `alert tcp any any -> any 80 (flow:to_server,established; content:"/hidden"; http_uri; sid:1;)
alert tcp any 80 -> any any (flow:to_client,established; file_data; content:"secret"; sid:2;)
alert udp any any -> any any (content:"hidden"; sid:3;)
alert tcp ${SERVER}/128 any -> any any (flags:SA; sid:4;)`

describe('Teredo', () => {
  it.each<readonly [string, Form]>([
    ['plain', {}],
    ['with an origin indication', { origin: true }],
    ['with an authentication', { authentication: true }],
    ['with both', { authentication: true, origin: true }],
  ])('%s: rules see the connection inside, and only that', (_, form) => {
    expect(sids(RULES, tunnelled(talk, 3544, form)).sort()).toEqual([1, 2, 4])
  })

  it('alerts with the addresses inside', () => {
    const { alerts } = run(RULES, tunnelled(talk))
    expect(alerts.find(({ sid }) => sid === 1)).toMatchObject({
      source: CLIENT,
      destination: SERVER,
      destinationPort: 80,
    })
  })

  it('is put together inside, too', () => {
    expect(sids(RULES, tunnelled(resegment(talk, 3))).sort()).toEqual([1, 2, 4])
  })

  it('is UDP with a payload on other ports', () => {
    expect(sids(RULES, tunnelled(talk, 3545))).toEqual([3])
  })

  it('is UDP with a payload where it is not looked into', () => {
    expect(sids(RULES, tunnelled(talk), { stack: { tunnels: { teredo: false } } })).toEqual([3])
  })

  it('is UDP with a payload when the datagram is cut inside', () => {
    const cut = tunnelled(talk).map(({ frame, ...time }) => {
      const payload = frame.subarray(ETHERNET + 28, frame.length - 1)
      const ends = { source: '10.1.0.1', destination: '192.0.2.9', sourcePort: 50_000, destinationPort: 3544 }
      return { frame: udpFrame({ ...ends, payload }), ...time }
    })
    expect(sids(RULES, cut)).toEqual([3])
  })
})
