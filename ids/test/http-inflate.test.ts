import { constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { INFLATE, INFLATE_OUTPUT, Inflater } from '../src/http/inflate.js'

/** Everything that comes out of `data`, fed in pieces and taken in portions, and how it ended. */
function inflate(
  data: Uint8Array,
  pieces: number[],
  most: number,
  rawAllowed: boolean,
  verify = false,
): { out: Buffer; status: number } {
  const inflater = new Inflater()
  inflater.reset(new Uint8Array(INFLATE_OUTPUT), rawAllowed, verify)
  const out: Buffer[] = []
  let at = 0
  let status: number = INFLATE.NEED_INPUT
  for (let n = 0; at < data.length; n++) {
    const to = Math.min(data.length, at + (pieces[n % pieces.length] ?? data.length))
    do {
      status = inflater.run(data, at, to, most)
      out.push(Buffer.from(inflater.output.subarray(inflater.start, inflater.end)))
      expect(inflater.end - inflater.start).toBeLessThanOrEqual(most)
      at = inflater.position
    } while (status === INFLATE.OUTPUT_FULL)
    if (status !== INFLATE.NEED_INPUT) break
  }
  return { out: Buffer.concat(out), status }
}

const text = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .array(fc.constantFrom('<a href="', 'EICAR', '%41', '\r\n', 'aaaaaaaaaaaaaaaaaaaaaaaaa', 'Z'), {
      maxLength: 3000,
    })
    .map((parts) => Buffer.from(parts.join(''))),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: 70000 }))
    .map(([bytes, length]) => Buffer.alloc(length, bytes)),
)
const options = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FIXED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
  ),
})
const pieces = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 4 })

describe('inflate', () => {
  test('undoes what zlib made, in pieces of any size', () => {
    fc.assert(
      fc.property(text, options, pieces, fc.integer({ min: 1, max: 32768 }), (plain, how, cuts, most) => {
        for (const make of [gzipSync, deflateSync, deflateRawSync]) {
          const { out, status } = inflate(make(plain, how), cuts, most, true)
          expect(out.equals(plain)).toBe(true)
          if (make !== gzipSync) expect(status).toBe(INFLATE.DONE)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('gives what came before the damage, and never more than asked for', () => {
    fc.assert(
      fc.property(text, pieces, fc.nat(), fc.nat(255), (plain, cuts, where, value) => {
        const data = gzipSync(plain)
        data[where % data.length] = value
        const { out } = inflate(data, cuts, 1000, false)
        expect(out.length).toBeLessThanOrEqual(1032 * data.length + 1032)
      }),
      { numRuns: 200 },
    )
  })

  test('any bytes are taken without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), pieces, (data, cuts) => {
        inflate(data, cuts, 5000, true)
      }),
      { numRuns: 500 },
    )
  })

  test('gzip header with all optional fields, and a second member', () => {
    const plain = gzipSync('one ')
    const optional = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 4 | 8 | 16 | 2, 0, 0, 0, 0, 0, 3]),
      Buffer.from([3, 0, 1, 2, 3]),
      Buffer.from('name\0comment\0'),
      Buffer.from([0xaa, 0xbb]),
      plain.subarray(10),
      gzipSync('two'),
    ])
    for (const cuts of [[1000], [1], [3]]) {
      expect(inflate(optional, cuts, 100, false).out.toString()).toBe('one two')
    }
  })

  test('data without a header is raw deflate only where that is allowed', () => {
    const raw = deflateRawSync('hello hello hello')
    expect(inflate(raw, [1000], 100, true).out.toString()).toBe('hello hello hello')
    const refused = inflate(raw, [1000], 100, false)
    expect(refused.status).toBe(INFLATE.ERROR)
    expect(refused.out.length).toBe(0)
  })
})
