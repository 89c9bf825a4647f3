import { afterAll, describe, expect, it } from 'vitest'
import { dialogue } from '../../test/support/conversation.js'
import { Detection } from './detect.js'
import { CASES, exchanges, loadSignatures } from './signatures.js'
import type { Case, Exchange } from './traffic.js'

const { rules } = loadSignatures()
const messages = new Map(rules.map((rule) => [rule.sid, rule.msg]))

const packetsOf = ({ request, response }: Exchange) => dialogue([request, response])
const titled = (cases: readonly Case[]) =>
  cases.map((entry) => [entry.sid, messages.get(entry.sid) ?? '', entry] as const)

describe.each(['auto', 'aho-corasick'] as const)('engine %s', (choice) => {
  const detection = new Detection(rules, choice)
  afterAll(() => detection.close())

  it('takes every signature', () => {
    expect(detection.engine.problems).toEqual([])
    expect(detection.engine.rules).toHaveLength(rules.length)
  })

  describe.each(Object.entries(CASES))('%s', (_name, cases) => {
    it.each(titled(cases))('%i %s', (sid, _message, { fire, nearMiss, also = [] }) => {
      const expected = [sid, ...also].sort((a, b) => a - b)
      for (const exchange of exchanges(fire)) expect(detection.sids(packetsOf(exchange))).toEqual(expected)
      for (const exchange of exchanges(nearMiss))
        expect(detection.sids(packetsOf(exchange))).not.toContain(sid)
    })
  })
})
