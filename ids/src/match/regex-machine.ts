import { REGEX_LIMIT, REGEX_MATCH, REGEX_NO_MATCH } from './matcher.js'
import { ASSERTIONS, MATCH_START, OP, type Program } from './regex-compile.js'
import { type ByteSet, UNLIMITED, WORD } from './regex-syntax.js'

/** Steps back that one place in the subject may take when the caller sets no limit; PCRE2's default as well. */
const DEFAULT_STEPS = 10_000_000
/**
 * What one `exec` may do in all, over every place in the subject: steps, and bytes run over by repetitions at an eighth
 * of a step. About a tenth of a second at most.
 */
const MAX_WORK = 2_000_000
/** Words of the stack of things to try: 16 MiB. */
const MAX_STACK = 1 << 22

/** Entries of the stack: four words, the first of them one of these. */
const FRAME = 4
const TRY = 0 // pc, position
const RESTORE = 1 // slot, value
const GREEDY = 2 // pc after the repetition, least position, position
const LAZY = 3 // pc of the repetition, position, greatest position
const BARRIER = 4 // pc or -1, position, barrier outside

const ASSERT_SUBJECT_START = ASSERTIONS.indexOf('subject-start')
const ASSERT_LINE_START = ASSERTIONS.indexOf('line-start')
const ASSERT_SUBJECT_END = ASSERTIONS.indexOf('subject-end')
const ASSERT_LAST_LINE_END = ASSERTIONS.indexOf('last-line-end')
const ASSERT_LINE_END = ASSERTIONS.indexOf('line-end')
const ASSERT_WORD = ASSERTIONS.indexOf('word-boundary')
const ASSERT_NO_WORD = ASSERTIONS.indexOf('no-word-boundary')

/**
 * Backtracking matcher with PCRE's order of trying, and with a count of steps, which JavaScript's own RegExp lacks.
 * One machine serves all expressions of an engine, one search at a time.
 */
export class RegexMachine {
  matchStart = 0
  matchEnd = 0
  #stack = new Int32Array(1024 * FRAME)
  #slots = new Int32Array(16)
  #work = 0

