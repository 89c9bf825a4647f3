/** Reference traces: what every packet of a connection makes of both sides' states, and the events it raises. */
import { describe, expect, it } from 'vitest'
import { conversation, feed } from '../../test/support/conversation.js'
import { record } from './support/recorder.js'

describe('a clean connection', () => {
  it('goes through the states of RFC 9293', () => {
    const log = record(conversation().handshake().client('GET').server('OK').close().packets())
    expect(log).toMatchInlineSnapshot(`
      [
        "start 40000>80",
        "client CLOSED > SYN-SENT",
        "server LISTEN > SYN-RECEIVED",
        "client SYN-SENT > ESTABLISHED",
        "server SYN-RECEIVED > ESTABLISHED",
        "data to server at 0: GET",
        "data to client at 0: OK",
        "client ESTABLISHED > FIN-WAIT-1",
        "server ESTABLISHED > CLOSE-WAIT",
        "server CLOSE-WAIT > LAST-ACK",
        "client FIN-WAIT-1 > FIN-WAIT-2",
        "client FIN-WAIT-2 > TIME-WAIT",
        "server LAST-ACK > CLOSED",
        "end fin",
      ]
    `)
  })
})
