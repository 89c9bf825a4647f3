import type { Regex, RegexEngine, RegexFlags } from './matcher.js'
import { compileRegex, type Program } from './regex-compile.js'
import { RegexMachine } from './regex-machine.js'
import { parseRegex } from './regex-parse.js'
import { minLength } from './regex-syntax.js'

/**
 * PCRE expressions in TypeScript, for machines without the addon. Not JavaScript's RegExp: that folds case and breaks
 * lines otherwise, has no `\A`, atomic groups or possessive quantifiers, and no limit on backtracking.
 *
 * The same matches as PCRE2 on bytes in the C locale; what is missing is refused when a pattern is compiled
 * (regex-parse.ts has the list). Steps are not counted exactly as PCRE2 counts them, so the two may give up on
 * different subjects.
 */
export class RegexpEngine implements RegexEngine {
  readonly name = 'regexp'
  readonly description: string
  readonly #machine = new RegexMachine()

  /** `reason`: why this engine is in use, for people. */
  constructor(reason = 'chosen') {
    this.description = `PCRE expressions in TypeScript (${reason})`
  }

  /** `matchLimit`: steps back for each place where a match could begin; 0 stands for 10 million. */
  compile(pattern: string, flags: RegexFlags, matchLimit: number): Regex {
    const parsed = parseRegex(pattern, flags)
    return new RegexpRegex(compileRegex(parsed, flags), minLength(parsed.root), this.#machine, matchLimit)
  }
}

class RegexpRegex implements Regex {
  matchStart = 0
  matchEnd = 0
  readonly minLength: number
  readonly #program: Program
  readonly #machine: RegexMachine
  readonly #matchLimit: number

  constructor(program: Program, minLength: number, machine: RegexMachine, matchLimit: number) {
    this.#program = program
    this.minLength = minLength
    this.#machine = machine
    this.#matchLimit = matchLimit
  }

  exec(bytes: Uint8Array, start: number, end: number, from: number): number {
    const result = this.#machine.exec(this.#program, bytes, start, end, from, this.#matchLimit)
    if (result > 0) {
      this.matchStart = this.#machine.matchStart
      this.matchEnd = this.#machine.matchEnd
    }
    return result
  }

  close(): void {}
}
