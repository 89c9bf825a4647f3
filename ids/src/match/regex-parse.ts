import { RegexError, type RegexFlags } from './matcher.js'
import { parseClass, parseEscapedByte } from './regex-class.js'
import {
  type Assertion,
  EVERYTHING,
  fixedLength,
  NOT_NEWLINE,
  type Node,
  type RepeatMode,
  setOf,
  singleSet,
  typeSet,
  UNLIMITED,
} from './regex-syntax.js'

export interface ParsedRegex {
  readonly root: Node
  /** Capturing groups are numbered 1 up to this. */
  readonly groupCount: number
  /** Groups that a backreference asks for; the others need not be recorded. */
  readonly referenced: ReadonlySet<number>
}

/** PCRE2's own limit (parens_nest_limit). */
const MAX_DEPTH = 250
/** PCRE2's own limit on the numbers in `{n,m}`. */
const MAX_REPEAT = 65535

/** Options that a pattern can change on its way: `(?i)`, `(?-s:…)`. */
interface Options {
  caseless: boolean
  dotAll: boolean
  multiline: boolean
  extended: boolean
  ungreedy: boolean
}

const OPTION_LETTERS: Readonly<Record<string, keyof Options>> = {
  i: 'caseless',
  s: 'dotAll',
  m: 'multiline',
  x: 'extended',
  U: 'ungreedy',
}

const ESCAPED_ASSERTIONS: Readonly<Record<string, Assertion>> = {
  A: 'subject-start',
  z: 'subject-end',
  Z: 'last-line-end',
  b: 'word-boundary',
  B: 'no-word-boundary',
  G: 'search-start',
  K: 'match-start',
}

/**
 * Parses a PCRE pattern of one byte per character.
 * @throws RegexError when it is malformed, or uses what this engine does not have: recursion, conditions, verbs,
 * callouts, `\X`, properties, branch reset, quantified lookaround.
 */
export function parseRegex(pattern: string, flags: RegexFlags): ParsedRegex {
  return new Parser(pattern, flags).parse()
}

