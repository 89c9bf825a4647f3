/**
 * What became of the statements of one rule file, to be kept between loads: reading it back takes a tenth of the time of
 * parsing the text again.
 *
 * In: rules and problems as the loader meets them; notes on the rules when detection has looked at them. Out: bytes for a
 * store, and the same from bytes. The key covers everything they depend on: text, dialect, variables, classes,
 * references, and the version of Weir. Files that hold anything but rules are not kept.
 */
import { createHash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import type { Classifications } from './classification.js'
import type { Dialect, Rule, SourcePosition } from './model.js'
import { packRules, type RuleNote, unpackRules } from './packed.js'
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

/** What is written of a file besides its rules. */
interface Frame {
  /** Errors, and warnings of rules, by the number of the statement. */
  readonly errors: ReadonlyMap<number, ParsedProblem>
  readonly warnings: ReadonlyMap<number, readonly ParsedProblem[]>
  readonly statements: number
  readonly optionUse: readonly OptionCount[]
}

/** Smaller files are parsed faster than looked up. */
const WORTH_KEEPING = 100

const NO_WARNINGS: readonly ParsedProblem[] = []

export class ParsedFiles {
  readonly #store: ParsedFileStore
  readonly #version: string
  readonly #notes = new Map<Rule, RuleNote>()
  #pending: { readonly key: string; readonly file: ParsedFile }[] = []

  /** @param version of the program: of everything between text and parsed rule, and of what the notes come from */
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
      return this.#unpack(bytes)
    } catch {
      this.#store.discard(key)
      return undefined
    }
  }

  /** Remembers a file that `keep` will write. */
  add(key: string, file: ParsedFile): void {
    if (file.outcomes.length >= WORTH_KEEPING) this.#pending.push({ key, file })
  }

  /** There are files to be kept. */
  get hasNew(): boolean {
    return this.#pending.length > 0
  }

  /** The note kept with a rule; undefined for rules parsed now. */
  noteOf(rule: Rule): RuleNote {
    return this.#notes.get(rule)
  }

  /** Writes the files added, with a note on each of their rules. */
  keep(noteOf: (rule: Rule) => RuleNote): void {
    for (const { key, file } of this.#pending) this.#store.write(key, pack(file, noteOf))
    this.#pending = []
  }

  #unpack(bytes: Uint8Array): ParsedFile {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const end = 4 + buffer.readUInt32LE(0)
    const { errors, warnings, statements, optionUse } = deserialize(buffer.subarray(4, end)) as Frame
    const { rules, notes } = unpackRules(buffer.subarray(end))
    const outcomes: Outcome[] = []
    let next = 0
    for (let i = 0; i < statements; i++) {
      const error = errors.get(i)
      if (error !== undefined) {
        outcomes.push({ rule: undefined, error })
        continue
      }
      const rule = rules[next]!
      this.#notes.set(rule, notes[next])
      outcomes.push({ rule, warnings: warnings.get(i) ?? NO_WARNINGS })
      next++
    }
    return { outcomes, optionUse }
  }
}

function pack({ outcomes, optionUse }: ParsedFile, noteOf: (rule: Rule) => RuleNote): Uint8Array {
  const errors = new Map<number, ParsedProblem>()
  const warnings = new Map<number, readonly ParsedProblem[]>()
  const rules: Rule[] = []
  outcomes.forEach((outcome, i) => {
    if (outcome.rule === undefined) errors.set(i, outcome.error)
    else {
      rules.push(outcome.rule)
      if (outcome.warnings.length > 0) warnings.set(i, outcome.warnings)
    }
  })
  const frame = serialize({ errors, warnings, statements: outcomes.length, optionUse } satisfies Frame)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(frame.length)
  return Buffer.concat([length, frame, packRules(rules, noteOf)])
}
