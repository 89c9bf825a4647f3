/**
 * Checks a BPF program the way the Linux kernel does before it accepts one (net/core/filter.c documents the rules; also
 * bpf_validate of libpcap): every instruction is known, jumps lead forward to an instruction, scratch memory is indexed
 * within its 16 words and read only where every path has written it, constants do not divide by zero or shift by more
 * than 31, and the last instruction returns.
 *
 * One thing is allowed that a kernel refuses, as in libpcap: an unconditional jump back, which `protochain` needs to walk
 * along headers. Who runs the program limits these jumps; all others end after at most as many steps as they have
 * instructions.
 */
import { BpfError } from './error.js'
import {
  ALU,
  CLASS,
  CLASS_MASK,
  JUMP,
  MAX_INSTRUCTIONS,
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

/**
 * Loads from here up (negative as int32) address no packet: the kernel answers them with things it knows besides the
 * bytes (SKF_AD_OFF, SKF_NET_OFF, SKF_LL_OFF).
 */
const KERNEL_OFFSET = 0xffe0_0000

/**
 * @returns whether the program jumps back somewhere
 * @throws BpfError 'program', naming the instruction
 */
export function verifyProgram(words: Uint32Array): boolean {
  const count = words.length / WORDS
  if (!Number.isInteger(count) || count < 1) throw new BpfError('program', 'the BPF program is empty or cut')
  if (count > MAX_INSTRUCTIONS) {
    throw new BpfError('program', `the BPF program has ${count} instructions, more than ${MAX_INSTRUCTIONS}`)
  }
  for (let pc = 0; pc < count; pc++) {
    const complaint = complaintAbout(words, pc, count)
    if (complaint !== '') throw new BpfError('program', `BPF instruction ${pc}: ${complaint}`)
  }
  if ((words[(count - 1) * WORDS]! & CLASS_MASK) !== CLASS.RET) {
    throw new BpfError('program', 'the BPF program does not end with a return')
  }
  return verifyMemory(words, count)
}

/** What is wrong with one instruction by itself, or ''. */
function complaintAbout(words: Uint32Array, pc: number, count: number): string {
  const code = words[pc * WORDS]!
  const k = words[pc * WORDS + 3]!
  const known = isKnown(code)
  if (!known) return `unknown code 0x${code.toString(16)}`
  switch (code & CLASS_MASK) {
    case CLASS.LD:
    case CLASS.LDX:
      if ((code & MODE_MASK) === MODE.MEM) return memoryComplaint(k)
      if ((code & MODE_MASK) === MODE.ABS && k >= KERNEL_OFFSET) {
        return 'asks for what only a kernel knows (inbound, outbound, the tag it took off), not for bytes of the packet'
      }
      return ''
    case CLASS.ST:
    case CLASS.STX:
      return memoryComplaint(k)
    case CLASS.ALU:
      return (code & SOURCE_X) !== 0 ? '' : constantComplaint(code & OPERATION_MASK, k)
    case CLASS.JMP:
      return jumpComplaint(words, pc, count)
    default:
      return ''
  }
}

function isKnown(code: number): boolean {
  const operation = code & OPERATION_MASK
  const size = code & SIZE_MASK
  const mode = code & MODE_MASK
  if (code > 0xff) return false
  switch (code & CLASS_MASK) {
    case CLASS.LD:
      if (mode === MODE.ABS || mode === MODE.IND) return size !== SIZE_MASK
      return (mode === MODE.IMM || mode === MODE.MEM || mode === MODE.LEN) && size === SIZE.W
    case CLASS.LDX:
      if (mode === MODE.MSH) return size === SIZE.B
      return (mode === MODE.IMM || mode === MODE.MEM || mode === MODE.LEN) && size === SIZE.W
    case CLASS.ST:
    case CLASS.STX:
      return (code & ~CLASS_MASK) === 0
    case CLASS.ALU:
      return operation <= ALU.XOR && (operation !== ALU.NEG || (code & SOURCE_X) === 0)
    case CLASS.JMP:
      return operation <= JUMP.JSET && (operation !== JUMP.JA || (code & SOURCE_X) === 0)
    case CLASS.RET:
      return (code & ~CLASS_MASK) === 0 || (code & ~CLASS_MASK) === RET_A
    default:
      return (code & MISC_MASK) === MISC.TAX || (code & MISC_MASK) === MISC.TXA
  }
}

function memoryComplaint(k: number): string {
  return k < MEMORY_WORDS ? '' : `scratch memory has ${MEMORY_WORDS} words, not ${k + 1}`
}

function constantComplaint(operation: number, k: number): string {
  if ((operation === ALU.DIV || operation === ALU.MOD) && k === 0) return 'divides by zero'
  if ((operation === ALU.LSH || operation === ALU.RSH) && k > 31) return `shifts by ${k} bits`
  return ''
}

function jumpComplaint(words: Uint32Array, pc: number, count: number): string {
  const at = pc * WORDS
  const left = count - pc - 1
  const always = (words[at]! & OPERATION_MASK) === JUMP.JA
  const longest = always ? words[at + 3]! | 0 : Math.max(words[at + 1]!, words[at + 2]!)
  return longest < left && pc + 1 + longest >= 0 ? '' : 'jumps out of the program'
}

/**
 * Every word of scratch memory is read only where every path has written it. One pass: a jump back must bring along what
 * the paths forward to its target had written.
 * @returns whether there is a jump back
 */
function verifyMemory(words: Uint32Array, count: number): boolean {
  /** Per instruction: the words that are written on all paths seen to lead there. */
  const written = new Uint16Array(count).fill(0xffff)
  written[0] = 0
  let now = 0
  let loops = false
  for (let pc = 0; pc < count; pc++) {
    const at = pc * WORDS
    const code = words[at]!
    const k = words[at + 3]!
    now &= written[pc]!
    written[pc] = now
    switch (code & CLASS_MASK) {
      case CLASS.ST:
      case CLASS.STX:
        now |= 1 << k
        break
      case CLASS.LD:
      case CLASS.LDX:
        if ((code & MODE_MASK) === MODE.MEM && (now & (1 << k)) === 0) {
          throw new BpfError('program', `BPF instruction ${pc}: reads memory word ${k} before it is written`)
        }
        break
      case CLASS.JMP: {
        const always = (code & OPERATION_MASK) === JUMP.JA
        const target = pc + 1 + (always ? k | 0 : words[at + 1]!)
        if (target <= pc) {
          loops = true
          if ((written[target]! & ~now) !== 0) {
            throw new BpfError('program', `BPF instruction ${pc}: jumps back past writes to memory`)
          }
        } else written[target] &= now
        if (!always) written[pc + 1 + words[at + 2]!] &= now
        // The next instruction is reached by jumps only.
        now = 0xffff
        break
      }
      case CLASS.RET:
        now = 0xffff
    }
  }
  return loops
}
