/**
 * Rule files with one rule damaged at random: the others load as if it were not there, the damaged one loads or is
 * reported where it stands, nothing throws or hangs, and what has loaded can be written out, read back and run.
 *
 * WEIR_FUZZ_SEED sets another seed, WEIR_FUZZ_ROUNDS another number of rounds (default 12, of a hundred files each).
 */
import { describe, expect, it } from 'vitest'
import { createEngine, createEngines, type Dialect, formatRule, loadRules, type Rule } from 'weir'
import { type BufferId, isPartSlot, partSlot } from '../ids/src/inspect/buffers.js'
import { randomFrom } from './support/conversation.js'
import { PROTOCOL_KINDS } from './support/naive-protocols.js'
import { below, chance, makeTalk, pick, type Random, TRAFFIC_KINDS } from './support/naive-traffic.js'
import { ruleText, writeRule } from './support/naive-writer.js'

const SEED = Number(process.env.WEIR_FUZZ_SEED ?? 20_240_229)
const ROUNDS = Number(process.env.WEIR_FUZZ_ROUNDS ?? 12)
const FILES = 100
const RULES = 8
/** Of a file; many times what one takes. */
const SLOW = 2000

const engines = createEngines()
const KINDS = [...TRAFFIC_KINDS, ...PROTOCOL_KINDS]

/** Rules with sids from 1001 on. */
function makeRules(random: Random, dialect: Dialect): string[] {
  const texts: string[] = []
  while (texts.length < RULES) {
    const rule = writeRule(random, makeTalk(random, pick(random, KINDS)))
    if (rule.dialect === dialect) texts.push(ruleText(rule, 1001 + texts.length))
  }
  return texts
}

const PIECES = [
  ...[
    ';',
    ':',
    ',',
    '"',
    "'",
    '\\',
    '|',
    '(',
    ')',
    '[',
    ']',
    '!',
    '<',
    '>',
    '=',
    '&',
    '^',
    '/',
    '-',
    '.',
    '$',
    '#',
    '~',
  ],
  ...['\t', '\r', '\n', '\\\n', ' ', 'é', '\u2028', '0', '9', '-1', '65536', '4294967296', '1e9', '0x', '00'],
  ...[
    'any',
    'relative',
    'only',
    'v0',
    'content:',
    'sid:',
    'pcre:"/',
    'alert',
    'http_uri;',
    'fast_pattern;',
    '->',
    '<>',
  ],
]

/** The text with something taken out, put in, doubled, swapped or cut off, once or several times. */
function damaged(random: Random, text: string, others: readonly string[]): string {
  let result = text
  for (let i = 1 + below(random, 3); i > 0; i--) {
    const at = below(random, result.length)
    const to = Math.min(result.length, at + 1 + below(random, chance(random, 0.8) ? 5 : 60))
    const [head, middle, tail] = [result.slice(0, at), result.slice(at, to), result.slice(to)]
    switch (below(random, 8)) {
      case 0:
        result = head + tail
        break
      case 1:
        result = head + middle + middle + tail
        break
      case 2:
        result = head + pick(random, PIECES) + tail
        break
      case 3:
        result = head
        break
      case 4:
        result = head + [...middle].reverse().join('') + tail
        break
      case 5: {
        const other = pick(random, others)
        const from = below(random, other.length)
        result = head + other.slice(from, from + 1 + below(random, 40)) + tail
        break
      }
      default:
        result = head + pick(random, PIECES) + middle + tail
    }
  }
  return result
}

