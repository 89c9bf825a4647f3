import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AlertComposer } from '../src/output/composer.js'
import { AlertOutputs, type OutputOptions } from '../src/output/outputs.js'
import { BufferedWriter, type ByteTarget, FileTarget, OutputError } from '../src/output/writer.js'
import { testOptions, testRecord } from './output-support.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-output-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

class MemoryTarget implements ByteTarget {
  readonly name = 'memory'
  readonly pieces: string[] = []
  failWith: Error | undefined
  write(bytes: Uint8Array): void {
    if (this.failWith !== undefined) throw this.failWith
    this.pieces.push(Buffer.from(bytes).toString())
  }
  close(): void {}
}

const outputOptions = (changes: Partial<OutputOptions>): OutputOptions => ({
  formats: ['fast'],
  directory: undefined,
  standardOutput: new MemoryTarget(),
  frameLog: undefined,
  onFailure: () => {},
  ...changes,
})

describe('alert files', () => {
  it('are named as Snort names them, private, and appended to', () => {
    const formats = ['fast', 'full', 'csv', 'json', 'eve'] as const
    const composer = new AlertComposer(formats, testOptions())
    for (let run = 0; run < 2; run++) {
      const outputs = new AlertOutputs(outputOptions({ directory, formats }))
      outputs.write(composer.compose(testRecord(), undefined), undefined)
      outputs.close()
    }
    for (const name of ['alert_fast.txt', 'alert_full.txt', 'alert_csv.txt', 'alert_json.txt', 'eve.json']) {
      expect(statSync(join(directory, name)).mode & 0o777, name).toBe(0o600)
    }
    expect(readFileSync(join(directory, 'alert_fast.txt'), 'utf8').trimEnd().split('\n')).toHaveLength(2)
  })

  it('that cannot be opened are named with the reason', () => {
    const missing = join(directory, 'no', 'such')
    expect(() => new AlertOutputs(outputOptions({ directory: missing }))).toThrow(
      `cannot write ${join(missing, 'alert_fast.txt')}: no such file or directory`,
    )
  })

  it('are all closed when one of them fails', () => {
    const closed: string[] = []
    const frameLog = { add: () => {}, flush: () => {}, close: () => closed.push('log') }
    const target = new MemoryTarget()
    target.failWith = Object.assign(new Error('x'), { code: 'ENOSPC' })
    const outputs = new AlertOutputs(outputOptions({ standardOutput: target, frameLog }))
    outputs.write(['text'], undefined)
    expect(() => outputs.close()).toThrow('no space left on device')
    expect(closed).toEqual(['log'])
  })
})

describe('BufferedWriter', () => {
  it('writes in large pieces and loses nothing', () => {
    const target = new MemoryTarget()
    const writer = new BufferedWriter(target, () => {})
    const line = `${'x'.repeat(99)}\n`
    for (let count = 0; count < 2000; count++) writer.write(line)
    writer.close()
    expect(target.pieces.join('')).toBe(line.repeat(2000))
    expect(target.pieces.length).toBeLessThan(10)
  })

  it.each([
    ['short', 100],
    ['as long as a chunk', 1 << 16],
    ['longer than what is kept for chunks', (1 << 17) + 1],
  ])('writes every character of texts that are %s', (_, length) => {
    for (const character of ['x', 'é', '€', '😀']) {
      const target = new MemoryTarget()
      const writer = new BufferedWriter(target, () => {})
      const text = character.repeat(length / character.length)
      writer.write(text)
      writer.write('!')
      writer.close()
      expect(target.pieces.join('') === `${text}!`, character).toBe(true)
    }
  })

  it('reports the first failure once, and again from flush and close', () => {
    const target = new MemoryTarget()
    target.failWith = Object.assign(new Error('x'), { code: 'ENOSPC' })
    const failures: OutputError[] = []
    const writer = new BufferedWriter(target, (error) => failures.push(error))
    for (let count = 0; count < 3; count++) writer.write('y'.repeat(1 << 17))
    expect(failures).toHaveLength(1)
    expect(failures[0]?.message).toBe('cannot write memory: no space left on device')
    expect(() => writer.flush()).toThrow(OutputError)
    expect(() => writer.close()).toThrow('no space left on device')
  })

  it.runIf(existsSync('/dev/full'))('sees a full disk', () => {
    const writer = new BufferedWriter(FileTarget.append('/dev/full'), () => {})
    writer.write('x')
    expect(() => writer.close()).toThrow('cannot write /dev/full: no space left on device')
  })
})

describe.skipIf(process.platform === 'win32')('FileTarget', () => {
  it('waits for a slow reader of a non-blocking pipe', async () => {
    // A FIFO opened non-blocking fills up after 64 KiB; the reader starts late and reads slowly.
    const fifo = join(directory, 'fifo')
    const out = join(directory, 'out')
    execFileSync('mkfifo', [fifo])
    const reader = spawn('sh', ['-c', `exec < "${fifo}"; sleep 0.3; cat > "${out}"`])
    const closed = new Promise((resolve) => reader.on('close', resolve))
    const { openSync, closeSync, constants } = await import('node:fs')
    let descriptor = -1
    while (descriptor < 0) {
      try {
        descriptor = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    const text = 'z'.repeat(300_000)
    FileTarget.descriptor('pipe', descriptor).write(Buffer.from(text))
    closeSync(descriptor)
    await closed
    expect(readFileSync(out, 'utf8')).toBe(text)
  })

  it('refuses to overwrite a file it is to create', () => {
    const path = join(directory, 'there')
    writeFileSync(path, 'old')
    expect(() => FileTarget.create(path)).toThrow('file exists')
    expect(readFileSync(path, 'utf8')).toBe('old')
  })
})
