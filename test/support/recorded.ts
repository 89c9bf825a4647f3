/**
 * A capture taken apart into conversations, so that each can be sent again in another way.
 *
 * In: a capture file of untagged Ethernet frames with whole IPv4 packets. Out: per client the packets in order, the TCP
 * segments in a form that the functions of conversation.ts can cut, and what each side said. Called by the evasion tests.
 */
import { openCapture } from '@weir/stack'
import type { Speaker, TcpPacketOptions, TestPacket } from './conversation.js'
import { concat, PROTOCOL, TCP_FLAG, toBytes } from './frames.js'

/** What one side says until the other one speaks. */
export interface Turn {
  readonly from: Speaker
  readonly bytes: Uint8Array
}

export interface Recorded {
  /** Address that names the conversation. */
  readonly client: string
  readonly packets: readonly TestPacket[]
}

const ETHERNET_HEADER = 14

/** @param isClient tells the addresses of clients, one for each conversation */
export async function readConversations(
  path: string,
  isClient: (address: string) => boolean,
): Promise<Recorded[]> {
  const conversations = new Map<string, TestPacket[]>()
  await openCapture(path).run({
    frame(buffer, offset, length, _wireLength, seconds, nanoseconds) {
      const frame = buffer.slice(offset, offset + length)
      const source = address(frame, ETHERNET_HEADER + 12)
      const destination = address(frame, ETHERNET_HEADER + 16)
      const from: Speaker = isClient(source) ? 'client' : 'server'
      const client = from === 'client' ? source : destination
      const packets = conversations.get(client) ?? []
      conversations.set(client, packets)
      const segment = tcpOf(frame, source, destination)
      packets.push({ frame, seconds, nanoseconds, from, ...(segment && { tcp: segment }) })
    },
  })
  return [...conversations].map(([client, packets]) => ({ client, packets }))
}

function address(frame: Uint8Array, at: number): string {
  return frame.subarray(at, at + 4).join('.')
}

function tcpOf(frame: Uint8Array, source: string, destination: string): TcpPacketOptions | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const ip = ETHERNET_HEADER
  const totalLength = view.getUint16(ip + 2)
  const flagsAndOffset = view.getUint16(ip + 6)
  if (frame[ip] !== 0x45 || frame[ip + 9] !== PROTOCOL.TCP || (flagsAndOffset & 0x3fff) !== 0)
    return undefined
  const at = ip + 20
  const headerWords = frame[at + 12]! >> 4
  const payloadAt = at + headerWords * 4
  if (headerWords < 5 || payloadAt > ip + totalLength) return undefined
  return {
    source,
    destination,
    sourcePort: view.getUint16(at),
    destinationPort: view.getUint16(at + 2),
    seq: view.getUint32(at + 4),
    ack: view.getUint32(at + 8),
    flags: frame[at + 13]!,
    window: view.getUint16(at + 14),
    urgent: view.getUint16(at + 18),
    ...(headerWords > 5 && { options: frame.slice(at + 20, payloadAt) }),
    payload: frame.slice(payloadAt, ip + totalLength),
    ipv4: {
      id: view.getUint16(ip + 4),
      ttl: frame[ip + 8]!,
      tos: frame[ip + 1]!,
      dontFragment: (flagsAndOffset & 0x4000) !== 0,
      reservedBit: (flagsAndOffset & 0x8000) !== 0,
    },
  }
}

/** What was said on a TCP connection in turn; a segment seen before adds nothing. */
export function turnsOf({ packets }: Recorded): Turn[] {
  const turns: Turn[] = []
  const next: Partial<Record<Speaker, number>> = {}
  for (const { from, tcp } of packets) {
    if (tcp === undefined) continue
    const { seq = 0, flags = TCP_FLAG.ACK } = tcp
    const payload = toBytes(tcp.payload ?? '')
    if ((flags & TCP_FLAG.SYN) !== 0) next[from] = (seq + 1) >>> 0
    if (payload.length === 0 || (next[from] ?? seq) !== seq) continue
    next[from] = (seq + payload.length) >>> 0
    const last = turns.at(-1)
    if (last?.from === from) turns[turns.length - 1] = { from, bytes: concat(last.bytes, payload) }
    else turns.push({ from, bytes: payload })
  }
  return turns
}

/** A whole TCP connection: it begins with a SYN of the client, and every segment could be read. */
export function isConnection({ packets }: Recorded): boolean {
  const first = packets[0]?.tcp
  return (
    packets.every(({ tcp }) => tcp !== undefined) &&
    packets[0]!.from === 'client' &&
    first?.flags === TCP_FLAG.SYN &&
    packets[1]?.tcp?.flags === (TCP_FLAG.SYN | TCP_FLAG.ACK)
  )
}
