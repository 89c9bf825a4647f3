/**
 * Compiled pattern databases and parsed rules on disk, so that the next start need not make them again.
 *
 * In: a key (everything the bytes depend on, hashed) and bytes. Out: the same bytes, in a later run. Called by the
 * Hyperscan engine and the rule loader. A compiled database is as good as code, so only files that nobody else can have
 * written are read, and a checksum is verified over all of them. Whatever is wrong with the cache, a start never fails of
 * it: what it holds is made again, and `counters` and `trouble` say so. Several processes may use one directory.
 */
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseStore } from './hyperscan.js'

/** Version of the file format; part of every name, so another version's files are never read. */
const FORMAT = 1
const MAGIC = Buffer.from(`weir${FORMAT}\n`)
const DIGEST_BYTES = 32
const HEADER_BYTES = MAGIC.length + DIGEST_BYTES
const SUFFIX = `.weir${FORMAT}`
const TEMPORARY = '.new'
const NAME = /^[0-9a-f]{64}$/

/** All files together; beyond, the ones not used for longest go. */
export const DEFAULT_CACHE_BYTES = 256 << 20
/** A time of last use older than this is renewed: seldom enough to cost nothing. */
const RENEW_AFTER_MS = 3_600_000
/** A temporary file older than this was left by a process that died. */
const ABANDONED_AFTER_MS = 3_600_000

export interface CacheOptions {
  readonly directory: string
  /** Default 256 MiB. */
  readonly maxBytes?: number
}

export interface CacheCounters {
  /** Taken from the cache. */
  hits: number
  misses: number
  /** Files written. */
  stored: number
  /** Files that were damaged or foreign, or refused by whoever asked for them. */
  refused: number
  /** Files removed to keep to the size. */
  evicted: number
  /** Operations the system did not allow. */
  failures: number
}

export class StartupCache implements DatabaseStore {
  readonly counters: CacheCounters = { hits: 0, misses: 0, stored: 0, refused: 0, evicted: 0, failures: 0 }
  readonly directory: string
  /** The first thing that went wrong, in words for the user; '' = nothing. */
  trouble = ''
  readonly #maxBytes: number
  /** Bytes in the directory, as far as known; undefined = not looked yet. */
  #total: number | undefined
  /** 0 = not looked at yet, 1 = ours alone, -1 = not to be used. */
  #usable = 0

  constructor(options: CacheOptions) {
    this.directory = options.directory
    this.#maxBytes = options.maxBytes ?? DEFAULT_CACHE_BYTES
  }

