/** Conversations made from rules for files in mails, the mails written otherwise: the same files, the same alerts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomFrom } from './support/conversation.js'
import { mailEvasions } from './support/evade-mail.js'
import { type Dialect, OracleSet } from './support/evasion-run.js'
import type { Row } from './support/oracle.js'
import { sharedPath } from './support/shared.js'

const DIALECTS: readonly Dialect[] = ['snort3', 'snort2']

describe.skipIf(sharedPath('oracle') === undefined)('files in mails are found however they are sent', () => {
  describe.each(DIALECTS)('%s text', (dialect) => {
    let set: OracleSet
    let base: ReadonlySet<Row>
    beforeAll(async () => {
      set = await OracleSet.load('nonhttp-community', dialect)
      base = set.alerts(set.conversations.flatMap(({ packets }) => packets))
    }, 60_000)
    afterAll(() => set.close())

    it.each(mailEvasions)('%s', (_, evade) => {
      const clients = new Set<string>()
      function* frames() {
        for (const [index, conversation] of set.conversations.entries()) {
          const packets = evade(conversation, randomFrom(index))
          if (packets === undefined) continue
          clients.add(conversation.client)
          yield* packets
        }
      }
      const alerts = set.alerts(frames())
      const ofFiles = (rows: ReadonlySet<Row>): Row[] =>
        [...rows].filter((entry) => {
          const [sid, client] = entry.split('\t')
          return clients.has(client!) && /file_data/.test(set.texts.get(Number(sid)) ?? '')
        })
      const expected = ofFiles(base)
      expect(expected.length).toBeGreaterThan(10)
      expect(ofFiles(alerts).sort()).toEqual(expected.sort())
    })
  })
})
