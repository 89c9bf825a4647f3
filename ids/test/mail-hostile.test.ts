import { describe, expect, test } from 'vitest'
import { MailRecorder, smtp } from './mail-support.js'

/** Seconds of CPU that `action` takes. */
function cpu(action: () => void): number {
  const before = process.cpuUsage()
  action()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** Sends `text(1)` and `text(8)`: eight times as much must not take much more than eight times as long. */
function isLinear(text: (size: number) => string, pieces: readonly number[] = []): void {
  const measure = (size: number): number => {
    const data = text(size)
    return cpu(() => {
      const recorder = smtp(data, pieces)
      recorder.close()
      expect(recorder.context.pool.inUse).toBe(0)
      expect(recorder.context.pool.peak).toBeLessThan(400_000)
    })
  }
  measure(1)
  expect(measure(8)).toBeLessThan(Math.max(measure(1), 0.02) * 40)
}

const MULTIPART = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n'

describe('time is linear and memory bounded', () => {
  test('a header without end', () => {
    isLinear((size) => `X: ${'a'.repeat(60_000 * size)}`)
    isLinear((size) => 'Content-Type: a/b;\r\n'.concat(' c=d;\r\n'.repeat(8000 * size)))
    isLinear((size) => 'Content-Type: a/b\r\n'.repeat(3000 * size))
  })

  test('multiparts inside each other', () => {
    isLinear((size) => {
      let text = ''
      for (let level = 0; level < 500 * size; level++) {
        text += `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}\r\n`
      }
      return text
    })
  })

  test('lines that begin like boundaries', () => {
    const boundary = 'b'.repeat(128)
    const text = (size: number): string =>
      `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n--${boundary}\r\n\r\n`.concat(
        `--${boundary.slice(1)}\r\n`.repeat(2000 * size),
        '--\r\n'.repeat(20_000 * size),
      )
    isLinear(text)
    isLinear(text, [1])
  })

  test('parts without content, and with very little', () => {
    isLinear((size) => `${MULTIPART}${'--b\r\n\r\n'.repeat(10_000 * size)}`)
    isLinear((size) => `${MULTIPART}${'--b\r\n\r\nx\r\n'.repeat(10_000 * size)}`)
  })

  test('messages inside messages', () => {
    isLinear((size) => 'Content-Type: message/rfc822\r\n\r\n'.repeat(5000 * size))
  })

  test('one byte at a time', () => {
    const line = `${'QUJD'.repeat(19)}\r\n`
    isLinear((size) => `Content-Transfer-Encoding: base64\r\n\r\n${line.repeat(800 * size)}`, [1])
    isLinear((size) => `Content-Transfer-Encoding: quoted-printable\r\n\r\n${'='.repeat(60_000 * size)}`, [1])
  })
})

describe('limits', () => {
  test('a header that is too long ends there, and is counted', () => {
    const recorder = smtp(`X: y\r\n${'Y: z\r\n'.repeat(40)}\r\ntext`, [], { mailHeaderBytes: 100 })
    recorder.close()
    expect(recorder.context.counters.mailHeaderTooLong).toBe(1)
  })

  test('multiparts nested too deeply are content', () => {
    let text = ''
    for (let level = 0; level < 9; level++) {
      text += `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}\r\n`
    }
    const recorder = smtp(`${text}\r\ndeep`)
    expect(recorder.files()).toEqual(['--b8\r\n\r\ndeep'])
    expect(recorder.context.counters.mailTooDeep).toBe(1)
  })

  test('parts beyond the limit are not handed out, and are counted', () => {
    const recorder = smtp(`${MULTIPART}${'--b\r\n\r\nx\r\n'.repeat(10)}--b--`, [], { mailParts: 4 })
    expect(recorder.files()).toEqual(['x', 'x', 'x', 'x'])
    expect(recorder.context.counters.mailTooManyParts).toBe(6)
  })

  test('without memory, parts are left out and nothing fails', () => {
    const text = `${MULTIPART}--b\r\n\r\n${'content\r\n'.repeat(100)}--b--`
    const recorder = smtp(text, [50], { bufferBudget: 0 })
    recorder.close()
    expect(recorder.context.counters.bufferBudgetReached).toBeGreaterThan(0)
    expect(recorder.context.pool.inUse).toBe(0)
  })

  test('commands of POP3 that are never answered', () => {
    const recorder = new MailRecorder(110).server('+OK\r\n').client('RETR 1\r\n'.repeat(100))
    recorder.close()
    expect(recorder.context.counters.mailCommandsLost).toBe(68)
  })
})
