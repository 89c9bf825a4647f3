/**
 * Tables of the rule language: a rule, what is sent, whether it fires, and why.
 *
 * In: rows, in the words of a rule writer. Out: one test a row and dialect. What stands in a row is a rule's options (for
 * a `tcp` rule between any addresses and ports) or a whole rule; traffic is what a client says over TCP, or packets.
 */
import { describe, expect, it } from 'vitest'
import type { CapturedFrame } from '../../../test/support/conversation.js'
import type { Dialect } from '../../src/rules/model.js'
import { clientSays, type RunSettings, run } from '../detect/harness.js'
import { load } from '../rules/support.js'

export const FIRES = true
export const SILENT = false

/** Snort 2.9 text, Snort 3 text, or text that is both and means the same. */
export type Written = '2.9' | '3' | 'both'

export type Traffic = string | Uint8Array | readonly CapturedFrame[]
export type Row = readonly [rule: string, traffic: Traffic, fires: boolean, why: string]

const DIALECTS: Readonly<Record<Written, readonly Dialect[]>> = {
  '2.9': ['snort2'],
  '3': ['snort3'],
  both: ['snort2', 'snort3'],
}

/** The rule, numbered 1 when it has no number. */
export function ruleText(text: string): string {
  const whole = /\balert |[(]sid:|^[#/]/.test(text) ? text : `alert tcp any any -> any any (${text})`
  return /\bsid:/.test(whole) ? whole : whole.replace(/\)\s*$/, ' sid:1;)')
}

function packets(traffic: Traffic): readonly CapturedFrame[] {
  if (typeof traffic === 'string') return clientSays(Buffer.from(traffic, 'latin1'))
  return traffic instanceof Uint8Array ? clientSays(traffic) : traffic
}

/** Matchers are made when they are needed, and there are few flows. */
const QUICK: RunSettings = { detect: { warmUpPorts: [] }, stack: { maxFlows: 64 } }

/** A test for each row: whether the rule fires at all. */
export function table(
  name: string,
  written: Written,
  rows: readonly Row[],
  settings: RunSettings = {},
): void {
  describe(`${name} (${written})`, () => {
    for (const dialect of DIALECTS[written]) {
      for (const [rule, traffic, fires, why] of rows) {
        const shown = typeof traffic === 'string' ? JSON.stringify(traffic) : 'packets'
        it(`${rule} ${fires ? 'fires' : 'is silent'} on ${shown}: ${why} [${dialect}]`, () => {
          const { alerts } = run(ruleText(rule), packets(traffic), { dialect, ...QUICK, ...settings })
          expect(alerts.some(({ sid }) => sid === 1)).toBe(fires)
        })
      }
    }
  })
}

/** A wrong rule: what is said of it and, if given, the text it is said at. */
export type WrongRow = readonly [rule: string, message: RegExp, at?: string]

/** Each is refused with this one message, which points at this text, and rules around it are there. */
export function refused(name: string, written: Written, rows: readonly WrongRow[]): void {
  describe(`${name} (${written})`, () => {
    const good = (sid: number): string => `alert tcp any any -> any any (msg:"good"; sid:${sid};)`
    for (const dialect of DIALECTS[written]) {
      for (const [rule, message, at] of rows) {
        it(`${rule}: ${message.source} [${dialect}]`, () => {
          const text = ruleText(rule)
          const { rules, problems } = load(`${good(101)}\n${text}\n${good(102)}\n`, dialect)
          expect(rules.map(({ sid }) => sid)).toEqual([101, 102])
          expect(problems).toHaveLength(1)
          const [{ message: said, position, severity }] = problems as [(typeof problems)[number]]
          expect(said).toMatch(message)
          expect(severity).toBe('error')
          expect(position.line).toBe(2)
          if (at !== undefined) expect(text.slice(position.column - 1)).toMatch(new RegExp(`^${escaped(at)}`))
        })
      }
    }
  })
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
