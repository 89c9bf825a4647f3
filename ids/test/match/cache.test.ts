/** The cache of compiled databases: what it keeps, what it refuses, what it survives. */
import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cacheDirectory, StartupCache } from '../../src/match/cache.js'
import { HyperscanEngine, type HyperscanMatcher } from '../../src/match/hyperscan.js'
import type { NativeAddon } from '../../src/match/native.js'
import { addon, bytes, notes, pattern } from './support.js'

const KEY = 'a'.repeat(64)
const OTHER = 'b'.repeat(64)

let directory = ''
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'weir-cache-')), 'weir')
})
afterEach(() => {
  rmSync(join(directory, '..'), { recursive: true, force: true })
})

const files = (): string[] => readdirSync(directory).map((name) => join(directory, name))
const text = (found: Uint8Array | undefined): string | undefined =>
  found === undefined ? undefined : Buffer.from(found).toString('latin1')

describe('the cache of compiled databases', () => {
  it('gives back in a later run what was written, and to its owner alone', () => {
    const first = new StartupCache({ directory })
    expect(first.read(KEY)).toBeUndefined()
    expect(existsSync(directory)).toBe(false)
    first.write(KEY, bytes('database'))
    const second = new StartupCache({ directory })
    expect(text(second.read(KEY))).toBe('database')
    expect(second.read(OTHER)).toBeUndefined()
    expect(first.counters).toMatchObject({ misses: 1, stored: 1, failures: 0 })
    expect(second.counters).toMatchObject({ hits: 1, misses: 1, refused: 0 })
    expect([first.trouble, second.trouble]).toEqual(['', ''])
    if (process.platform === 'win32') return
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(files().map((path) => statSync(path).mode & 0o777)).toEqual([0o600])
  })

  it('removes a file with any one byte changed, any cut, or anything added', () => {
    const cache = new StartupCache({ directory })
    cache.write(KEY, bytes('database'))
    const [path] = files() as [string]
    const whole = readFileSync(path)
    const damaged = [
      ...Array.from(whole, (_, at) => whole.map((byte, i) => (i === at ? byte ^ 1 : byte))),
      ...Array.from(whole, (_, at) => whole.subarray(0, at)),
      Buffer.concat([whole, Buffer.alloc(1)]),
    ]
    for (const content of damaged) {
      writeFileSync(path, content, { mode: 0o600 })
      expect(cache.read(KEY)).toBeUndefined()
      expect(existsSync(path)).toBe(false)
    }
    expect(cache.counters.refused).toBe(damaged.length)
    expect(cache.trouble).toContain('damaged or foreign')
    cache.write(KEY, bytes('database'))
    expect(text(cache.read(KEY))).toBe('database')
  })

  it('refuses a file under another name', () => {
    const cache = new StartupCache({ directory })
    cache.write(KEY, bytes('database'))
    const [path] = files() as [string]
    writeFileSync(path.replace(KEY, OTHER), readFileSync(path), { mode: 0o600 })
    expect(cache.read(OTHER)).toBeUndefined()
    expect(cache.counters.refused).toBe(1)
  })

  it.skipIf(process.geteuid === undefined)('does not trust what others can write to', () => {
    const cache = new StartupCache({ directory })
    cache.write(KEY, bytes('database'))
    chmodSync(files()[0]!, 0o622)
    expect(cache.read(KEY)).toBeUndefined()
    expect(cache.counters.refused).toBe(1)
    cache.write(KEY, bytes('database'))

    chmodSync(directory, 0o777)
    const open = new StartupCache({ directory })
    expect(open.read(KEY)).toBeUndefined()
    open.write(OTHER, bytes('database'))
    expect(files().length).toBe(1)
    expect(open.trouble).toContain('only its owner, you, can write to')
  })

  it.skipIf(process.geteuid === undefined)('does not follow links or wait for pipes', () => {
    const cache = new StartupCache({ directory })
    cache.write(KEY, bytes('database'))
    const [path] = files() as [string]
    symlinkSync(path, path.replace(KEY, OTHER))
    expect(cache.read(OTHER)).toBeUndefined()
    expect(cache.counters.failures).toBe(1)
    mkdirSync(path.replace(KEY, 'c'.repeat(64)))
    expect(cache.read('c'.repeat(64))).toBeUndefined()
  })

  it('says what is wrong with a place it cannot use, once, and goes on', () => {
    writeFileSync(join(directory, '..', 'file'), '')
    const places = [join(directory, '..', 'file'), join(directory, '..', 'file', 'below')]
    // Where nobody can make a directory, root neither.
    if (existsSync('/proc/self')) places.push('/proc/weir/cache')
    for (const place of places) {
      const cache = new StartupCache({ directory: place })
      for (let i = 0; i < 3; i++) {
        expect(cache.read(KEY)).toBeUndefined()
        cache.write(KEY, bytes('database'))
      }
      expect(cache.counters).toMatchObject({ hits: 0, misses: 3, stored: 0, failures: 1 })
      expect(cache.trouble).toContain(place)
    }
  })

  it('keeps to its size: what was not used for longest goes first', () => {
    const cache = new StartupCache({ directory, maxBytes: 4000 })
    const keys = Array.from('0123456789', (digit) => digit.repeat(64))
    keys.forEach((key, age) => {
      cache.write(key, new Uint8Array(600))
      const [path] = files().filter((name) => name.includes(key)) as [string]
      const then = Date.now() / 1000 - 100_000 + age
      utimesSync(path, then, then)
      // The first one is used all the time.
      expect(cache.read(keys[0]!)).toBeDefined()
      expect(files().reduce((sum, name) => sum + statSync(name).size, 0)).toBeLessThanOrEqual(4000)
    })
    expect(cache.counters.evicted).toBe(keys.length - files().length)
    expect(cache.read(keys[0]!)).toBeDefined()
    expect(cache.read(keys[9]!)).toBeDefined()
    expect(cache.read(keys[1]!)).toBeUndefined()
    cache.write(KEY, new Uint8Array(4000))
    expect(cache.read(KEY)).toBeUndefined()
  })

  it('clears away what a process that died left half written', () => {
    const cache = new StartupCache({ directory })
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const [old, recent] = ['1', '2'].map((name) => join(directory, `${KEY}.weir1.${name}.new`)) as [
      string,
      string,
    ]
    writeFileSync(old, 'half')
    writeFileSync(recent, 'half')
    utimesSync(old, 1, 1)
    cache.write(KEY, bytes('database'))
    expect([existsSync(old), existsSync(recent)]).toEqual([false, true])
  })

  it('is found by the environment', () => {
    expect(cacheDirectory({ HOME: '/home/me' })).toBe('/home/me/.cache/weir')
    expect(cacheDirectory({ HOME: '/home/me', XDG_CACHE_HOME: '/var/tmp/me' })).toBe('/var/tmp/me/weir')
    expect(cacheDirectory({ HOME: '/home/me', XDG_CACHE_HOME: 'not/absolute' })).toBe('/home/me/.cache/weir')
    expect(cacheDirectory({ HOME: '/home/me', WEIR_CACHE: '/elsewhere' })).toBe('/elsewhere')
    for (const off of ['', 'off', 'OFF', '0', 'none'])
      expect(cacheDirectory({ HOME: '/', WEIR_CACHE: off })).toBeUndefined()
    expect(cacheDirectory({})).toBeUndefined()
  })
})

