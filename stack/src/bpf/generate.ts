/**
 * Turns a verified BPF program into a JavaScript function: several times as fast as interpreting it.
 *
 * Jumps lead forward only, so every target becomes the end of a labelled block and every jump a `break` out of it. The
 * text is made from numbers of the verified program alone.
 */
import {
  ALU,
  CLASS,
  CLASS_MASK,
  JUMP,
  MISC,
  MISC_MASK,
  MODE,
  MODE_MASK,
  OPERATION_MASK,
  RET_A,
  SIZE,
  SIZE_MASK,
  SOURCE_X,
  WORDS,
} from './instruction.js'
import { type BpfFunction, interpreter } from './interpret.js'

/** Nested blocks a JavaScript parser is asked to take; programs with more jump targets are interpreted. */
const MAX_BLOCKS = 400

/**
 * The fastest way to run `words`: generated code, or the interpreter where code must not be generated
 * (--disallow-code-generation-from-strings) or the program branches too much.
 * @param words a program that `verifyProgram` accepts, without jumps back
 */
export function executable(words: Uint32Array): BpfFunction {
  const source = generate(words)
  if (source === undefined) return interpreter(words)
  try {
    return new Function('b', 'o', 'n', 'w', source) as BpfFunction
  } catch (error) {
    if (error instanceof EvalError) return interpreter(words)
    throw error
  }
}

/** Body of a function of b (buffer), o (offset), n (captured length), w (wire length); undefined when it nests too deep. */
export function generate(words: Uint32Array): string | undefined {
  const count = words.length / WORDS
  const targets = jumpTargets(words, count)
  const blocks = targets.reduce((sum, is) => sum + is, 0)
  if (blocks > MAX_BLOCKS) return undefined
  let open = ''
  let body = ''
  for (let pc = 0; pc < count; pc++) {
    if (targets[pc] !== 0) {
      open = `L${pc}:{${open}`
      body += '}\n'
    }
    body += statement(words, pc)
  }
  const memory = Array.from({ length: 16 }, (_, i) => `m${i}=0`).join(',')
  return `'use strict';let a=0,x=0,i=0,${memory};\n${open}${body}`
}

/** 1 where a jump leads that is not just to the next instruction. */
function jumpTargets(words: Uint32Array, count: number): Uint8Array {
  const targets = new Uint8Array(count)
  for (let pc = 0; pc < count; pc++) {
    const at = pc * WORDS
    if ((words[at]! & CLASS_MASK) !== CLASS.JMP) continue
    const always = (words[at]! & OPERATION_MASK) === JUMP.JA
    const distances = always ? [words[at + 3]!] : [words[at + 1]!, words[at + 2]!]
    for (const distance of distances) if (distance > 0) targets[pc + 1 + distance] = 1
  }
  return targets
}

function statement(words: Uint32Array, pc: number): string {
  const at = pc * WORDS
  const code = words[at]!
  const k = words[at + 3]!
  switch (code & CLASS_MASK) {
    case CLASS.LD:
      return loadStatement(code, k)
    case CLASS.LDX:
      if ((code & MODE_MASK) === MODE.MSH) return `if(${k}>=n)return 0;x=(b[o+${k}]&15)<<2;\n`
      return `x=${simpleValue(code & MODE_MASK, k)};\n`
    case CLASS.ST:
      return `m${k}=a;\n`
    case CLASS.STX:
      return `m${k}=x;\n`
    case CLASS.ALU:
      return aluStatement(code, k)
    case CLASS.JMP:
      return jumpStatement(words, pc)
    case CLASS.RET:
      return (code & ~CLASS_MASK) === RET_A ? 'return a>>>0;\n' : `return ${k};\n`
    default:
      return (code & MISC_MASK) === MISC.TAX ? 'x=a;\n' : 'a=x;\n'
  }
}

function simpleValue(mode: number, k: number): string {
  return mode === MODE.IMM ? `${k | 0}` : mode === MODE.MEM ? `m${k}` : 'w|0'
}

function loadStatement(code: number, k: number): string {
  const mode = code & MODE_MASK
  if (mode !== MODE.ABS && mode !== MODE.IND) return `a=${simpleValue(mode, k)};\n`
  const size = code & SIZE_MASK
  const length = size === SIZE.W ? 4 : size === SIZE.H ? 2 : 1
  if (mode === MODE.ABS) return `if(${k + length}>n)return 0;${bytesAt(size, `o+${k}`)}`
  return `i=(x>>>0)+${k};if(i+${length}>n)return 0;i+=o;${bytesAt(size, 'i')}`
}

function bytesAt(size: number, at: string): string {
  if (size === SIZE.B) return `a=b[${at}];\n`
  if (size === SIZE.H) return `a=b[${at}]<<8|b[${at}+1];\n`
  return `a=b[${at}]<<24|b[${at}+1]<<16|b[${at}+2]<<8|b[${at}+3];\n`
}

function aluStatement(code: number, k: number): string {
  const byX = (code & SOURCE_X) !== 0
  const operand = byX ? 'x' : `${k | 0}`
  const unsigned = byX ? '(x>>>0)' : `${k}`
  const guard = byX ? 'if(x===0)return 0;' : ''
  switch (code & OPERATION_MASK) {
    case ALU.ADD:
      return `a=a+(${operand})|0;\n`
    case ALU.SUB:
      return `a=a-(${operand})|0;\n`
    case ALU.MUL:
      return `a=Math.imul(a,${operand});\n`
    case ALU.DIV:
      return `${guard}a=(a>>>0)/${unsigned}|0;\n`
    case ALU.MOD:
      return `${guard}a=(a>>>0)%${unsigned}|0;\n`
    case ALU.OR:
      return `a|=${operand};\n`
    case ALU.AND:
      return `a&=${operand};\n`
    case ALU.XOR:
      return `a^=${operand};\n`
    case ALU.LSH:
      return byX ? 'a=x>>>0>31?0:a<<x;\n' : `a<<=${k};\n`
    case ALU.RSH:
      return byX ? 'a=x>>>0>31?0:a>>>x|0;\n' : `a=a>>>${k}|0;\n`
    default:
      return 'a=-a|0;\n'
  }
}

function jumpStatement(words: Uint32Array, pc: number): string {
  const at = pc * WORDS
  const code = words[at]!
  const k = words[at + 3]!
  const goTo = (distance: number): string => (distance === 0 ? '' : `break L${pc + 1 + distance};`)
  const operation = code & OPERATION_MASK
  if (operation === JUMP.JA) return `${goTo(k)}\n`
  const yes = goTo(words[at + 1]!)
  const no = goTo(words[at + 2]!)
  if (yes === no) return `${yes}\n`
  const condition = conditionOf(operation, (code & SOURCE_X) !== 0, k)
  if (yes === '') return `if(!(${condition})){${no}}\n`
  return `if(${condition}){${yes}}${no}\n`
}

function conditionOf(operation: number, byX: boolean, k: number): string {
  switch (operation) {
    case JUMP.JEQ:
      return byX ? 'a===x' : `a===${k | 0}`
    case JUMP.JGT:
      return byX ? 'a>>>0>x>>>0' : `a>>>0>${k}`
    case JUMP.JGE:
      return byX ? 'a>>>0>=x>>>0' : `a>>>0>=${k}`
    default:
      return byX ? '(a&x)!==0' : `(a&${k | 0})!==0`
  }
}
