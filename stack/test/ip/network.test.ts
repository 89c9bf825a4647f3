/** Networks in text and the table that finds the longest one. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressBytes } from '../../../test/support/frames.js'
import { NetworkTable, parseNetwork } from '../../src/index.js'

function wordsOf(text: string): [number, number, number, number] {
  const bytes = addressBytes(text)
  const all = bytes.length === 4 ? [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes] : [...bytes]
  const view = new DataView(Uint8Array.from(all).buffer)
  return [view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)]
}

describe('parseNetwork', () => {
  it('reads addresses and prefixes of both families', () => {
    expect(parseNetwork('10.1.2.3/8')).toEqual({ version: 4, words: wordsOf('10.0.0.0'), prefix: 104 })
    expect(parseNetwork('0.0.0.0/0')).toEqual({ version: 4, words: wordsOf('0.0.0.0'), prefix: 96 })
    expect(parseNetwork('2001:db8::/32')).toEqual({ version: 6, words: wordsOf('2001:db8::'), prefix: 32 })
    expect(parseNetwork('::ffff:10.0.0.1')).toMatchObject({ version: 6, prefix: 128 })
    expect(parseNetwork('::/0')).toEqual({ version: 6, words: [0, 0, 0, 0], prefix: 0 })
    expect(parseNetwork('1:2:3:4:5:6:7:8/127').words).toEqual(wordsOf('1:2:3:4:5:6:7:8'))
  })

  for (const text of [
    '',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '::/129',
    'fe80::1%eth0',
    'any',
    '1.2.3.4/x',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseNetwork(text)).toThrow(RangeError)
    })
  }
})

describe('NetworkTable', () => {
  it('agrees with a search by bits', () => {
    const octet = fc.constantFrom(0, 1, 10, 128, 255)
    const address = fc.tuple(octet, octet, octet, octet).map((bytes) => bytes.join('.'))
    const bits = (text: string): string =>
      text
        .split('.')
        .map((byte) => Number(byte).toString(2).padStart(8, '0'))
        .join('')
    fc.assert(
      fc.property(fc.array(fc.tuple(address, fc.nat(32))), address, (list, wanted) => {
        const table = new NetworkTable(list.map(([text, length], i) => [`${text}/${length}`, i] as const))
        let best: number | undefined
        list.forEach(([text, length], i) => {
          if (bits(text).slice(0, length) !== bits(wanted).slice(0, length)) return
          if (best === undefined || length >= list[best]![1]) best = i
        })
        expect(table.find(4, ...wordsOf(wanted))).toBe(best)
      }),
    )
  })

  it('keeps the families apart', () => {
    const table = new NetworkTable([['::/0', 'six']])
    expect(table.find(6, ...wordsOf('2001:db8::1'))).toBe('six')
    expect(table.find(4, ...wordsOf('10.0.0.1'))).toBeUndefined()
  })
})