describe.skipIf(addon === undefined || notes.length > 0)('Hyperscan with a cache', () => {
  const { hyperscan } = addon ?? ({} as NativeAddon)
  const patterns = ['abc', 'HOST/i', '\0\xff'].map(pattern)
  const subject = bytes('hosT\0\xff')
  const found = (matcher: HyperscanMatcher): number[] =>
    [...matcher.hits.subarray(0, matcher.search(subject, 0, subject.length))].sort()

  it('compiles once, then restores, blocks and streams', () => {
    for (const expected of [
      { hits: 0, misses: 2, stored: 2 },
      { hits: 2, misses: 0, stored: 0 },
    ]) {
      const cache = new StartupCache({ directory })
      const matcher = new HyperscanEngine(hyperscan, cache).compile(patterns)
      expect([matcher.patternCount, matcher.longest]).toEqual([3, 4])
      expect(found(matcher)).toEqual([1, 2])
      const stream = matcher.openStream()
      expect([stream.search(subject, 0, 2), stream.search(subject, 2, 4)]).toEqual([0, 1])
      stream.close()
      matcher.close()
      expect(cache.counters).toMatchObject({ ...expected, failures: 0, refused: 0 })
    }
  })

  it('keeps literals and expressions that are searched for together', () => {
    const search = (cache: StartupCache): number[] => {
      const mixed = new HyperscanEngine(hyperscan, cache).compileMixed(patterns, ['t\\x00[\\xf0-\\xff]'])
      const hits = [...mixed.hits.subarray(0, mixed.search(subject, 0, subject.length))].sort()
      mixed.close()
      return hits
    }
    const first = new StartupCache({ directory })
    expect(search(first)).toEqual([1, 2])
    expect(first.counters).toMatchObject({ misses: 1, stored: 1 })
    const second = new StartupCache({ directory })
    expect(search(second)).toEqual([1, 2])
    expect(second.counters).toMatchObject({ hits: 1, misses: 0, stored: 0, refused: 0 })
  })

  it('compiles again what Hyperscan refuses though the checksum is right', () => {
    const writer = new StartupCache({ directory })
    new HyperscanEngine(hyperscan, writer).compile(patterns).close()
    const key = files()[0]!.slice(directory.length + 1, directory.length + 65)
    writer.write(key, bytes('no database at all'))
    const cache = new StartupCache({ directory })
    const matcher = new HyperscanEngine(hyperscan, cache).compile(patterns)
    expect(found(matcher)).toEqual([1, 2])
    matcher.close()
    expect(cache.counters).toMatchObject({ hits: 1, refused: 1, stored: 1 })
    const again = new StartupCache({ directory })
    new HyperscanEngine(hyperscan, again).compile(patterns).close()
    expect(again.counters).toMatchObject({ hits: 1, refused: 0, stored: 0 })
  })

  it('tells apart sets that differ in case, in order or in where one pattern ends', () => {
    const cache = new StartupCache({ directory })
    const engine = new HyperscanEngine(hyperscan, cache)
    const sets = [['ab', 'c'], ['a', 'bc'], ['c', 'ab'], ['ab/i', 'c'], ['abc']]
    for (const set of sets) engine.compile(set.map(pattern)).close()
    expect(cache.counters).toMatchObject({ hits: 0, stored: sets.length })
  })

  it('survives processes that start at once over one directory', async () => {
    const source = readFileSync(new URL('../../src/match/cache.ts', import.meta.url), 'utf8')
    const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 }
    const code = transpileModule(source, { compilerOptions }).outputText
    const script = join(directory, '..', 'cache.mjs')
    const program = `${code}
      const cache = new StartupCache({ directory: process.argv[2], maxBytes: 300000 })
      let wrong = 0
      for (let i = 0; i < 300; i++) {
        const key = (i % 7).toString().repeat(64)
        const found = cache.read(key)
        if (found === undefined) cache.write(key, new Uint8Array(50000).fill(i % 7))
        else if (found.length !== 50000 || found.some((byte) => byte !== i % 7)) wrong++
      }
      console.log(JSON.stringify({ wrong, ...cache.counters, trouble: cache.trouble }))`
    writeFileSync(script, program)
    const runs = Array.from(
      { length: 4 },
      () =>
        new Promise<string>((resolve, reject) => {
          const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
          let output = ''
          child.stdout.on('data', (chunk: Buffer) => {
            output += chunk.toString()
          })
          child.on('error', reject)
          child.on('close', () => resolve(output))
        }),
    )
    for (const output of await Promise.all(runs)) {
      expect(JSON.parse(output)).toMatchObject({ wrong: 0, refused: 0, failures: 0, trouble: '' })
    }
    expect(files().filter((name) => name.endsWith('.new'))).toEqual([])
  })
})
