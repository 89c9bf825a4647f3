/** Searches that remember what they have seen against searches that do not. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LiteralSearch, RepeatedSearch } from '../../src/detect/search.js'

const bytes = fc.array(fc.constantFrom(0x61, 0x62), { maxLength: 60 }).map((list) => Uint8Array.from(list))
const pattern = fc
  .array(fc.constantFrom(0x61, 0x62, 0x63), { minLength: 1, maxLength: 4 })
  .map((list) => Uint8Array.from(list))
const windows = fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { maxLength: 30 })

describe('a repeated search', () => {
  it('finds what a single one finds, from wherever and to wherever', () => {
    fc.assert(
      fc.property(bytes, pattern, windows, (text, wanted, list) => {
        const search = new LiteralSearch(wanted, false)
        const repeated = new RepeatedSearch(search)
        for (const [from, length] of list) {
          const begin = Math.min(from, text.length)
          const end = Math.min(begin + length, text.length)
          const single = end - begin < wanted.length ? -1 : search.find(text, begin, end)
          expect(repeated.find(text, begin, end, text, 1)).toBe(single)
        }
      }),
      { numRuns: 5000 },
    )
  })

  it('forgets everything when the bytes are others', () => {
    const repeated = new RepeatedSearch(new LiteralSearch(Uint8Array.of(0x61), false))
    const [one, two] = [Buffer.from('..a'), Buffer.from('a..')] as const
    expect(repeated.find(one, 0, 3, one, 1)).toBe(2)
    expect(repeated.find(two, 0, 3, one, 2)).toBe(0)
    expect(repeated.find(one, 0, 3, two, 2)).toBe(2)
  })

  it.each([
    ['forwards', (i: number) => i],
    ['backwards', (i: number) => 9000 - i],
  ])('looks at every byte about once, %s', (_, place) => {
    for (const text of [Buffer.alloc(10_000, 'a'), Buffer.alloc(10_000, 'a').fill('zz', 9998)]) {
      const repeated = new RepeatedSearch(new LiteralSearch(Buffer.from('zz'), false))
      let cost = 0
      for (let i = 0; i <= 9000; i++) {
        repeated.find(text, place(i), Math.min(place(i) + 5000, text.length), text, 1)
        cost += repeated.cost
      }
      expect(cost).toBeLessThan(40_000)
    }
  })
})
