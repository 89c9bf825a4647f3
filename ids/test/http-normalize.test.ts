import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, normalisePath, normaliseQuery } from '../src/http/normalize.js'
import { bytesOf, Recorder } from './http-support.js'

type Normalise = (source: Uint8Array, start: number, end: number, target: Uint8Array, at: number) => number

/** Runs one of the functions with the bytes in the middle of larger arrays. */
function run(normalise: Normalise, text: string): string {
  const source = bytesOf(`%4${text}1%`)
  const target = new Uint8Array(text.length + 10).fill(0x21)
  const end = normalise(source, 2, 2 + text.length, target, 5)
  expect(end - 5).toBeLessThanOrEqual(text.length + 1)
  expect(Buffer.from(target.subarray(0, 5)).toString()).toBe('!!!!!')
  return Buffer.from(target.subarray(5, end)).toString('latin1')
}

// The naive model works on a list of cells, each a byte and whether it was percent-encoded.
interface Cell {
  readonly byte: number
  readonly encoded: boolean
}

const isHex = (text: string): boolean => /^[0-9a-fA-F]+$/.test(text)
const reduce = (value: number): number =>
  value <= 0xff ? value : value >= 0xff01 && value <= 0xff5e ? value - 0xfee0 : 0xff

function percent(cells: Cell[], first: boolean): Cell[] {
  const text = String.fromCharCode(...cells.map((cell) => cell.byte))
  const out: Cell[] = []
  for (let i = 0; i < text.length; ) {
    if (text[i] === '%' && text.length >= i + 3 && isHex(text.slice(i + 1, i + 3))) {
      out.push({ byte: Number.parseInt(text.slice(i + 1, i + 3), 16), encoded: true })
      i += 3
    } else if (first && text[i] === '%' && text[i + 1] === '%') {
      out.push({ byte: 0x25, encoded: false })
      i += 2
    } else if (
      text[i] === '%' &&
      /u/i.test(text[i + 1] ?? '') &&
      text.length >= i + 6 &&
      isHex(text.slice(i + 2, i + 6))
    ) {
      out.push({ byte: reduce(Number.parseInt(text.slice(i + 2, i + 6), 16)), encoded: false })
      i += 6
    } else {
      out.push({ byte: text.charCodeAt(i), encoded: false })
      i += 1
    }
  }
  return out
}

function utf8(cells: Cell[]): Cell[] {
  const out: Cell[] = []
  const follows = (cell: Cell | undefined): boolean => cell?.encoded === true && (cell.byte & 0xc0) === 0x80
  for (let i = 0; i < cells.length; ) {
    const [a, b, c] = [cells[i]!, cells[i + 1], cells[i + 2]]
    if (a.encoded && (a.byte & 0xe0) === 0xc0 && follows(b)) {
      out.push({ byte: reduce(((a.byte & 0x1f) << 6) | (b!.byte & 0x3f)), encoded: false })
      i += 2
    } else if (a.encoded && (a.byte & 0xf0) === 0xe0 && follows(b) && follows(c)) {
      out.push({
        byte: reduce(((a.byte & 0xf) << 12) | ((b!.byte & 0x3f) << 6) | (c!.byte & 0x3f)),
        encoded: false,
      })
      i += 3
    } else {
      out.push(a)
      i += 1
    }
  }
  return out
}

function naiveDecode(text: string): string {
  const cells = [...text].map((char) => ({ byte: char.charCodeAt(0), encoded: false }))
  return String.fromCharCode(...percent(utf8(percent(cells, true)), false).map((cell) => cell.byte))
}

const naiveQuery = (text: string): string => naiveDecode(text).replaceAll('\\', '/').replaceAll('+', ' ')

/** Path simplification by segments: `.` goes, `..` takes the segment before it unless there is none or it is `..`. */
function naivePath(text: string): string {
  const path = naiveQuery(text)
  if (!path.startsWith('/')) return path
  const parts = path.slice(1).split('/')
  const out: string[] = []
  parts.forEach((part, index) => {
    const last = index === parts.length - 1
    if (part === '..') {
      if (out.length === 0 || out.at(-1) === '..') out.push('..')
      else out.pop()
      if (last) out.push('')
    } else if (part === '.' || part === '') {
      if (last) out.push('')
    } else {
      out.push(part)
    }
  })
  return `/${out.join('/')}`
}

