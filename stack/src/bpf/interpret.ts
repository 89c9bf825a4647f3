/**
 * Runs a verified BPF program instruction by instruction. Slower than generated code, and needed where that is not
 * allowed; tests hold the two against each other.
 *
 * A load that is not wholly inside the captured bytes, and a division by X = 0, reject the packet. Arithmetic is that of
 * unsigned 32-bit words; a shift by X of more than 31 bits leaves zero. Jumps back (`protochain`) are limited by the
 * length of the packet: walking along headers, of which none is shorter than eight bytes, never meets the limit.
 */
import {
  ALU,
  CLASS,
  CLASS_MASK,
  JUMP,
  MEMORY_WORDS,
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

/** What a program, once made ready, is: the value it returns for a packet, as uint32: bytes to keep, 0 for none. */
export type BpfFunction = (
  buffer: Uint8Array,
  offset: number,
  capturedLength: number,
  wireLength: number,
) => number

/** @param words a program that `verifyProgram` accepts */
export function interpreter(words: Uint32Array): BpfFunction {
  const memory = new Int32Array(MEMORY_WORDS)
  return (buffer, offset, capturedLength, wireLength) =>
    interpret(words, memory, buffer, offset, capturedLength, wireLength)
}

function interpret(
  words: Uint32Array,
  memory: Int32Array,
  buffer: Uint8Array,
  offset: number,
  capturedLength: number,
  wireLength: number,
): number {
  let a = 0
  let x = 0
  let turns = 2 + (capturedLength >>> 3)
  for (let at = 0; ; at += WORDS) {
    const code = words[at]!
    const k = words[at + 3]!
    switch (code & CLASS_MASK) {
      case CLASS.LD: {
        const mode = code & MODE_MASK
        if (mode === MODE.ABS || mode === MODE.IND) {
          const from = mode === MODE.ABS ? k : k + (x >>> 0)
          const size = code & SIZE_MASK
          const length = size === SIZE.W ? 4 : size === SIZE.H ? 2 : 1
          if (from + length > capturedLength) return 0
          a = load(buffer, offset + from, length)
        } else a = mode === MODE.IMM ? k | 0 : mode === MODE.MEM ? memory[k]! : wireLength | 0
        break
      }
      case CLASS.LDX: {
        const mode = code & MODE_MASK
        if (mode === MODE.MSH) {
          if (k >= capturedLength) return 0
          x = (buffer[offset + k]! & 0x0f) << 2
        } else x = mode === MODE.IMM ? k | 0 : mode === MODE.MEM ? memory[k]! : wireLength | 0
        break
      }
      case CLASS.ST:
        memory[k] = a
        break
      case CLASS.STX:
        memory[k] = x
        break
      case CLASS.ALU: {
        const operand = (code & SOURCE_X) !== 0 ? x : k | 0
        const operation = code & OPERATION_MASK
        if (operand === 0 && (operation === ALU.DIV || operation === ALU.MOD)) return 0
        a = compute(operation, a, operand)
        break
      }
      case CLASS.JMP: {
        const operation = code & OPERATION_MASK
        if (operation === JUMP.JA) {
          if ((k | 0) < 0 && --turns < 0) return 0
          at += (k | 0) * WORDS
        } else {
          const operand = (code & SOURCE_X) !== 0 ? x : k | 0
          at += (holds(operation, a, operand) ? words[at + 1]! : words[at + 2]!) * WORDS
        }
        break
      }
      case CLASS.RET:
        return (code & ~CLASS_MASK) === RET_A ? a >>> 0 : k
      default:
        if ((code & MISC_MASK) === MISC.TAX) x = a
        else a = x
    }
  }
}

function load(buffer: Uint8Array, at: number, length: number): number {
  if (length === 1) return buffer[at]!
  if (length === 2) return (buffer[at]! << 8) | buffer[at + 1]!
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!
}

function compute(operation: number, a: number, operand: number): number {
  switch (operation) {
    case ALU.ADD:
      return (a + operand) | 0
    case ALU.SUB:
      return (a - operand) | 0
    case ALU.MUL:
      return Math.imul(a, operand)
    case ALU.DIV:
      return ((a >>> 0) / (operand >>> 0)) | 0
    case ALU.MOD:
      return ((a >>> 0) % (operand >>> 0)) | 0
    case ALU.OR:
      return a | operand
    case ALU.AND:
      return a & operand
    case ALU.XOR:
      return a ^ operand
    case ALU.LSH:
      return operand >>> 0 > 31 ? 0 : a << operand
    case ALU.RSH:
      return operand >>> 0 > 31 ? 0 : (a >>> operand) | 0
    default:
      return -a | 0
  }
}

function holds(operation: number, a: number, operand: number): boolean {
  switch (operation) {
    case JUMP.JEQ:
      return a === operand
    case JUMP.JGT:
      return a >>> 0 > operand >>> 0
    case JUMP.JGE:
      return a >>> 0 >= operand >>> 0
    default:
      return (a & operand) !== 0
  }
}
