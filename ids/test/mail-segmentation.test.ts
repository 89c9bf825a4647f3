import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type FileWindow, smtp } from './mail-support.js'

/** Small windows so that short parts have several. */
const LIMITS = { window: 64, lookBack: 48, headBytes: 400 }

interface Part {
  readonly head: string
  readonly body: string
  readonly content: string
}

const text = fc
  .array(
    fc.constantFrom(
      'line',
      '.',
      '..',
      '-',
      '--',
      '--b',
      '--b1x',
      '=',
      ' ',
      '\t',
      '\r',
      '\r\n',
      '\n',
      'x'.repeat(50),
    ),
    {
      maxLength: 20,
    },
  )
  .map((pieces) => pieces.join(''))

const leaf: fc.Arbitrary<Part> = fc.oneof(
  text
    .filter((body) => !/(^|\n)--b1/.test(body))
    .map((body) => ({ head: 'Content-Type: text/plain', body, content: body })),
  fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 4, max: 60 })).map(([bytes, width]) => ({
    head: 'Content-Type: a/b;\r\n name=x\r\nContent-Transfer-Encoding: base64',
    body: Buffer.from(bytes)
      .toString('base64')
      .replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n'),
    content: Buffer.from(bytes).toString('latin1'),
  })),
)

const end = fc.constantFrom('\r\n', '\n')
const mail = fc.array(fc.tuple(leaf, end), { minLength: 1, maxLength: 4 }).map((parts) => {
  let whole = 'Subject: x\r\nContent-Type: multipart/mixed; boundary="b1"\r\n\r\npreamble\r\n'
  for (const [{ head, body }, lineEnd] of parts) whole += `--b1${lineEnd}${head}\r\n\r\n${body}\r\n`
  return {
    whole: `${whole}--b1--`,
    expected: parts.map(([{ content }]) => content).filter((content) => content !== ''),
  }
})

const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 })

function windowsOf(whole: string, pieces: readonly number[]): FileWindow[] {
  const recorder = smtp(whole, pieces, LIMITS)
  const windows = recorder.close()
  expect(recorder.context.pool.inUse).toBe(0)
  return windows
}

test('the windows are the same however the mail is cut, and hold what was attached', () => {
  fc.assert(
    fc.property(mail, cuts, ({ whole, expected }, pieces) => {
      const windows = windowsOf(whole, [])
      const files: string[] = []
      for (const { sequence, text: shown, base, fresh } of windows) {
        if (sequence === 0) files.push('')
        const known = files[files.length - 1]!
        // What was shown before is shown again at the same place.
        expect(shown.slice(0, fresh)).toBe(known.slice(base, base + fresh))
        files[files.length - 1] = known + shown.slice(fresh)
      }
      expect(files).toEqual(expected)
      expect(windowsOf(whole, pieces)).toEqual(windows)
    }),
    { numRuns: 300 },
  )
})

test('anything after DATA gives the same windows however it is cut', () => {
  const noise = fc
    .array(
      fc.constantFrom(
        'Content-Type: multipart/mixed; boundary=b1\r\n',
        'Content-Type: message/rfc822\r\n',
        'Content-Transfer-Encoding: base64\r\n',
        'Content-Transfer-Encoding: quoted-printable\r\n',
        'Content-Transfer-Encoding: x-uuencode\r\n',
        'begin 644 x\r\n',
        ' folded\r\n',
        '\r\n',
        '\n',
        '\r',
        '--b1\r\n',
        '--b1--\r\n',
        '--',
        '.',
        '=',
        'QUJD',
        'M'.repeat(70),
      ),
      { maxLength: 40 },
    )
    .map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(noise, cuts, (whole, pieces) => {
      expect(windowsOf(whole, pieces)).toEqual(windowsOf(whole, []))
    }),
    { numRuns: 300 },
  )
})