  /** As `Regex.exec`; `limit` is the number of steps back per starting place, 0 for the default. */
  exec(program: Program, bytes: Uint8Array, start: number, end: number, from: number, limit: number): number {
    const { leading, first, required, slotCount } = program
    let looked = false
    if (this.#slots.length < slotCount) this.#slots = new Int32Array(slotCount * 2)
    if (leading === 'subject-start' && from > start) return REGEX_NO_MATCH
    const once = leading === 'subject-start' || leading === 'search-start'
    const run = typeof leading === 'string' ? undefined : leading
    const steps = limit === 0 ? DEFAULT_STEPS : limit
    this.#work = MAX_WORK
    for (let position = from; position <= end; position++) {
      if (first !== undefined) {
        if (!once) while (position < end && first[bytes[position]!] === 0) position++
        if (position >= end || first[bytes[position]!] === 0) return REGEX_NO_MATCH
      }
      if (run === undefined || position === from || run[bytes[position - 1]!] === 0) {
        const result = this.#run(program, bytes, start, end, from, position, steps)
        if (result === REGEX_MATCH) return result
        // Worth a look through the subject only when trying turns out to be expensive.
        if (
          required !== undefined &&
          !looked &&
          (result === REGEX_LIMIT || this.#work < MAX_WORK - (end - position))
        ) {
          looked = true
          if (!holdsAny(required, bytes, position, end)) return REGEX_NO_MATCH
        }
        if (result === REGEX_LIMIT || this.#work < 0) return REGEX_LIMIT
        if (once) return REGEX_NO_MATCH
      }
      if (run !== undefined) while (position < end && run[bytes[position]!] === 1) position++
    }
    return REGEX_NO_MATCH
  }

  /** Tries to match at `origin`. */
  #run(
    program: Program,
    bytes: Uint8Array,
    start: number,
    end: number,
    from: number,
    origin: number,
    limit: number,
  ): number {
    const { code, sets, slotCount } = program
    const slots = this.#slots
    let stack = this.#stack
    let top = 0
    let barrier = -1
    let steps = limit
    let pc = 0
    let at = origin
    slots.fill(-1, 0, slotCount)

    for (;;) {
      if (top + 2 * FRAME > stack.length) {
        if (stack.length >= MAX_STACK) return REGEX_LIMIT
        this.#stack = new Int32Array(stack.length * 2)
        this.#stack.set(stack)
        stack = this.#stack
      }
      let ok = true
      switch (code[pc]) {
        case OP.BYTE:
          if (at < end && bytes[at] === code[pc + 1]) {
            at++
            pc += 2
          } else ok = false
          break
        case OP.SET:
          if (at < end && sets[code[pc + 1]!]![bytes[at]!] === 1) {
            at++
            pc += 2
          } else ok = false
          break
        case OP.SPLIT:
          stack[top] = TRY
          stack[top + 1] = code[pc + 2]!
          stack[top + 2] = at
          top += FRAME
          pc = code[pc + 1]!
          break
        case OP.JUMP:
          pc = code[pc + 1]!
          break
        case OP.GREEDY:
        case OP.POSSESSIVE: {
          const set = sets[code[pc + 1]!]!
          const max = code[pc + 3]!
          const least = at + code[pc + 2]!
          const most = max === UNLIMITED || max > end - at ? end : at + max
          let reached = at
          while (reached < most && set[bytes[reached]!] === 1) reached++
          this.#work -= (reached - at) >> 3
          if (reached < least) {
            ok = false
            break
          }
          if (reached > least && code[pc] === OP.GREEDY) {
            stack[top] = GREEDY
            stack[top + 1] = pc + 4
            stack[top + 2] = least
            stack[top + 3] = reached
            top += FRAME
          }
          at = reached
          pc += 4
          break
        }
        case OP.LAZY: {
          const set = sets[code[pc + 1]!]!
          const max = code[pc + 3]!
          const least = at + code[pc + 2]!
          const most = max === UNLIMITED || max > end - at ? end : at + max
          while (at < least && at < end && set[bytes[at]!] === 1) at++
          if (at < least) {
            ok = false
            break
          }
          if (at < most) {
            stack[top] = LAZY
            stack[top + 1] = pc
            stack[top + 2] = at
            stack[top + 3] = most
            top += FRAME
          }
          pc += 4
          break
        }
        case OP.ASSERT:
          ok = holds(code[pc + 1]!, bytes, start, end, from, at)
          pc += 2
          break
        case OP.MARK:
        case OP.CAPTURE: {
          const capture = code[pc] === OP.CAPTURE
          const slot = capture ? 2 * code[pc + 1]! : code[pc + 1]!
          stack[top] = RESTORE
          stack[top + 1] = slot
          stack[top + 2] = slots[slot]!
          top += FRAME
          if (capture) {
            stack[top] = RESTORE
            stack[top + 1] = slot + 1
            stack[top + 2] = slots[slot + 1]!
            top += FRAME
            slots[slot] = slots[code[pc + 2]!]!
            slots[slot + 1] = at
          } else {
            slots[slot] = at
          }
          pc += capture ? 3 : 2
          break
        }
        case OP.BACKREFERENCE: {
          const begin = slots[2 * code[pc + 1]!]!
          const length = slots[2 * code[pc + 1]! + 1]! - begin
          ok = begin >= 0 && length <= end - at && same(bytes, begin, at, length, code[pc + 2] === 1)
          if (ok) {
            at += length
            this.#work -= length >> 3
          }
          pc += 3
          break
        }
        case OP.EMPTY:
          pc = slots[code[pc + 1]!] === at ? code[pc + 2]! : pc + 3
          break
        case OP.BARRIER:
          stack[top] = BARRIER
          stack[top + 1] = code[pc + 1]!
          stack[top + 2] = at
          stack[top + 3] = barrier
          barrier = top
          top += FRAME
          pc += 2
          break
        case OP.COMMIT:
        case OP.COMMIT_LOOK: {
          if (code[pc] === OP.COMMIT_LOOK) at = stack[barrier + 2]!
          const outside = stack[barrier + 3]!
          // What restores groups stays: it is needed when something before the barrier is tried again.
          let kept = barrier
          for (let frame = barrier + FRAME; frame < top; frame += FRAME) {
            if (stack[frame] !== RESTORE) continue
            stack.copyWithin(kept, frame, frame + FRAME)
            kept += FRAME
          }
          this.#work -= (top - barrier) >> 4
          top = kept
          barrier = outside
          pc += 1
          break
        }
        case OP.COMMIT_FAIL:
          while (top > barrier + FRAME) {
            top -= FRAME
            if (stack[top] === RESTORE) slots[stack[top + 1]!] = stack[top + 2]!
          }
          top = barrier
          barrier = stack[top + 3]!
          ok = false
          break
        case OP.BACK:
          ok = at - start >= code[pc + 1]!
          at -= code[pc + 1]!
          pc += 2
          break
        default: // OP.MATCH
          this.matchStart = slots[MATCH_START]! < 0 ? origin : slots[MATCH_START]!
          this.matchEnd = at
          return REGEX_MATCH
      }
      if (ok) continue

      // Back to the last thing that can be tried otherwise.
      for (;;) {
        if (top === 0) return REGEX_NO_MATCH
        top -= FRAME
        const kind = stack[top]!
        if (kind === RESTORE) {
          slots[stack[top + 1]!] = stack[top + 2]!
          continue
        }
        if (--steps < 0 || --this.#work < 0) return REGEX_LIMIT
        pc = stack[top + 1]!
        at = stack[top + 2]!
        if (kind === TRY) break
        if (kind === BARRIER) {
          barrier = stack[top + 3]!
          if (pc >= 0) break
        } else if (kind === GREEDY) {
          const least = at
          at = stack[top + 3]! - 1
          // Only places where the byte to come is there are worth a try.
          if (code[pc] === OP.BYTE) {
            const byte = code[pc + 1]!
            const before = at
            while (at >= least && (at >= end || bytes[at] !== byte)) at--
            this.#work -= (before - at) >> 3
            if (at < least) continue
          }
          if (at > least) {
            stack[top + 3] = at
            top += FRAME
          }
          break
        } else {
          // LAZY: one byte more, then on after the repetition.
          const most = stack[top + 3]!
          if (sets[code[pc + 1]!]![bytes[at]!] !== 1) continue
          at++
          if (code[pc + 4] === OP.BYTE) {
            const set = sets[code[pc + 1]!]!
            const byte = code[pc + 5]!
            const before = at
            while (at < most && bytes[at] !== byte && set[bytes[at]!] === 1) at++
            this.#work -= (at - before) >> 3
          }
          if (at < most) {
            stack[top + 2] = at
            top += FRAME
          }
          pc += 4
          break
        }
      }
    }
  }
}

function holds(
  assertion: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  from: number,
  at: number,
): boolean {
  switch (assertion) {
    case ASSERT_SUBJECT_START:
      return at === start
    case ASSERT_LINE_START:
      // Not after a newline that ends the subject.
      return at === start || (at < end && bytes[at - 1] === 0x0a)
    case ASSERT_SUBJECT_END:
      return at === end
    case ASSERT_LAST_LINE_END:
      return at === end || (at === end - 1 && bytes[at] === 0x0a)
    case ASSERT_LINE_END:
      return at === end || bytes[at] === 0x0a
    case ASSERT_WORD:
    case ASSERT_NO_WORD: {
      const before = at > start ? WORD[bytes[at - 1]!]! : 0
      const after = at < end ? WORD[bytes[at]!]! : 0
      return (before !== after) === (assertion === ASSERT_WORD)
    }
    default: // search-start
      return at === from
  }
}

function same(bytes: Uint8Array, a: number, b: number, length: number, caseless: boolean): boolean {
  for (let index = 0; index < length; index++) {
    const x = bytes[a + index]!
    const y = bytes[b + index]!
    if (x === y) continue
    const folded = x | 0x20
    if (!caseless || folded !== (y | 0x20) || folded < 0x61 || folded > 0x7a) return false
  }
  return true
}

function holdsAny(set: ByteSet, bytes: Uint8Array, from: number, end: number): boolean {
  for (let at = from; at < end; at++) if (set[bytes[at]!] === 1) return true
  return false
}
