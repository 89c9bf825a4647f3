/**
 * Rule files as text: reading, recognising what is not text, byte-order marks.
 *
 * Text is held with one character per byte (latin-1), because contents and patterns are bytes.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { readFileSync, statSync } from 'node:fs'

/** A file that cannot serve as rules. */
export class RuleFileError extends Error {
  readonly code: 'not-found' | 'not-permitted' | 'directory' | 'binary' | 'too-large' | 'read-error'
  readonly path: string

  constructor(code: RuleFileError['code'], path: string, message: string) {
    super(message)
    this.name = 'RuleFileError'
    this.code = code
    this.path = path
  }
}

export interface RuleSource {
  /** As given by the user; what positions quote. */
  readonly path: string
  /** One character per byte. */
  readonly text: string
  /** The bytes are valid UTF-8 and some characters take several. */
  readonly multibyte: boolean
}

/** 64 MiB: twenty times the largest public rule set. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024

/** Leading bytes that are looked at to tell rules from other files. */
const PROBE = 64 * 1024
/** A file with NUL bytes is not text when more than one byte in so many is a control character. */
const BYTES_PER_CONTROL = 20

/**
 * Reads a rule file; `-` is standard input.
 * @throws RuleFileError
 */
export function readRuleFile(path: string): RuleSource {
  let bytes: Buffer
  try {
    if (path === '-') {
      bytes = readFileSync(0)
    } else {
      const stat = statSync(path)
      if (stat.isDirectory()) throw new RuleFileError('directory', path, 'is a directory, not a rule file')
      if (stat.size > MAX_FILE_BYTES) throw tooLarge(path, stat.size)
      bytes = readFileSync(path)
    }
  } catch (error) {
    if (error instanceof RuleFileError) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new RuleFileError('not-found', path, 'no such file')
    if (code === 'EACCES' || code === 'EPERM')
      throw new RuleFileError('not-permitted', path, 'permission denied')
    throw new RuleFileError('read-error', path, error instanceof Error ? error.message : String(error))
  }
  return sourceFromBytes(path, bytes)
}

function tooLarge(path: string, size: number): RuleFileError {
  return new RuleFileError('too-large', path, `${size} bytes is more than the limit of ${MAX_FILE_BYTES}`)
}

/** @throws RuleFileError when the bytes are not text */
export function sourceFromBytes(path: string, bytes: Uint8Array): RuleSource {
  if (bytes.length > MAX_FILE_BYTES) throw tooLarge(path, bytes.length)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (
    bytes.length >= 2 &&
    ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
  ) {
    throw new RuleFileError('binary', path, 'is UTF-16 text; save it as UTF-8')
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    throw new RuleFileError('binary', path, 'is compressed with gzip; unpack it first')
  }
  if (isBinary(buffer.subarray(0, PROBE))) {
    throw new RuleFileError('binary', path, 'is a binary file, not rule text')
  }
  const start = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const text = buffer.toString('latin1', start)
  return { path, text, multibyte: !isAscii(buffer) && isUtf8(buffer) }
}

/** Text with a stray NUL byte is text: what it stands in is one wrong rule. */
function isBinary(bytes: Uint8Array): boolean {
  if (!bytes.includes(0)) return false
  let controls = 0
  for (const byte of bytes) if (byte < 0x09 || (byte > 0x0d && byte < 0x20)) controls++
  return controls * BYTES_PER_CONTROL > bytes.length
}

/** @param text ordinary text (as from a command line); characters beyond ASCII count as their UTF-8 bytes */
export function sourceFromText(path: string, text: string): RuleSource {
  return sourceFromBytes(path, Buffer.from(text, 'utf8'))
}

/** Text for people: the bytes read as UTF-8 where that is what they are, else as latin-1. */
export function displayText(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}