  read(key: string): Uint8Array | undefined {
    if (!NAME.test(key) || !this.#isUsable(false)) {
      this.counters.misses++
      return undefined
    }
    let file: number
    try {
      file = openSync(this.#path(key), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch (error) {
      this.counters.misses++
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#failed('cannot be read', error)
      return undefined
    }
    try {
      const bytes = this.#verified(file, key)
      if (bytes === undefined) this.discard(key)
      else this.counters.hits++
      return bytes
    } catch (error) {
      this.#failed('cannot be read', error)
      return undefined
    } finally {
      closeSync(file)
    }
  }

  write(key: string, bytes: Uint8Array): void {
    if (!NAME.test(key) || bytes.length + HEADER_BYTES > this.#maxBytes || !this.#isUsable(true)) return
    // A name of its own, then a rename: a reader sees a whole file or none, whoever else writes the same one.
    const temporary = `${this.#path(key)}.${process.pid}.${randomBytes(6).toString('hex')}${TEMPORARY}`
    try {
      const file = openSync(temporary, 'wx', 0o600)
      try {
        for (const part of [MAGIC, digestOf(key, bytes), bytes]) writeAll(file, part)
      } finally {
        closeSync(file)
      }
      renameSync(temporary, this.#path(key))
    } catch (error) {
      this.#remove(temporary)
      this.#failed('cannot be written', error)
      // A full disk or a quota will refuse the next one too.
      this.#usable = -1
      return
    }
    this.counters.stored++
    if (this.#total !== undefined) this.#total += bytes.length + HEADER_BYTES
    this.#evict()
  }

  discard(key: string): void {
    this.counters.refused++
    this.trouble ||= `a damaged or foreign file in ${this.directory} was removed`
    this.#remove(this.#path(key))
  }

  #path(key: string): string {
    return join(this.directory, key + SUFFIX)
  }

  /** The whole file when it is what `write` wrote for this key and nobody else can have changed it. */
  #verified(file: number, key: string): Uint8Array | undefined {
    const stat = fstatSync(file)
    if (!stat.isFile() || !isOurs(stat) || stat.size < HEADER_BYTES || stat.size > this.#maxBytes)
      return undefined
    const content = Buffer.allocUnsafeSlow(stat.size)
    let filled = 0
    while (filled < content.length) {
      const count = readSync(file, content, filled, content.length - filled, filled)
      if (count === 0) return undefined
      filled += count
    }
    const bytes = content.subarray(HEADER_BYTES)
    if (!content.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
    if (!content.subarray(MAGIC.length, HEADER_BYTES).equals(digestOf(key, bytes))) return undefined
    const now = Date.now()
    if (now - stat.mtimeMs > RENEW_AFTER_MS) {
      try {
        futimesSync(file, now / 1000, now / 1000)
      } catch {
        // Then it will be evicted sooner.
      }
    }
    return bytes
  }

  /** The directory is there (made when `make`) and only this user can write to it. */
  #isUsable(make: boolean): boolean {
    if (this.#usable !== 0) return this.#usable > 0
    try {
      if (make) makeDirectory(this.directory)
      const stat = statSync(this.directory)
      if (stat.isDirectory() && isOurs(stat)) this.#usable = 1
      else {
        this.#usable = -1
        this.counters.failures++
        this.trouble ||= `${this.directory} is not used: it must be a directory that only its owner, you, can write to`
      }
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (missing && !make) return false
      this.#usable = -1
      this.#failed('cannot be used', error)
    }
    return this.#usable > 0
  }

  /** Removes files, the ones not used for longest first, until the rest is well below the limit. */
  #evict(): void {
    if (this.#total !== undefined && this.#total <= this.#maxBytes) return
    const files: { readonly path: string; readonly used: number; readonly size: number }[] = []
    let total = 0
    try {
      for (const name of readdirSync(this.directory)) {
        const path = join(this.directory, name)
        const temporary = name.endsWith(TEMPORARY)
        if (!temporary && !/\.weir\d+$/.test(name)) continue
        const stat = statSync(path, { throwIfNoEntry: false })
        if (stat === undefined || !stat.isFile()) continue
        if (temporary) {
          if (Date.now() - stat.mtimeMs > ABANDONED_AFTER_MS) this.#remove(path)
          continue
        }
        files.push({ path, used: stat.mtimeMs, size: stat.size })
        total += stat.size
      }
    } catch (error) {
      this.#failed('cannot be listed', error)
      this.#total = 0
      return
    }
    if (total > this.#maxBytes) {
      // Some room beyond the limit, or the next file would make us list the directory again.
      const target = this.#maxBytes - this.#maxBytes / 8
      files.sort((a, b) => a.used - b.used || (a.path < b.path ? -1 : 1))
      for (const { path, size } of files) {
        if (total <= target) break
        this.#remove(path)
        this.counters.evicted++
        total -= size
      }
    }
    this.#total = total
  }

  #remove(path: string): void {
    try {
      unlinkSync(path)
    } catch {
      // Somebody else was faster, or may not: then it stays, and will be refused again.
    }
  }

  #failed(what: string, error: unknown): void {
    this.counters.failures++
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    this.trouble ||= `${this.directory} ${what} (${code})`
  }
}

/**
 * With its parents. Node's own way to do so never ends where the system refuses a directory as if its parent were missing
 * (`/proc/x`).
 */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    const parent = dirname(path)
    if (code !== 'ENOENT' || parent === path || existsSync(parent)) throw error
    makeDirectory(parent)
    mkdirSync(path, { mode: 0o700 })
  }
}

function digestOf(key: string, bytes: Uint8Array): Buffer {
  return createHash('sha256').update(key).update(bytes).digest()
}

function writeAll(file: number, bytes: Uint8Array): void {
  let written = 0
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written)
}

const OTHERS_WRITE = 0o022

/** This user owns it and nobody else may write to it. Where there are no owners (Windows), nothing can be said. */
function isOurs({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return process.geteuid === undefined || (uid === process.geteuid() && (mode & OTHERS_WRITE) === 0)
}

/** Words in WEIR_CACHE that mean no cache. */
const OFF = ['', '0', 'no', 'off', 'none', 'false']

/**
 * Where the cache lies by the environment: WEIR_CACHE (a directory, or `off`), else `weir` in XDG_CACHE_HOME, else
 * `.cache/weir` in HOME. undefined = no cache.
 */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { WEIR_CACHE: own, XDG_CACHE_HOME: base, HOME: home } = env
  if (own !== undefined) return OFF.includes(own.toLowerCase()) ? undefined : own
  // The XDG base directory specification has relative paths ignored.
  if (base?.startsWith('/')) return join(base, 'weir')
  return home?.startsWith('/') ? join(home, '.cache', 'weir') : undefined
}