/** Comments and directives, which mean something else on purpose. */
const OTHERWISE = /\/\*|^\s*(?:#|include|(?:ip|port)?var|config)|^\s*\\?$/m

/** What the rule says; the slots for parts of messages are numbered in the order in which they are read. */
function meaning(rule: Rule): unknown {
  const slots: BufferId[] = []
  const renumbered = (id: BufferId): BufferId => {
    if (!isPartSlot(id)) return id
    if (!slots.includes(id)) slots.push(id)
    return partSlot(slots.indexOf(id))
  }
  const options = rule.options.map((option) => ({
    ...option,
    ...('buffer' in option && { buffer: renumbered(option.buffer) }),
    ...('slot' in option && { slot: renumbered(option.slot) }),
  }))
  return { ...rule, options, text: '', position: undefined, runs: undefined }
}

describe('a damaged rule', () => {
  it.each(['snort2', 'snort3'] as const)(
    'harms no other rule, and is reported where it stands: %s',
    (dialect) => {
      let refused = 0
      let files = 0
      for (let round = 0; round < ROUNDS; round++) {
        const random = randomFrom(SEED + round * 2 + (dialect === 'snort3' ? 1 : 0))
        const texts = makeRules(random, dialect)
        const load = (text: string): ReturnType<typeof loadRules> =>
          loadRules({ files: [{ path: 'f', text, dialect }] })
        const whole = load(texts.join('\n'))
        const plain = new Map(whole.rules.map((rule) => [rule.sid, meaning(rule)]))
        for (const rule of whole.rules) {
          const again = load(formatRule(rule))
          expect(again.problems, formatRule(rule)).toEqual([])
          expect(again.rules.map(meaning)).toEqual([meaning(rule)])
        }
        for (let file = 0; file < FILES; file++) {
          const victim = below(random, texts.length)
          const text = damaged(random, texts[victim]!.replace(/sid:\d+;/, 'sid:7;'), texts)
          if (OTHERWISE.test(text)) continue
          files++
          // An empty line ends what a backslash would continue.
          const lines = [...texts.slice(0, victim), text, '', ...texts.slice(victim + 1)]
            .join('\n')
            .split('\n')
          const start = performance.now()
          const loaded = load(lines.join('\n'))
          expect(performance.now() - start, text).toBeLessThan(SLOW)
          const first = victim + 1
          const last = victim + text.split('\n').length + 1
          const ours = loaded.rules.filter(({ position }) => position.line >= first && position.line <= last)
          for (const [i, other] of texts.entries()) {
            const sid = 1001 + i
            if (i === victim || ours.some((rule) => rule.sid === sid)) continue
            const found = loaded.rules.find((rule) => rule.sid === sid)
            expect(found && meaning(found), `${JSON.stringify(text)} before or behind ${other}`).toEqual(
              plain.get(sid),
            )
          }
          const told = loaded.problems.filter(
            ({ position }) => position.line >= first && position.line <= last,
          )
          expect(ours.length + told.length, JSON.stringify(text)).toBeGreaterThan(0)
          for (const { message, reason, position, severity } of loaded.problems) {
            expect(message.length * reason.length).toBeGreaterThan(0)
            const line = lines[position.line - 1]
            expect(line, JSON.stringify(text)).toBeDefined()
            expect(position.column).toBeGreaterThanOrEqual(1)
            // Columns count characters; at most one behind the last.
            expect(position.column, `${message} in ${JSON.stringify(text)}`).toBeLessThanOrEqual(
              line!.length + 1,
            )
            if (severity === 'error') refused++
          }
          for (const rule of ours) {
            const again = load(formatRule(rule))
            expect(again.rules.map(meaning), `${JSON.stringify(text)} as ${formatRule(rule)}`).toEqual([
              meaning(rule),
            ])
          }
          if (file % 10 === 0) {
            const engine = createEngine({
              rules: loaded.rules,
              matcherEngine: engines.matcher,
              regexEngine: engines.regex,
            })
            for (const { message, position } of engine.problems) {
              expect(message.length).toBeGreaterThan(0)
              expect(position.line).toBeGreaterThanOrEqual(1)
            }
            engine.close()
          }
        }
      }
      // Damage must be damage, but not only nonsense.
      expect(refused / files).toBeGreaterThan(0.3)
      expect(refused / files).toBeLessThan(3)
    },
    120_000 + ROUNDS * 10_000,
  )
})
