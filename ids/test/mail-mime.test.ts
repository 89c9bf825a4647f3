import { describe, expect, test } from 'vitest'
import { smtp } from './mail-support.js'

const HEAD = 'From: a@example.org\r\nSubject: test\r\nMIME-Version: 1.0\r\n'
const mixed = (...parts: string[]): string =>
  `${HEAD}Content-Type: multipart/mixed; boundary="b1"\r\n\r\npreamble\r\n--b1\r\n${parts.join('\r\n--b1\r\n')}\r\n--b1--\r\nepilogue`
const base64 = (text: string): string =>
  `Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(text, 'latin1').toString('base64')}`

/** The files of a mail, the same for every way of cutting it. */
function filesOf(mail: string): string[] {
  const files = smtp(mail).files()
  for (const pieces of [[1], [7], [2, 3, 5]]) expect(smtp(mail, pieces).files()).toEqual(files)
  return files
}

describe('what is a file', () => {
  test('every part of a multipart; not what stands around them', () => {
    expect(filesOf(mixed('Content-Type: text/plain\r\n\r\nhello', base64('attached')))).toEqual([
      'hello',
      'attached',
    ])
  })

  test('a body with a transfer encoding', () => {
    expect(filesOf(`${HEAD}Content-Transfer-Encoding: base64\r\n\r\nQUJD`)).toEqual(['ABC'])
    expect(filesOf(`${HEAD}Content-Transfer-Encoding: 8bit\r\n\r\ntext`)).toEqual(['text'])
  })

  test('not a body without one', () => {
    expect(filesOf(`${HEAD}Content-Type: application/octet-stream\r\n\r\ntext`)).toEqual([])
    expect(filesOf('Subject: x\r\n\r\ntext')).toEqual([])
  })

  test('an empty part gives nothing', () => {
    expect(filesOf(mixed('Content-Type: text/plain\r\n\r\n', base64('x')))).toEqual(['x'])
  })

  test('parts of nested multiparts, and of messages inside', () => {
    const inner =
      'Content-Type: multipart/alternative; boundary=b1-inner\r\n\r\n--b1-inner\r\n\r\none\r\n--b1-inner\r\n\r\ntwo\r\n--b1-inner--\r\n'
    expect(filesOf(mixed(inner, base64('three')))).toEqual(['one', 'two', 'three'])
    const message = `Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n${base64('deep')}`
    expect(filesOf(mixed(message))).toEqual(['deep'])
  })

  test('an outer boundary ends inner multiparts that were not closed', () => {
    const inner = 'Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\none'
    expect(filesOf(mixed(inner, base64('two')))).toEqual(['one', 'two'])
  })
})

describe('encodings', () => {
  const part = (encoding: string, body: string): string =>
    mixed(`Content-Type: text/plain\r\n${encoding}\r\n\r\n${body}`)

  test.each([
    ['Content-Transfer-Encoding: base64', 'QUJD\r\nREVG', 'ABCDEF'],
    ['CONTENT-TRANSFER-ENCODING:BASE64', 'QUJD', 'ABC'],
    ['Content-Transfer-Encoding :  "base64"', 'QUJD', 'ABC'],
    ['Content-Transfer-Encoding:\r\n base64 (comment)', 'QUJD', 'ABC'],
    ['Content-Transfer-Encoding: base64; x=y', 'QUJD', 'ABC'],
    ['Content-Transfer-Encoding: quoted-printable', 'a=3Db=\r\nc\r\nd', 'a=bc\r\nd'],
    ['Content-Transfer-Encoding: 7bit', 'a=3D\r\nb', 'a=3D\r\nb'],
    ['Content-Transfer-Encoding: binary', '\x00\xff\r\n\r\n', '\x00\xff\r\n\r\n'],
    ['Content-Transfer-Encoding: x-uuencode', 'begin 644 f\r\n#86)C\r\n`\r\nend', 'abc'],
    ['Content-Transfer-Encoding: unheard-of', 'abc', 'abc'],
    ['Content-Disposition: attachment', 'line\rwith\r\nends\n', 'line\rwith\r\nends\n'],
  ])('%s', (encoding, body, expected) => {
    expect(filesOf(part(encoding, body))).toEqual([expected])
  })
})

describe('boundaries', () => {
  const withBoundary = (parameter: string, boundary: string): string =>
    `${HEAD}Content-Type: multipart/mixed; ${parameter}\r\n\r\n--${boundary}\r\n\r\none\r\n--${boundary}\r\n\r\ntwo\r\n--${boundary}--`

  test.each([
    ['boundary=abc', 'abc'],
    ['BOUNDARY="abc"', 'abc'],
    ['boundary = "with blank"', 'with blank'],
    ['charset=x; boundary="quo\\"ted"', 'quo"ted'],
    ['x="; boundary=no"; boundary=yes', 'yes'],
    ['\r\n\tboundary="folded"', 'folded'],
    [`boundary="${'x'.repeat(70)}"`, 'x'.repeat(70)],
    [`boundary="${'y'.repeat(300)}"`, 'y'.repeat(300)],
  ])('%s', (parameter, boundary) => {
    expect(filesOf(withBoundary(parameter, boundary))).toEqual(['one', 'two'])
  })

  test('blanks behind them, and bare line feeds', () => {
    const mail = withBoundary('boundary=abc', 'abc').replace(/--abc\r\n/g, '--abc \t\n')
    expect(filesOf(mail)).toEqual(['one', 'two'])
  })

  test('what only looks like one is content', () => {
    const body = '--\r\n-\r\n--b\r\n-b1\r\nx--b1\r\n --b1'
    expect(filesOf(mixed(`Content-Type: text/plain\r\n\r\n${body}`))).toEqual([body])
  })

  test('one in the middle of a header begins a new part', () => {
    expect(filesOf(mixed('Content-Type: text/plain', base64('x')))).toEqual(['x'])
  })

  test('the end of the mail ends every part', () => {
    const mail = `${HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nopen\r\nend`
    expect(filesOf(mail)).toEqual(['open\r\nend'])
  })
})

test('dots at the start of lines are taken back, wherever they are cut', () => {
  const body = '.\r\n..\r\n.x\r\n. \r\nlast'
  expect(filesOf(mixed(`Content-Type: text/plain\r\n\r\n${body}`))).toEqual([body])
})

test('long content comes in windows that show what was before', () => {
  const content = Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join('')
  const windows = smtp(mixed(base64(content)), [1000]).close()
  expect(
    windows.map(({ sequence, last, base, fresh, text }) => [sequence, last, base, fresh, text.length]),
  ).toEqual([
    [0, false, 0, 0, 24576],
    [1, true, 16384, 8192, content.length - 16384],
  ])
  for (const { base, text } of windows) expect(content.slice(base, base + text.length)).toBe(text)
})

test('the turn around a file is its packet data', () => {
  const [window] = smtp(mixed(base64('content'))).close()
  expect(window!.packet).toMatch(/^From: a@example.org\r\n[\s\S]*Y29udGVudA==\r\n--b1--$/)
})
