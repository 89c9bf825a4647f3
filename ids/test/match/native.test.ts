import { Worker } from 'node:worker_threads'
import { describe, expect, it, vi } from 'vitest'
import { AhoCorasickEngine } from '../../src/match/aho-corasick.js'
import { HyperscanEngine } from '../../src/match/hyperscan.js'
import { createEngines } from '../../src/match/index.js'
import type { MatcherEngine } from '../../src/match/matcher.js'
import type { NativeAddon } from '../../src/match/native.js'
import { missesPatterns } from '../../src/match/self-test.js'
import { addon, bytes, matcherEngines, notes, pattern } from './support.js'

describe('the choice of engines', () => {
  it('is pure TypeScript when asked for, by option or environment', () => {
    const names = (engines: ReturnType<typeof createEngines>): string[] => [
      engines.matcher.name,
      engines.regex.name,
    ]
    expect(names(createEngines({ engine: 'aho-corasick' }))).toEqual(['aho-corasick', 'regexp'])
    vi.stubEnv('WEIR_ENGINE', 'aho-corasick')
    expect(names(createEngines())).toEqual(['aho-corasick', 'regexp'])
    expect(names(createEngines({ engine: 'auto' }))).toEqual([
      notes.length > 0 ? 'aho-corasick' : 'hyperscan',
      addon === undefined ? 'regexp' : 'pcre2',
    ])
    vi.stubEnv('WEIR_ENGINE', 'grep')
    expect(() => createEngines()).toThrow('unknown engine "grep": expected auto, hyperscan, aho-corasick')
    vi.unstubAllEnvs()
  })

  it('says in words why the fast engine is not in use', () => {
    const { matcher } = createEngines({ engine: 'auto' })
    if (notes.length === 0) {
      expect(matcher.name).toBe('hyperscan')
      return
    }
    expect(matcher.name).toBe('aho-corasick')
    const why = notes.join().replace(/^.*slower: /, '')
    expect(matcher.description).toContain(why)
    expect(() => createEngines({ engine: 'hyperscan' })).toThrow(why)
  })
})

describe('the self-test', () => {
  it.each(matcherEngines)('passes $name', (engine) => {
    expect(missesPatterns(engine)).toBe(false)
  })

  it('fails an engine that overlooks what lies across a block of 64 bytes', () => {
    const real = new AhoCorasickEngine()
    const broken: MatcherEngine = {
      name: 'hyperscan',
      description: 'broken',
      compile(patterns) {
        const matcher = real.compile(patterns)
        return {
          ...matcher,
          hits: matcher.hits,
          openStream: () => matcher.openStream(),
          close: () => matcher.close(),
          search: (text, start, end) => (end - start > 70 ? 0 : matcher.search(text, start, end)),
        }
      },
    }
    expect(missesPatterns(broken)).toBe(true)
  })
})

