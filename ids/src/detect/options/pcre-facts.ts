/**
 * What must be true of every subject a regular expression matches: the literals it holds.
 *
 * In: the text of an expression. Out: a test that lets most attempts be left out, and a fast pattern for rules that have
 * nothing better. Wrong only on the safe side: an expression the parser does not know has no literal.
 */
import type { RegexFlags } from '../../match/matcher.js'
import { parseRegex } from '../../match/regex-parse.js'
import type { ByteSet, Node } from '../../match/regex-syntax.js'
import type { PcreOption } from '../../rules/model.js'
import { FOLD } from '../search.js'
import { type RunTest, runTestOf } from './pcre-run.js'

export interface PcreFacts {
  /** Runs of at least two bytes, ASCII lower case, that every match holds in some case. */
  readonly literals: readonly Uint8Array[]
  /** To be tried before the expression; undefined = not worth it. */
  readonly runTest: RunTest | undefined
}

const UNKNOWN: PcreFacts = { literals: [], runTest: undefined }
/** A longer literal says no more. */
const LONGEST_LITERAL = 32
const TELLING_LITERAL = 3

const known = new WeakMap<PcreOption, PcreFacts>()

export function pcreFacts(option: PcreOption): PcreFacts {
  let facts = known.get(option)
  if (facts === undefined) {
    facts = factsOf(option.pattern, option.flags)
    known.set(option, facts)
  }
  return facts
}

function factsOf(pattern: string, flags: RegexFlags): PcreFacts {
  let root: Node
  try {
    root = parseRegex(pattern, flags).root
  } catch {
    return UNKNOWN
  }
  const runs = new LiteralRuns()
  runs.visit(root)
  runs.end()
  // Engines find literals fast by themselves.
  const telling = runs.found.some((literal) => literal.length >= TELLING_LITERAL)
  return {
    literals: runs.found,
    runTest: telling ? undefined : runTestOf(root),
  }
}

/** The one byte, folded, that a set stands for, or -1. */
function singleByte(set: ByteSet): number {
  let found = -1
  for (let byte = 0; byte < 256; byte++) {
    if (set[byte] === 0) continue
    const folded = FOLD[byte]!
    if (found >= 0 && found !== folded) return -1
    found = folded
  }
  return found
}

/** Collects the runs of single bytes that stand one after the other in every match. */
class LiteralRuns {
  readonly found: Uint8Array[] = []
  #run: number[] = []

  visit(node: Node): void {
    switch (node.kind) {
      case 'empty':
      case 'look':
      case 'assert':
        return
      case 'set': {
        const byte = singleByte(node.set)
        if (byte < 0) this.end()
        else this.#run.push(byte)
        return
      }
      case 'sequence':
        for (const item of node.items) this.visit(item)
        return
      case 'capture':
      case 'atomic':
        this.visit(node.body)
        return
      case 'repeat':
        this.#repeat(node.body, node.min, node.max)
        return
      case 'alternation':
      case 'backreference':
        this.end()
    }
  }

  end(): void {
    if (this.#run.length > 1) this.found.push(Uint8Array.from(this.#run.slice(0, LONGEST_LITERAL)))
    this.#run = []
  }

  #repeat(body: Node, min: number, max: number): void {
    const copies = Math.min(min, LONGEST_LITERAL)
    for (let i = 0; i < copies; i++) this.visit(body)
    if (min === 0 || min !== max || copies < min) this.end()
  }
}
