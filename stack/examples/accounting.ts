/**
 * Traffic accounting that is not fooled by fake retransmissions, after Abacus. Usage: accounting CAPTURE
 *
 * A carrier that does not charge for retransmitted bytes invites tunnels that hide data in "retransmissions". Here bytes
 * that repeat what was sent before are free, bytes that only claim to are charged, and told. Bytes too old to compare
 * are charged as well. Counts TCP payload, both directions, per client.
 */
import {
  CLI,
  createStack,
  defineEvent,
  type Flow,
  ON_NEW_DATA,
  ON_REXMIT,
  openCapture,
  type Retransmission,
} from '@weir/stack'

/** How far back retransmissions are compared. */
const LOOK_BACK = 65_536

const stack = createStack()
const socket = stack.monitorStream({ retain: { client: LOOK_BACK, server: LOOK_BACK } })

const none = { fresh: 0, repeated: 0, fake: 0, unknown: 0 }
type Bill = typeof none
const bills = new Map<string, Bill>()
function charge(flow: Flow, item: keyof Bill, bytes: number): void {
  const client = flow.address(CLI)
  const bill = bills.get(client) ?? { ...none }
  bill[item] += bytes
  bills.set(client, bill)
}

/** What a retransmission is, byte by byte compared with what was there before. */
function compare(flow: Flow<unknown>, { side, offset, length, sequence, packet }: Retransmission) {
  if (length === 0) return undefined
  const start = packet.payloadOffset + ((sequence - packet.tcpSeq) | 0)
  const now = packet.buffer.subarray(start, start + length)
  const before = flow.side(side).ppeek(offset, length)
  const verdict: keyof Bill =
    before?.length !== now.length ? 'unknown' : Buffer.compare(before, now) === 0 ? 'repeated' : 'fake'
  return { verdict, length }
}
const ON_REPEATED_DATA = defineEvent(ON_REXMIT, compare)

socket.on(ON_NEW_DATA, (flow, { start, end }) => charge(flow, 'fresh', end - start))
socket.on(ON_REPEATED_DATA, (flow, { verdict, length }) => charge(flow, verdict, length))

await openCapture(process.argv[2] ?? '-').run(stack)
stack.finish()
for (const [client, { fresh, repeated, fake, unknown }] of bills) {
  const free = fake > 0 ? ` FREE-RIDING: ${fake} bytes in fake retransmissions` : ''
  console.log(`${client} charged ${fresh + fake + unknown}, not charged ${repeated}${free}`)
}
