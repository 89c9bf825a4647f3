/**
 * What became of the statements of one rule file, to be kept between loads: reading it back takes a fifth of the time of
 * parsing the text again.
 *
 * In: rules and problems as the loader meets them. Out: bytes for a store, and the same rules and problems from bytes.
 * The key covers everything they depend on: text, dialect, variables, classes, references, and the version of Weir.
 * Files that hold anything but rules are not kept.
 */
import { createHash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import type { Classifications } from './classification.js'
import type { Dialect, Rule, SourcePosition } from './model.js'
import type { ProblemKind } from './problem.js'
import type { References } from './reference.js'
import type { RuleSource } from './source.js'
import type { OptionCount } from './statistics.js'
import type { Variables } from './variables.js'

/** Where parsed files are kept. Never throws. What `read` gives must be what `write` was given, by this user alone. */
export interface ParsedFileStore {
  read(key: string): Uint8Array | undefined
  write(key: string, bytes: Uint8Array): void
  discard(key: string): void
}

export interface ParsedProblem {
  readonly kind: ProblemKind
  readonly reason: string
  readonly message: string
  readonly position: SourcePosition
  readonly sid: number | undefined
}

/** One statement: a rule with its warnings, or an error. */
export type Outcome =
  | { readonly rule: Rule; readonly warnings: readonly ParsedProblem[] }
  | { readonly rule: undefined; readonly error: ParsedProblem }

export interface ParsedFile {
  /** In the order of the file. */
  readonly outcomes: readonly Outcome[]
  readonly optionUse: readonly OptionCount[]
}

/** Smaller files are parsed faster than looked up. */
const WORTH_KEEPING = 100

export class ParsedFiles {
  readonly #store: ParsedFileStore
  readonly #version: string

  /** @param version of the program: of everything between text and parsed rule */
  constructor(store: ParsedFileStore, version: string) {
    this.#store = store
    this.#version = version
  }

  key(
    source: RuleSource,
    dialect: Dialect,
    variables: Variables,
    classifications: Classifications,
    references: References,
  ): string {
    const settings = JSON.stringify([
      this.#version,
      process.versions.v8,
      dialect,
      source.path,
      source.multibyte,
      variables.names().map((name) => [name, variables.get(name)]),
      classifications.all(),
      references.systems().map((system) => [system, references.url({ system, id: '' })]),
    ])
    return createHash('sha256').update(settings).update('\0').update(source.text, 'latin1').digest('hex')
  }

  read(key: string): ParsedFile | undefined {
    const bytes = this.#store.read(key)
    if (bytes === undefined) return undefined
    try {
      return deserialize(bytes) as ParsedFile
    } catch {
      this.#store.discard(key)
      return undefined
    }
  }

  write(key: string, file: ParsedFile): void {
    if (file.outcomes.length >= WORTH_KEEPING) this.#store.write(key, serialize(file))
  }
}
