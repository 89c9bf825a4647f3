/** What keeps packets away from detection must not keep any away that a rule would have matched. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TCP_FLAG, tcpFrame } from '../../../test/support/frames.js'
import { run } from './harness.js'

const LETTERS = { F: 0x01, S: 0x02, R: 0x04, P: 0x08, A: 0x10, U: 0x20 } as const
const PORTS = [80, 139, 5000]

interface PacketRule {
  readonly flags: readonly (keyof typeof LETTERS)[]
  readonly sign: '' | '+' | '*' | '!'
  readonly ports: readonly [source: number | undefined, destination: number | undefined]
  readonly dsize: readonly [least: number, most: number]
}

interface Segment {
  readonly fromClient: boolean
  readonly flags: number
  readonly length: number
}

const port = fc.constantFrom(undefined, ...PORTS)
const rule: fc.Arbitrary<PacketRule> = fc.record({
  flags: fc.uniqueArray(fc.constantFrom(...(Object.keys(LETTERS) as (keyof typeof LETTERS)[])), {
    maxLength: 3,
  }),
  sign: fc.constantFrom('', '+', '*', '!'),
  ports: fc.tuple(port, port),
  dsize: fc
    .tuple(fc.constantFrom(0, 1, 20, 100), fc.constantFrom(0, 1, 50, 1000))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
})
const segment: fc.Arbitrary<Segment> = fc.record({
  fromClient: fc.boolean(),
  flags: fc.oneof(fc.constantFrom(0x10, 0x18, 0x11), fc.integer({ min: 0, max: 0x3f })),
  length: fc.constantFrom(0, 1, 20, 100, 1400),
})

function textOf({ flags, sign, ports: [source, destination], dsize }: PacketRule, index: number): string {
  const flagged = flags.length === 0 ? '' : `flags:${sign}${flags.join('')}; `
  const header = `alert tcp any ${source ?? 'any'} -> any ${destination ?? 'any'}`
  return `${header} (${flagged}dsize:${dsize[0]}<>${dsize[1]}; sid:${index + 1};)`
}

function accepts(flags: number, { flags: letters, sign }: PacketRule): boolean {
  if (letters.length === 0) return true
  const wanted = letters.reduce((sum, letter) => sum | LETTERS[letter], 0)
  if (sign === '+') return (flags & wanted) === wanted
  if (sign === '*') return (flags & wanted) !== 0
  if (sign === '!') return (flags & wanted) === 0
  return flags === wanted
}

describe('single packets', () => {
  it('are shown to every rule that they match', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 12 }),
        fc.constantFrom(...PORTS),
        fc.constantFrom(...PORTS, 40_000),
        fc.array(segment, { maxLength: 12 }),
        (rules, serverPort, clientPort, segments) => {
          const opening: Segment = { fromClient: true, flags: TCP_FLAG.SYN, length: 0 }
          const all = [opening, ...segments]
          const frames = all.map(({ fromClient, flags, length }, i) => {
            const [source, destination] = fromClient ? ['10.0.0.1', '10.0.0.2'] : ['10.0.0.2', '10.0.0.1']
            const [sourcePort, destinationPort] = (
              fromClient ? [clientPort, serverPort] : [serverPort, clientPort]
            ) as [number, number]
            const addresses = { source: source!, destination: destination! }
            const payload = 'x'.repeat(length)
            const frame = tcpFrame({
              ...addresses,
              sourcePort,
              destinationPort,
              seq: 1000 * i,
              flags,
              payload,
            })
            return { frame, seconds: 1 + i, nanoseconds: 0 }
          })
          const expected = all.flatMap(({ fromClient, flags, length }, i) =>
            rules.flatMap((one, index) => {
              const [source, destination] = fromClient ? [clientPort, serverPort] : [serverPort, clientPort]
              const fits =
                (one.ports[0] ?? source) === source && (one.ports[1] ?? destination) === destination
              const inside = length >= one.dsize[0] && length <= one.dsize[1]
              return fits && inside && accepts(flags, one) ? [`${i + 1}:${index + 1}`] : []
            }),
          )
          const { alerts } = run(rules.map(textOf).join('\n'), frames)
          expect(alerts.map(({ packet, sid }) => `${packet}:${sid}`).sort()).toEqual(expected.sort())
        },
      ),
      { numRuns: 150 },
    )
  })
})
