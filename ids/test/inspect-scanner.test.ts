import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Scanner } from '../src/inspect/scanner.js'

/** The same in the obvious way. */
function naive(bytes: Uint8Array, start: number, end: number, bareCr: boolean) {
  for (let i = start; i < end; i++) {
    const crlf = bytes[i] === 13 && i + 1 < end && bytes[i + 1] === 10
    const cr = bareCr && bytes[i] === 13 && i + 1 < end && bytes[i + 1] !== 32 && bytes[i + 1] !== 9
    if (bytes[i] === 10 || crlf || cr) {
      return {
        end: i,
        next: i + (crlf ? 2 : 1),
        stop: bytes[i] === 10 || crlf ? 10 : 13,
        percent: bytes.subarray(start, i).includes(37),
      }
    }
  }
  return { end, next: end, stop: 0, percent: bytes.subarray(start, end).includes(37) }
}

test('lines are found as by looking at every byte', () => {
  const byte = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 255 }) },
    { weight: 1, arbitrary: fc.constantFrom(9, 10, 13, 32, 37, 11, 8, 36, 38) },
  )
  const scanner = new Scanner()
  fc.assert(
    fc.property(
      fc.array(byte, { maxLength: 60 }),
      fc.nat(20),
      fc.nat(9),
      fc.boolean(),
      (all, from, less, bareCr) => {
        const bytes = Uint8Array.from(all)
        const start = Math.min(from, bytes.length)
        const end = Math.max(start, bytes.length - less)
        scanner.use(bytes)
        const found = scanner.line(start, end, bareCr)
        expect({ end: found, next: scanner.next, stop: scanner.stop, percent: scanner.percent }).toEqual(
          naive(bytes, start, end, bareCr),
        )
      },
    ),
    { numRuns: 3000 },
  )
})