describe.skipIf(addon === undefined)('the native addon', () => {
  const { hyperscan, pcre2 } = addon ?? ({} as NativeAddon)
  const engine = (): HyperscanEngine => new HyperscanEngine(hyperscan)
  const lengths = Uint32Array.of(3)
  const flags = Uint32Array.of(0)
  const text = bytes('xabcx')

  it('passes on the words of Hyperscan and the number of the pattern', () => {
    const long = { bytes: new Uint8Array(100_000).fill(0x61), nocase: false }
    expect(() => engine().compile([pattern('a'), long])).toThrow(/^Hyperscan: pattern 1: .*exceeds/)
    const expressions = bytes('abca(b')
    try {
      hyperscan.compileExpressions(expressions, Uint32Array.of(3, 3), Uint32Array.of(0, 0), 0)
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message).toMatch(/^Missing close parenthesis/)
      expect((error as { pattern: number }).pattern).toBe(1)
    }
  })

  it('compiles expressions with flags', () => {
    const database = hyperscan.compileExpressions(
      bytes('a.c^x'),
      Uint32Array.of(3, 2),
      Uint32Array.of(1, 0),
      0,
    )
    const hits = hyperscan.hits(database)
    expect(hyperscan.scan(database, bytes('xABC'), 0, 4)).toBe(2)
    expect([...hits].sort()).toEqual([0, 1])
    hyperscan.close(database)
  })

  it('reports none but the expressions it was given', () => {
    const database = hyperscan.compileExpressions(
      bytes('a+bx'),
      Uint32Array.of(3, 1),
      Uint32Array.of(0, 0),
      0,
    )
    // The expression that is there for Hyperscan's sake.
    const text = bytes('x\xfe\x01\xfd\x02\x05\xfc\x07\x09aab')
    expect(hyperscan.scan(database, text, 0, text.length)).toBe(2)
    expect(hyperscan.scan(database, text, 1, text.length - 3)).toBe(0)
    hyperscan.close(database)
  })

  it('describes what it compiled', () => {
    const { text: description, bytes: size } = engine()
      .compile([pattern('abc')])
      .info()
    expect(description).toMatch(/^Version: .*Mode: BLOCK/)
    expect(size).toBeGreaterThan(100)
  })

  it.each<[string, (database: number, stream: number, expression: number) => unknown]>([
    ['an end beyond the bytes', (db) => hyperscan.scan(db, text, 0, 6)],
    ['a start beyond the end', (db) => hyperscan.scan(db, text, 3, 2)],
    ['a negative start', (db) => hyperscan.scan(db, text, -1, 2)],
    ['a huge end', (db) => hyperscan.scan(db, text, 0, 2 ** 32 - 1)],
    ['a string for bytes', (db) => hyperscan.scan(db, 'abc' as unknown as Uint8Array, 0, 1)],
    ['another typed array', (db) => hyperscan.scan(db, new Uint16Array(4) as unknown as Uint8Array, 0, 1)],
    ['too few arguments', (db) => (hyperscan.scan as (database: number) => number)(db)],
    ['a string for a number', (db) => hyperscan.scan(db, text, '0' as unknown as number, 1)],
    ['a database never opened', () => hyperscan.scan(0x3fffffff, text, 0, 1)],
    ['a stream never opened', () => hyperscan.scanStream(123456, text, 0, 1)],
    ['a streaming scan beyond the bytes', (_, stream) => hyperscan.scanStream(stream, text, 0, 6)],
    ['a stream of a block database', (db) => hyperscan.openStream(db)],
    ['lengths and flags that differ', () => hyperscan.compileLiterals(text, lengths, new Uint32Array(2), 0)],
    ['an expression never opened', () => pcre2.exec(123456, text, 0, 1, 0)],
    ['an exec beyond the bytes', (_db, _s, expression) => pcre2.exec(expression, text, 0, 6, 0)],
    ['a from before the start', (_db, _s, expression) => pcre2.exec(expression, text, 2, 4, 1)],
    ['a from after the end', (_db, _s, expression) => pcre2.exec(expression, text, 2, 4, 5)],
  ])('refuses %s with a TypeError', (_, call) => {
    const database = hyperscan.compileLiterals(bytes('abc'), lengths, flags, 0)
    const streaming = hyperscan.compileLiterals(bytes('abc'), lengths, flags, 1)
    const stream = hyperscan.openStream(streaming)
    const expression = pcre2.compile(bytes('a'), 0, 0)
    expect(() => call(database, stream, expression)).toThrow(TypeError)
    hyperscan.close(database)
    hyperscan.closeStream(stream)
    hyperscan.close(streaming)
    pcre2.close(expression)
  })

  it('refuses lengths that do not fit the bytes', () => {
    expect(() => hyperscan.compileLiterals(bytes('ab'), lengths, flags, 0)).toThrow(
      'the lengths do not fit the bytes',
    )
    expect(() => hyperscan.compileLiterals(text, Uint32Array.of(2 ** 32 - 1), flags, 0)).toThrow('do not fit')
  })

  it('refuses what was closed, and is not confused by what came after', () => {
    const first = hyperscan.compileLiterals(bytes('abc'), lengths, flags, 0)
    hyperscan.close(first)
    hyperscan.close(first)
    const second = hyperscan.compileLiterals(bytes('abd'), lengths, flags, 0)
    expect(() => hyperscan.scan(first, text, 0, 5)).toThrow('database is closed')
    expect(hyperscan.scan(second, text, 0, 5)).toBe(0)
    hyperscan.close(second)
    const matcher = engine().compile([pattern('abc')])
    matcher.close()
    expect(() => matcher.search(text, 0, 5)).toThrow(TypeError)
  })

  it('keeps a stream usable when its database is closed first', () => {
    const streaming = hyperscan.compileLiterals(bytes('abc'), lengths, flags, 1)
    const stream = hyperscan.openStream(streaming)
    hyperscan.close(streaming)
    expect(hyperscan.scanStream(stream, text, 0, 5)).toBe(1)
    hyperscan.closeStream(stream)
    expect(() => hyperscan.scanStream(stream, text, 0, 5)).toThrow('stream is closed')
  })

  it('reads a detached buffer as empty, and goes on after its own hit list was detached', () => {
    const database = hyperscan.compileLiterals(bytes('abc'), lengths, flags, 0)
    const gone = bytes('abc')
    structuredClone(gone, { transfer: [gone.buffer as ArrayBuffer] })
    expect(hyperscan.scan(database, gone, 0, 0)).toBe(0)
    expect(() => hyperscan.scan(database, gone, 0, 3)).toThrow(TypeError)
    const hits = hyperscan.hits(database)
    try {
      structuredClone(hits, { transfer: [hits.buffer as ArrayBuffer] })
    } catch {
      // The runtime may refuse to detach it, which is as good.
    }
    expect(hyperscan.scan(database, text, 0, 5)).toBe(1)
    hyperscan.close(database)
  })

  it('counts reports that do not fit the hit list, and never writes them', () => {
    const original = hyperscan.compileLiterals(
      bytes('abcd'),
      Uint32Array.of(1, 1, 1, 1),
      new Uint32Array(4),
      0,
    )
    const saved = hyperscan.serialize(original)
    const narrow = hyperscan.restoreLiterals(bytes('ab'), Uint32Array.of(1, 1), new Uint32Array(2), 0, saved)
    const hits = hyperscan.hits(narrow)
    expect(hits.length).toBe(2)
    expect(hyperscan.scan(narrow, bytes('abcd'), 0, 4)).toBe(2)
    expect([...hits].sort()).toEqual([0, 1])
    expect(hyperscan.ignored(narrow)).toBe(2)
    hyperscan.close(original)
    hyperscan.close(narrow)
  })

  it('restores what was serialised, and refuses what was not', () => {
    const original = hyperscan.compileLiterals(bytes('abc'), lengths, flags, 0)
    const saved = hyperscan.serialize(original)
    hyperscan.close(original)
    const restored = hyperscan.restoreLiterals(bytes('abc'), lengths, flags, 0, saved)
    expect(hyperscan.scan(restored, text, 0, text.length)).toBe(1)
    hyperscan.close(restored)
    const damaged = saved.slice()
    damaged[damaged.length - 100]! ^= 1
    for (const wrong of [damaged, saved.subarray(0, 50), new Uint8Array(0)]) {
      expect(() => hyperscan.restoreLiterals(bytes('abc'), lengths, flags, 0, wrong)).toThrow(
        /Hyperscan error/,
      )
    }
  })

  it('knows the least length of a match', () => {
    const least = (expression: string): number => {
      const compiled = pcre2.compile(bytes(expression), 0, 0)
      const length = pcre2.minLength(compiled)
      pcre2.close(compiled)
      return length
    }
    expect(['a+bc', 'x?', '(ab){3}|[0-9]{5}'].map(least)).toEqual([3, 0, 5])
  })

  it.skipIf(notes.length > 0)(
    'searches in two worker threads at once, over one compiled database',
    async () => {
      const script = `
      const { parentPort, workerData } = require('node:worker_threads')
      const { hyperscan, pcre2 } = require(workerData.path)
      const { bytes, lengths, flags, text, rounds } = workerData
      const database = hyperscan.compileLiterals(bytes, lengths, flags, 0)
      const streaming = hyperscan.compileLiterals(bytes, lengths, flags, 1)
      const stream = hyperscan.openStream(streaming)
      const hits = hyperscan.hits(database)
      const expression = pcre2.compile(Buffer.from('w[0-9]+z'), 0, 3500)
      const results = new Set()
      for (let round = 0; round < rounds; round++) {
        const count = hyperscan.scan(database, text, 0, text.length)
        const pieces = hyperscan.scanStream(stream, text, 0, text.length)
        hyperscan.resetStream(stream)
        const regex = pcre2.exec(expression, text, 0, text.length, 0)
        results.add([[...hits.subarray(0, count)].sort((a, b) => a - b), pieces, regex].join())
      }
      parentPort.postMessage([...results])
      // Handles are left open: they go with the thread.
    `
      const words = Array.from({ length: 500 }, (_, number) => `w${number}z`)
      const packed = bytes(words.join(''))
      const wordLengths = Uint32Array.from(words, (word) => word.length)
      const wordFlags = new Uint32Array(words.length)
      const run = (chosen: readonly number[]): Promise<unknown> => {
        const path = new URL('../../native/build/weir_native.node', import.meta.url).pathname
        const subject = bytes(`${'x'.repeat(500)}${chosen.map((number) => words[number]).join(' ')}`)
        const workerData = {
          path: decodeURIComponent(path),
          bytes: packed,
          lengths: wordLengths,
          flags: wordFlags,
          text: subject,
          rounds: 3000,
        }
        return new Promise((resolve, reject) => {
          const worker = new Worker(script, { eval: true, workerData })
          worker.once('message', resolve)
          worker.once('error', reject)
        })
      }
      const [one, two] = await Promise.all([run([3, 70, 499]), run([0, 8])])
      expect(one).toEqual(['3,70,499,3,1'])
      expect(two).toEqual(['0,8,2,1'])
    },
  )
})
