/**
 * Conversations made from rules, captured badly: from the middle on, one side alone, packets late across directions. Nearly
 * all alerts are raised all the same. What is missing asks for packets that are not there, for what the other side would
 * have said before (flowbits), or names the client's port as a server's.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomFrom } from './support/conversation.js'
import { CAPTURES } from './support/evade-capture.js'
import { type Dialect, OracleSet } from './support/evasion-run.js'
import { isConnection } from './support/recorded.js'
import { sharedPath } from './support/shared.js'

const SETS: readonly (readonly [set: string, dialect: Dialect])[] = [
  ['http-community', 'snort3'],
  ['http-community', 'snort2'],
  ['nonhttp-community', 'snort3'],
  ['nonhttp-community', 'snort2'],
]
const PRECISION = 0.995

describe.skipIf(sharedPath('oracle') === undefined)('the alerts do not depend on what was captured', () => {
  describe.each(SETS)('%s, %s text', (name, dialect) => {
    let set: OracleSet
    beforeAll(async () => {
      set = await OracleSet.load(name, dialect)
    }, 60_000)
    afterAll(() => set.close())

    it.each(Object.entries(CAPTURES))('%s', (_, [capture, floor, of]) => {
      const clients = new Set<string>()
      function* frames() {
        for (const [index, conversation] of set.conversations.entries()) {
          if (!isConnection(conversation)) continue
          clients.add(conversation.client)
          yield* capture(conversation.packets, randomFrom(index + 1))
        }
      }
      const { missed, truePositives, precision } = set.grade(set.alerts(frames()), clients)
      const textOf = (row: string): string => set.texts.get(Number(row.split('\t')[0])) ?? ''
      const counted = missed.filter(
        (row) => of === undefined || (of.test(textOf(row)) && !/isset/.test(textOf(row))),
      )
      expect(truePositives / (truePositives + counted.length)).toBeGreaterThanOrEqual(floor)
      expect(precision).toBeGreaterThanOrEqual(name.startsWith('http') && of !== undefined ? 0.99 : PRECISION)
    })
  })
})