class Parser {
  readonly #text: string
  readonly #dollarEndOnly: boolean
  #at = 0
  #depth = 0
  /** Lookarounds that are open. */
  #lookDepth = 0
  #options: Options
  #groupCount = 0
  readonly #names = new Map<string, number>()
  /** Backreferences by number or name with the place they stand at, checked when all groups are known. */
  readonly #references: {
    node: { kind: 'backreference'; group: number; caseless: boolean }
    name: string
    at: number
  }[] = []

  constructor(text: string, flags: RegexFlags) {
    this.#text = text
    this.#dollarEndOnly = flags.dollarEndOnly
    const { caseless, dotAll, multiline, extended, ungreedy } = flags
    this.#options = { caseless, dotAll, multiline, extended, ungreedy }
  }

  parse(): ParsedRegex {
    const root = this.#alternation()
    if (this.#at < this.#text.length) this.#fail('unmatched closing parenthesis')
    const referenced = new Set<number>()
    for (const { node, name, at } of this.#references) {
      const group = name === '' ? node.group : this.#names.get(name)
      if (group === undefined || group > this.#groupCount)
        this.#fail('reference to non-existent subpattern', at)
      node.group = group
      referenced.add(group)
    }
    return { root, groupCount: this.#groupCount, referenced }
  }

  #fail(message: string, at = this.#at): never {
    throw new RegexError(message, at)
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  /** Takes what the sticky expression matches here. */
  #takeMatch(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at
    const match = expression.exec(this.#text)
    if (match !== null) this.#at += match[0].length
    return match
  }

  /** Up to `)` or the end. Options set inside a branch hold for the branches after it, until the group ends. */
  #alternation(): Node {
    if (++this.#depth > MAX_DEPTH) this.#fail('parentheses are too deeply nested')
    const before = { ...this.#options }
    const branches = [this.#sequence()]
    while (this.#take('|')) branches.push(this.#sequence())
    this.#options = before
    this.#depth--
    return branches.length === 1 ? branches[0]! : { kind: 'alternation', branches }
  }

  #sequence(): Node {
    const items: Node[] = []
    for (;;) {
      if (this.#options.extended) this.#takeMatch(/(?:[\t-\r ]+|#[^\n]*\n?)*/y)
      const next = this.#text[this.#at]
      if (next === undefined || next === '|' || next === ')') break
      const at = this.#at
      const item = this.#item(next)
      if (item === undefined) continue
      // In a group of their own assertions can be repeated.
      const repeatable = (item.kind !== 'assert' && item.kind !== 'look') || this.#text.startsWith('(?:', at)
      items.push(this.#quantified(item, repeatable))
    }
    return items.length === 1
      ? items[0]!
      : items.length === 0
        ? { kind: 'empty' }
        : { kind: 'sequence', items }
  }

  #quantified(item: Node, repeatable = true): Node {
    if (this.#options.extended) this.#takeMatch(/(?:[\t-\r ]+|#[^\n]*\n?)*/y)
    const at = this.#at
    const match = this.#takeMatch(/(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})([+?]?)/y)
    if (match === null) return item
    const [text, low, comma, high, suffix] = match
    let min = text[0] === '+' ? 1 : 0
    let max = text[0] === '?' ? 1 : UNLIMITED
    if (low !== undefined) {
      min = Number(low)
      max = comma === undefined ? min : high === '' ? UNLIMITED : Number(high)
      if (min > MAX_REPEAT || (max > MAX_REPEAT && max !== UNLIMITED))
        this.#fail('number too big in {} quantifier', at)
      if (max < min) this.#fail('numbers out of order in {} quantifier', at)
    }
    if (!repeatable) this.#fail('a quantifier after an assertion is not supported by this engine', at)
    const lazy = (suffix === '?') !== this.#options.ungreedy
    const mode: RepeatMode = suffix === '+' ? 'possessive' : lazy ? 'lazy' : 'greedy'
    return { kind: 'repeat', body: item, min, max, mode }
  }

  /** One item; undefined for what leaves nothing behind, such as a comment. */
  #item(next: string): Node | undefined {
    const { dotAll, multiline } = this.#options
    switch (next) {
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '\\':
        return this.#escape()
      case '.':
        this.#at++
        return { kind: 'set', set: dotAll ? EVERYTHING : NOT_NEWLINE }
      case '^':
        this.#at++
        return { kind: 'assert', what: multiline ? 'line-start' : 'subject-start' }
      case '$':
        this.#at++
        if (multiline) return { kind: 'assert', what: 'line-end' }
        return { kind: 'assert', what: this.#dollarEndOnly ? 'subject-end' : 'last-line-end' }
      case '*':
      case '+':
      case '?':
        return this.#fail('quantifier does not follow a repeatable item')
      case '{':
        // A quantifier from PCRE2 10.43 on, literal before.
        if (/\{\d+(?:,\d*)?\}/y.test(this.#text.slice(this.#at))) {
          this.#fail('quantifier does not follow a repeatable item')
        }
        if (/^\{,\d+\}/.test(this.#text.slice(this.#at, this.#at + 9))) {
          this.#fail('{,n} means different things to different versions of PCRE')
        }
        break
    }
    this.#at++
    return this.#byte(next.charCodeAt(0))
  }

  #byte(byte: number): Node {
    if (byte > 0xff) this.#fail('pattern holds a character above 0xff', this.#at - 1)
    return { kind: 'set', set: singleSet(byte, this.#options.caseless) }
  }

  #class(): Node {
    const { set, end } = parseClass(this.#text, this.#at, this.#options.caseless)
    this.#at = end
    return { kind: 'set', set }
  }

  #group(): Node | undefined {
    const opening = this.#at++
    if (this.#text[this.#at] === '*') this.#fail('(*VERB) is not supported by this engine')
    if (this.#take('?#')) {
      const end = this.#text.indexOf(')', this.#at)
      if (end < 0) this.#fail('missing ) after (?# comment', this.#text.length)
      this.#at = end + 1
      return undefined
    }
    const settings = this.#takeMatch(/\?(?!R\)|C)([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/y)
    if (settings !== null) return this.#settings(settings, opening)
    let wrap: (body: Node) => Node
    if (this.#take('?>')) wrap = (body) => ({ kind: 'atomic', body })
    else if (this.#take('?=')) wrap = (body) => ({ kind: 'look', behind: false, negative: false, body })
    else if (this.#take('?!')) wrap = (body) => ({ kind: 'look', behind: false, negative: true, body })
    else if (this.#take('?<=')) wrap = (body) => ({ kind: 'look', behind: true, negative: false, body })
    else if (this.#take('?<!')) wrap = (body) => ({ kind: 'look', behind: true, negative: true, body })
    else wrap = this.#capture()
    const look = /[=!]/.test(this.#text[this.#at - 1]!) ? 1 : 0
    this.#lookDepth += look
    const body = this.#alternation()
    this.#lookDepth -= look
    return this.#close(wrap(body), opening)
  }

  #capture(): (body: Node) => Node {
    const name = this.#takeMatch(/\?(?:P?<([A-Za-z_]\w{0,31})>|'([A-Za-z_]\w{0,31})')/y)
    const backreference = name === null ? this.#takeMatch(/\?P=(\w+)(?=\))/y) : null
    if (backreference !== null) {
      const node = this.#reference(0, backreference[1]!)
      return () => node
    }
    if (name === null && this.#text[this.#at] === '?')
      this.#fail(`${kindOfGroup(this.#text, this.#at + 1)} is not supported by this engine`)
    const group = ++this.#groupCount
    if (name !== null) {
      const text = name[1] ?? name[2]!
      if (this.#names.has(text)) this.#fail('two named subpatterns have the same name')
      this.#names.set(text, group)
    }
    return (body) => ({ kind: 'capture', group, body })
  }

  /** `(?i)` holds for the rest of the enclosing group, `(?i:…)` for its own. */
  #settings(match: RegExpExecArray, opening: number): Node | undefined {
    const [, on, off, end] = match
    const before = { ...this.#options }
    for (const [letters, value] of [
      [on ?? '', true],
      [off ?? '', false],
    ] as const) {
      for (const letter of letters) {
        const option = OPTION_LETTERS[letter]
        if (option === undefined) this.#fail(`option (?${letter}) is not supported by this engine`, opening)
        this.#options[option] = value
      }
    }
    if (end === ')') return undefined
    const body = this.#alternation()
    this.#options = before
    return this.#close(body, opening)
  }

  #close(body: Node, opening: number): Node {
    if (!this.#take(')')) this.#fail('missing closing parenthesis', this.#text.length)
    if (body.kind === 'look' && body.behind) {
      const branches = body.body.kind === 'alternation' ? body.body.branches : [body.body]
      if (branches.some((branch) => fixedLength(branch) < 0)) {
        this.#fail('lookbehind assertion is not fixed length', opening)
      }
    }
    return body
  }

  #reference(group: number, name: string): Node {
    const node = { kind: 'backreference' as const, group, caseless: this.#options.caseless }
    this.#references.push({ node, name, at: this.#at })
    return node
  }

  #escape(): Node | undefined {
    const start = this.#at
    if (this.#take('\\Q')) {
      const end = this.#text.indexOf('\\E', this.#at)
      const literal = this.#text.slice(this.#at, end < 0 ? undefined : end)
      this.#at = end < 0 ? this.#text.length : end + 2
      if (literal === '') return undefined
      const items = [...literal].map((character) => this.#byte(character.charCodeAt(0)))
      // A quantifier after \E belongs to the last character alone.
      const last = items.pop()!
      return items.length === 0 ? last : { kind: 'sequence', items: [...items, this.#quantified(last)] }
    }
    if (this.#take('\\E')) return undefined
    const named = this.#takeMatch(/\\k(?:<(\w+)>|'(\w+)'|\{(\w+)\})|\\g\{([A-Za-z_]\w*)\}/y)
    if (named !== null) return this.#reference(0, (named[1] ?? named[2] ?? named[3] ?? named[4])!)
    const numbered = this.#takeMatch(/\\g(?:\{(-?)(\d{1,3})\}|(-?)(\d{1,3}))|\\([1-9])(?!\d)/y)
    if (numbered !== null) {
      const number = Number(numbered[2] ?? numbered[4] ?? numbered[5])
      const relative = (numbered[1] ?? numbered[3]) === '-'
      const group = relative ? this.#groupCount + 1 - number : number
      if (group < 1) this.#fail('reference to non-existent subpattern', start)
      return this.#reference(group, '')
    }
    const decimal = /\\([1-9]\d{1,2})/y
    decimal.lastIndex = start
    const long = decimal.exec(this.#text)
    if (long !== null && Number(long[1]) <= this.#groupCount) {
      this.#at += long[0].length
      return this.#reference(Number(long[1]), '')
    }
    const letter = this.#text[start + 1] ?? ''
    const assertion = ESCAPED_ASSERTIONS[letter]
    const set = letter === 'N' ? NOT_NEWLINE : letter === 'C' ? EVERYTHING : typeSet(letter)
    if (assertion !== undefined || set !== undefined || letter === 'R') {
      this.#at += 2
      if (letter === 'K' && this.#lookDepth > 0) this.#fail('\\K is not allowed in lookarounds', start)
      if (assertion !== undefined) return { kind: 'assert', what: assertion }
      return set !== undefined ? { kind: 'set', set } : anyNewline()
    }
    const { byte, end } = parseEscapedByte(this.#text, start)
    this.#at = end
    return this.#byte(byte)
  }
}

/** What stands behind `(?`, in words. */
function kindOfGroup(text: string, at: number): string {
  const rest = text.slice(at, at + 2)
  if (/^(?:R|[-+]?\d|&|P>)/.test(rest)) return 'recursion'
  if (rest.startsWith('(')) return 'a condition'
  if (rest.startsWith('C')) return 'a callout'
  if (rest.startsWith('|')) return 'branch reset'
  return 'this kind of group'
}

/** `\R`: any newline sequence, not given back once taken. */
function anyNewline(): Node {
  const byte = (value: number): Node => ({ kind: 'set', set: singleSet(value, false) })
  const single = setOf((other) => (other >= 0x0a && other <= 0x0d) || other === 0x85)
  const pair: Node = { kind: 'sequence', items: [byte(0x0d), byte(0x0a)] }
  return { kind: 'atomic', body: { kind: 'alternation', branches: [pair, { kind: 'set', set: single }] } }
}
