/**
 * The attacks of the bundled signatures, sent in every way there is: other TCP segments, other IP packets and links,
 * other codings of bodies, other requests around them. The signatures raised must be those of the plain conversation.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { randomFrom, type TestPacket } from './support/conversation.js'
import { httpEvasions } from './support/evade-http.js'
import { ipEvasions } from './support/evade-ip.js'
import { tcpEvasions } from './support/evade-tcp.js'
import { Attacks, plain, type Variant } from './support/evasion.js'
import type { Recorded } from './support/recorded.js'

/** What changes nothing that a signature may ask for: neither names nor white space nor the raw URI. */
const HARMLESS =
  /^(as they|blank lines|third|first of|pipelined|response: (after|HTTP|one chunk|chunk|trailers|zeroes))/

type Evade = (conversation: Recorded, random: () => number) => readonly Omit<TestPacket, 'from'>[] | undefined

const variant =
  (evade: Evade): Variant =>
  (exchange, options) => {
    const packets = plain(exchange, options)
    const sent = evade({ client: options.client!, packets }, randomFrom(packets.length))
    return sent?.map((packet) => ({ ...packet, from: 'client' })) ?? packets
  }

describe('the signatures raised do not depend on how the attack was sent', () => {
  const attacks = new Attacks()
  afterAll(() => attacks.close())

  const ways: readonly (readonly [string, Evade, object])[] = [
    ...tcpEvasions,
    ...ipEvasions,
    ...httpEvasions
      .filter(([name]) => HARMLESS.test(name))
      .map(([name, evade]) => [name, evade, {}] as const),
  ]
  it.each(ways.filter(([, , options]) => Object.keys(options).length === 0))('%s', (_, evade) => {
    expect(attacks.differences(variant(evade))).toEqual([])
  })
})