describe('URI normalisation', () => {
  test.each([
    ['/a/b', '/a/b'],
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/b/..', '/a/'],
    ['/a/b/.', '/a/b/'],
    ['//a///b//', '/a/b/'],
    ['/../../a', '/../../a'],
    ['/..', '/../'],
    ['/a/.../b', '/a/.../b'],
    ['/a/.b/..c', '/a/.b/..c'],
    ['\\a\\..\\b', '/b'],
    ['/%61%62', '/ab'],
    ['/%2561', '/a'],
    ['/%252e%252e/', '/../'],
    ['/x/%2e%2e/y', '/y'],
    ['/a%2fb', '/a/b'],
    ['/a%5c..%5cb', '/b'],
    ['/%c0%af', '/'],
    ['/a%c0%ae%c0%ae/b', '/a../b'],
    ['/a/%c0%ae%c0%ae/b', '/b'],
    ['/%e0%80%af', '/'],
    ['/%u0061', '/a'],
    ['/%uff41', '/a'],
    ['/%u4e00', '/\xff'],
    ['/%', '/%'],
    ['/%4', '/%4'],
    ['/%zz%u12', '/%zz%u12'],
    ['/%%35c', '/5c'],
    ['/a+b', '/a b'],
    ['/a%2bb', '/a b'],
    ['/\xc0\xaf', '/\xc0\xaf'],
  ])('path %s -> %s', (raw, normal) => {
    expect(naivePath(raw)).toBe(normal)
    expect(run(normalisePath, raw)).toBe(normal)
  })

  test.each([
    ['/a//b/../c', '/a//b/../c'],
    ['a=%26+%2B', 'a=&  '],
    ['x=%25%34%31', 'x=A'],
  ])('query %s -> %s', (raw, normal) => {
    expect(run(normaliseQuery, raw)).toBe(normal)
  })

  test('headers and bodies keep + and backslash', () => {
    expect(run(decode, 'a+b\\c%2b%5c%41')).toBe('a+b\\c+\\A')
  })

  test('agrees with a naive model', () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      '/./',
      '/../',
      '%',
      '%2',
      '%25',
      '%2e',
      '%2f',
      '%5c',
      '%c0',
      '%ae',
      '%af',
      '%e0',
      '%80',
      '%u002f',
      '%uff0f',
      '%u',
      'u0041',
      '\\',
      '+',
      'a',
      'b',
      '41',
      '25',
      '2f',
      '\xc0',
      '\xaf',
      '?',
      '#',
      '%%',
      '%2525',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = pieces.join('')
        expect(run(decode, text)).toBe(naiveDecode(text))
        expect(run(normaliseQuery, text)).toBe(naiveQuery(text))
        expect(run(normalisePath, `/${text}`)).toBe(naivePath(`/${text}`))
      }),
      { numRuns: 5000 },
    )
  })

  test('path, query and fragment are told apart before decoding', () => {
    const uri = (raw: string): string | undefined =>
      new Recorder().client(`GET ${raw} HTTP/1.1\r\n\r\n`).close()[0]!.buffers.http_uri?.text
    expect(uri('/a/../b?x=/a/../b&y=%3f#/a/../f+')).toBe('/b?x=/a/../b&y=?#/a/../f ')
    expect(uri('/a%3fb/../c?d')).toBe('/c?d')
    expect(uri('/a#b?c+')).toBe('/a#b?c ')
    expect(uri('http://user@host:80/a/../b?q')).toBe('/b?q')
    expect(uri('http://host/a')).toBe('/a')
    expect(uri('http://host?q=+')).toBe('?q= ')
    expect(uri('*')).toBe('*')
    expect(uri('relative/%41/../b')).toBe('relative/A/../b')
  })

  test('CONNECT has an authority, which is left as it is', () => {
    const unit = new Recorder().client('CONNECT example.org:443 HTTP/1.1\r\n\r\n').close()[0]!
    expect(unit.buffers.http_uri!.text).toBe('example.org:443')
  })
})
