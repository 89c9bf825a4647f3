/**
 * Conversations made from rules, sent in every other way that leaves what the receiver gets as it was: the same alerts.
 *
 * Every conversation is sent in a few ways, every way is taken by many conversations; then in random compositions.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomFrom } from './support/conversation.js'
import { type AppEvasion, appEvasions } from './support/evade-app.js'
import { type IpEvasion, ipEvasions } from './support/evade-ip.js'
import { composable, type TcpEvasion, tcpEvasions } from './support/evade-tcp.js'
import { type Dialect, OracleSet, type SentFrame } from './support/evasion-run.js'
import type { Row } from './support/oracle.js'
import type { Recorded } from './support/recorded.js'
import { sharedPath } from './support/shared.js'

type Sent = readonly [how: string, frames: Iterable<SentFrame>] | undefined
type Way = (conversation: Recorded, index: number) => Sent

const ROUNDS = [0, 1]
const SEEDS = [1]

/** Rules about what packets there are, not what they carry: an evasion changes that. */
const ASKS_FOR_PACKETS =
  /\b(no_stream|flags|id|fragbits|ttl|ack|seq|window)\b\s*[:;,]|detection_filter|sid:(33[23]|40991|32043);/

const SETS: readonly (readonly [set: string, dialect: Dialect])[] = [
  ['http-community', 'snort3'],
  ['http-community', 'snort2'],
  ['nonhttp-community', 'snort3'],
  ['nonhttp-community', 'snort2'],
]

const single =
  (
    round: number,
    ways: readonly (readonly [string, TcpEvasion | IpEvasion | AppEvasion, { linkType?: number }])[],
  ): Way =>
  (conversation, index) => {
    const [name, evade, { linkType }] = ways[(index + round * 37) % ways.length]!
    const frames = evade(conversation, randomFrom(index + round))
    return frames && [name, linkType === undefined ? frames : frames.map((frame) => ({ ...frame, linkType }))]
  }

/** One way of each kind, one after the other. */
const composed = (seed: number): Way => {
  const random = randomFrom(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const tunnels = ipEvasions.filter(([, , { linkType }]) => linkType === undefined)
  return ({ client, packets }) => {
    const names: string[] = []
    let current = packets
    for (const list of composable) {
      const [name, evade] = pick(list)
      const next = evade({ client, packets: current }, random)
      if (next === undefined || next.length > 3000) continue
      names.push(name)
      current = next
    }
    const [name, evade] = pick(tunnels)
    const frames = evade({ client, packets: current }, random)
    return [[...names, name].join(', '), frames ?? current]
  }
}

describe.skipIf(sharedPath('oracle') === undefined)(
  'the alerts do not depend on how the traffic was sent',
  () => {
    describe.each(SETS)('%s, %s text', (name, dialect) => {
      let set: OracleSet
      let base: ReadonlySet<Row>
      beforeAll(async () => {
        set = await OracleSet.load(name, dialect)
        base = set.alerts(set.conversations.flatMap(({ packets }) => packets))
      }, 60_000)
      afterAll(() => set.close())

      /** Rows that differ from those of the conversations as they were, and how these were sent. */
      const differences = (way: Way): string[] => {
        const how = new Map<string, string>()
        function* frames() {
          for (const [index, conversation] of set.conversations.entries()) {
            const sent = way(conversation, index)
            if (sent === undefined) continue
            how.set(conversation.client, sent[0])
            yield* sent[1]
          }
        }
        const alerts = set.alerts(frames())
        expect(how.size).toBeGreaterThan(set.conversations.length / 2)
        const told = (entry: Row): string | undefined => {
          const [sid, client] = entry.split('\t')
          if (ASKS_FOR_PACKETS.test(set.texts.get(Number(sid)) ?? '')) return undefined
          return how.get(client!)
        }
        const missed = [...base]
          .filter((entry) => !alerts.has(entry))
          .map((entry) => [told(entry), '-', entry])
        const extra = [...alerts]
          .filter((entry) => !base.has(entry))
          .map((entry) => [told(entry), '+', entry])
        return [...missed, ...extra].filter(([sent]) => sent !== undefined).map((line) => line.join(' '))
      }

      const ways = [...tcpEvasions, ...ipEvasions, ...(name.startsWith('nonhttp') ? appEvasions : [])].filter(
        ([, , options]) => !('stack' in options),
      )

      it.each(ROUNDS)('in one of all ways each, round %i', (round) => {
        expect(differences(single(round, ways))).toEqual([])
      })

      it.each(SEEDS)('in compositions of ways, seed %i', (seed) => {
        expect(differences(composed(seed))).toEqual([])
      })
    })
  },
)
