/**
 * What a capture does to a conversation: shows it from the middle on, one side alone, or packets later than they were sent,
 * across both directions.
 *
 * In: the packets of one connection and random numbers. Out: the packets as captured. Called by the tests of evasions.
 */
import type { TestPacket } from './conversation.js'
import { type Packets, type Random, randomPieces } from './evade-tcp.js'
import { TCP_FLAG } from './frames.js'

type Capture = (packets: Packets, random: Random) => TestPacket[]

const isSyn = ({ tcp }: TestPacket): boolean => ((tcp?.flags ?? 0) & TCP_FLAG.SYN) !== 0

/** Every packet from the one numbered `from` on is put off by up to `reach` places; each place keeps its time. */
const late =
  (reach: number, from: number): Capture =>
  (packets, random) =>
    packets
      .map((packet, i) => ({ packet, at: i < from ? i : i + random() * reach }))
      .sort((a, b) => a.at - b.at)
      .map(({ packet }, i) => ({
        ...packet,
        seconds: packets[i]!.seconds,
        nanoseconds: packets[i]!.nanoseconds,
      }))

const pieces =
  (most: number, then: Capture): Capture =>
  (packets, random) =>
    then(randomPieces(packets, random, most), random)

const side = (from: 'client' | 'server', packets: Packets): TestPacket[] =>
  packets.filter((packet) => packet.from === from)

/** The share of the alerts that must be found: of all, or of those of rules for the side that is seen. */
export const CAPTURES: Readonly<Record<string, readonly [capture: Capture, floor: number, of?: RegExp]>> = {
  'from the SYN+ACK on': [(packets) => packets.slice(1), 0.999],
  'from the ACK of the handshake on': [(packets) => packets.slice(2), 0.994],
  'from the first data on': [(packets) => packets.slice(3), 0.994],
  'the first data before the handshake': [
    (packets) => [packets[3]!, ...packets.slice(0, 3), ...packets.slice(4)],
    0.988,
  ],
  'the SYN behind the first data': [
    (packets) => [...packets.slice(1, 4), packets[0]!, ...packets.slice(4)],
    0.999,
  ],
  'no handshake, up to 4 places late': [(packets, random) => late(4, 0)(packets.slice(3), random), 0.992],
  'the client alone': [(packets) => side('client', packets), 0.995, /to_server|from_client/],
  'the server alone': [(packets) => side('server', packets), 0.995, /to_client|from_server/],
  'the client alone, no handshake': [
    (packets) => side('client', packets).filter((packet) => !isSyn(packet)),
    0.995,
    /to_server|from_client/,
  ],
  'the server alone, no handshake': [
    (packets) => side('server', packets).filter((packet) => !isSyn(packet)),
    0.97,
    /to_client|from_server/,
  ],
  'the client ahead of the server': [
    (packets) => [...side('client', packets), ...side('server', packets)],
    0.998,
  ],
  'the server ahead of the client': [
    (packets) => [...side('server', packets), ...side('client', packets)],
    0.988,
  ],
  'up to 8 places late': [late(8, 3), 0.999],
  'up to 3 places late, handshake included': [late(3, 0), 0.997],
  'small segments, up to 3 places late': [pieces(60, late(3, 3)), 0.996],
  'small segments, up to 8 places late': [pieces(60, late(8, 3)), 0.996],
  'small segments, up to 16 places late': [pieces(100, late(16, 3)), 0.996],
}
