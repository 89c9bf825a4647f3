/**
 * Community ID version 1 (github.com/corelight/community-id-spec): one hash of the 5-tuple, the same for both
 * directions, by which tools recognise each other's flows.
 */
import { createHash } from 'node:crypto'
import type { AlertRecord } from './alert.js'
import { hasPorts, isIcmp, PROTOCOL } from './text.js'

/** Message types that answer each other stand for the two ports; others are one-way: type and code, not ordered. */
const pairs = (list: readonly (readonly [number, number])[]): ReadonlyMap<number, number> =>
  new Map(list.flatMap(([one, other]) => [[one, other] as const, [other, one] as const]))

const ICMP_PAIRS = pairs([
  [8, 0],
  [13, 14],
  [15, 16],
  [10, 9],
  [17, 18],
])
const ICMP6_PAIRS = pairs([
  [128, 129],
  [133, 134],
  [135, 136],
  [130, 131],
  [139, 140],
  [144, 145],
])

const SCTP = 132

/** `1:…`, or undefined for SCTP, whose ports are not decoded. `seed` is 0…65535. */
export const communityId = (record: AlertRecord, seed = 0): string | undefined => {
  const { protocol } = record
  if (protocol === SCTP) return undefined
  let source = addressBytes(record.sourceAddress)
  let destination = addressBytes(record.destinationAddress)
  let sourcePort = record.sourcePort
  let destinationPort = record.destinationPort
  const withPorts = hasPorts(protocol) || isIcmp(protocol)
  let oneWay = false
  if (isIcmp(protocol)) {
    const answer = (protocol === PROTOCOL.ICMP ? ICMP_PAIRS : ICMP6_PAIRS).get(sourcePort)
    if (answer === undefined) oneWay = true
    else destinationPort = answer
  }
  const order = Buffer.compare(source, destination)
  if (!oneWay && (order > 0 || (order === 0 && withPorts && sourcePort > destinationPort))) {
    ;[source, destination] = [destination, source]
    ;[sourcePort, destinationPort] = [destinationPort, sourcePort]
  }
  const hash = createHash('sha1')
    .update(Uint8Array.of(seed >> 8, seed & 255))
    .update(source)
    .update(destination)
    .update(Uint8Array.of(protocol, 0))
  if (withPorts) {
    hash.update(Uint8Array.of(sourcePort >> 8, sourcePort & 255, destinationPort >> 8, destinationPort & 255))
  }
  return `1:${hash.digest('base64')}`
}

/** Network-order bytes of an address in text form (4 or 16 of them). */
const addressBytes = (text: string): Uint8Array => {
  if (!text.includes(':')) return Uint8Array.from(text.split('.'), Number)
  const [head = '', tail] = text.split('::')
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const bytes = new Uint8Array(16)
  bytes.set(front, 0)
  bytes.set(back, 16 - back.length)
  return bytes
}

const groups = (text: string): number[] =>
  text === ''
    ? []
    : text.split(':').flatMap((group) => {
        if (group.includes('.')) return group.split('.').map(Number)
        const value = Number.parseInt(group, 16)
        return [value >> 8, value & 255]
      })
