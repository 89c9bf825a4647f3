import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SlidingArea } from '../src/inspect/area.js'
import { HELD_BYTES, TRANSFER, TransferDecoder, type TransferId } from '../src/mail/transfer.js'

/** Decodes `text` cut after the given lengths (round and round), never giving out more than `window` bytes at once. */
function decode(kind: TransferId, text: string, pieces: readonly number[] = [], window = 1 << 20): string {
  const decoder = new TransferDecoder()
  decoder.begin(kind)
  const bytes = Buffer.from(text, 'latin1')
  const area = new SlidingArea()
  area.bytes = new Uint8Array(text.length + 1024)
  let at = 0
  for (let next = 0; at < bytes.length; next++) {
    const length = pieces.length === 0 ? bytes.length : Math.max(1, pieces[next % pieces.length]!)
    const end = Math.min(bytes.length, at + length)
    while (at < end) {
      const before = area.length
      const read = decoder.run(bytes, at, end, area, area.length + window)
      expect(read - at + area.length - before).toBeGreaterThan(0)
      expect(area.length - before).toBeLessThanOrEqual(read - at + HELD_BYTES)
      at = read
    }
  }
  const before = area.length
  decoder.finish(area)
  expect(area.length - before).toBeLessThanOrEqual(HELD_BYTES)
  return Buffer.from(area.bytes.subarray(0, area.length)).toString('latin1')
}

/** Quoted-printable by the book, on the whole text. */
function naiveQuotedPrintable(text: string): string {
  return text
    .replace(/=[ \t]*\r?\n/g, '')
    .replace(/=([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function encodeQuotedPrintable(data: Uint8Array, width: number): string {
  let out = ''
  let column = 0
  for (const byte of data) {
    const plain = byte >= 33 && byte <= 126 && byte !== 61
    const piece = plain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
    if (column + piece.length > width) {
      out += '=\r\n'
      column = 0
    }
    out += piece
    column += piece.length
  }
  return out
}

function encodeUu(data: Uint8Array): string {
  const char = (value: number): string => String.fromCharCode(value === 0 ? 96 : value + 32)
  let out = 'begin 644 file.bin\r\n'
  for (let at = 0; at < data.length; at += 45) {
    const line = data.subarray(at, at + 45)
    out += char(line.length)
    for (let i = 0; i < line.length; i += 3) {
      const [a, b, c] = [line[i] ?? 0, line[i + 1] ?? 0, line[i + 2] ?? 0]
      out += char(a >> 2) + char(((a & 3) << 4) | (b >> 4)) + char(((b & 15) << 2) | (c >> 6)) + char(c & 63)
    }
    out += '\r\n'
  }
  return `${out}\`\r\nend\r\n`
}

const data = fc.uint8Array({ maxLength: 400 })
const pieces = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 5 })
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

describe('base64', () => {
  test.each([
    ['', ''],
    ['QQ==', 'A'],
    ['QUI=', 'AB'],
    ['QUJD', 'ABC'],
    ['QU\r\nJD\r\n', 'ABC'],
    ['Q U\tJ!D', 'ABC'],
    ['QQ==QUI=', 'AAB'],
    ['QQ', 'A'],
    ['QUJDQ', 'ABC'],
    ['====', ''],
    ['/+8=', '\xff\xef'],
  ])('%j', (text, expected) => {
    expect(decode(TRANSFER.BASE64, text)).toBe(expected)
    expect(decode(TRANSFER.BASE64, text, [1])).toBe(expected)
  })

  test('agrees with Buffer, cut anywhere', () => {
    fc.assert(
      fc.property(
        data,
        fc.integer({ min: 4, max: 76 }),
        pieces,
        fc.integer({ min: 1, max: 9 }),
        (bytes, width, cuts, window) => {
          const text = Buffer.from(bytes)
            .toString('base64')
            .replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n')
          expect(decode(TRANSFER.BASE64, text, cuts, window)).toBe(latin1(bytes))
        },
      ),
    )
  })
})

describe('quoted-printable', () => {
  test.each([
    ['plain text', 'plain text'],
    ['a=3Db', 'a=b'],
    ['a=3db', 'a=b'],
    ['soft=\r\nbreak', 'softbreak'],
    ['soft=\nbreak', 'softbreak'],
    ['soft= \t\r\nbreak', 'softbreak'],
    ['hard\r\nbreak', 'hard\r\nbreak'],
    ['=ZZ', '=ZZ'],
    ['=4Z', '=4Z'],
    ['==41', '=A'],
    ['=\rx', '=\rx'],
    ['= x', '= x'],
    ['end=', 'end='],
    ['end=4', 'end=4'],
  ])('%j', (text, expected) => {
    expect(decode(TRANSFER.QUOTED_PRINTABLE, text)).toBe(expected)
    expect(decode(TRANSFER.QUOTED_PRINTABLE, text, [1])).toBe(expected)
  })

  test('takes back what was encoded, cut anywhere', () => {
    fc.assert(
      fc.property(
        data,
        fc.integer({ min: 3, max: 76 }),
        pieces,
        fc.integer({ min: 1, max: 9 }),
        (bytes, width, cuts, window) => {
          const text = encodeQuotedPrintable(bytes, width)
          expect(naiveQuotedPrintable(text)).toBe(latin1(bytes))
          expect(decode(TRANSFER.QUOTED_PRINTABLE, text, cuts, window)).toBe(latin1(bytes))
        },
      ),
    )
  })

  test('anything decodes to the same however it is cut', () => {
    const noise = fc.array(fc.constantFrom('=', '4', 'f', 'G', ' ', '\t', '\r', '\n', 'x'), { maxLength: 40 })
    fc.assert(
      fc.property(noise, pieces, (chars, cuts) => {
        const text = chars.join('')
        expect(decode(TRANSFER.QUOTED_PRINTABLE, text, cuts, 1)).toBe(decode(TRANSFER.QUOTED_PRINTABLE, text))
      }),
    )
  })
})

describe('uuencode', () => {
  test('takes back what was encoded, cut anywhere', () => {
    fc.assert(
      fc.property(data, pieces, fc.integer({ min: 1, max: 9 }), (bytes, cuts, window) => {
        expect(decode(TRANSFER.UUENCODE, encodeUu(bytes), cuts, window)).toBe(latin1(bytes))
      }),
    )
  })

  test('leaves out what stands around files, and reads several', () => {
    const text = `see below\r\n${encodeUu(Buffer.from('one'))}and\r\n${encodeUu(Buffer.from('two'))}bye\r\n`
    expect(decode(TRANSFER.UUENCODE, text)).toBe('onetwo')
    expect(decode(TRANSFER.UUENCODE, text, [1])).toBe('onetwo')
  })

  test('without a beginning there is nothing', () => {
    expect(decode(TRANSFER.UUENCODE, 'beginning\r\n#86)C\r\n')).toBe('')
  })
})

test('identity gives the bytes as they are', () => {
  fc.assert(
    fc.property(data, pieces, fc.integer({ min: 1, max: 9 }), (bytes, cuts, window) => {
      expect(decode(TRANSFER.IDENTITY, latin1(bytes), cuts, window)).toBe(latin1(bytes))
    }),
  )
})
