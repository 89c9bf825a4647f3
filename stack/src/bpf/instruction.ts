/**
 * The BPF machine: encoding of its instructions (McCanne and Jacobson, "The BSD Packet Filter", and the MOD and XOR that
 * libpcap and Linux added). A program is an array of words, four per instruction: code, jt, jf, k.
 */

export const WORDS = 4

/** Bits 0-2 of the code. */
export const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, RET: 6, MISC: 7 } as const
export const CLASS_MASK = 0x07

/** LD and LDX: bits 3-4, how much. */
export const SIZE = { W: 0x00, H: 0x08, B: 0x10 } as const
export const SIZE_MASK = 0x18

/** LD and LDX: bits 5-7, from where. */
export const MODE = { IMM: 0x00, ABS: 0x20, IND: 0x40, MEM: 0x60, LEN: 0x80, MSH: 0xa0 } as const
export const MODE_MASK = 0xe0

/** ALU: bits 4-7. */
export const ALU = {
  ADD: 0x00,
  SUB: 0x10,
  MUL: 0x20,
  DIV: 0x30,
  OR: 0x40,
  AND: 0x50,
  LSH: 0x60,
  RSH: 0x70,
  NEG: 0x80,
  MOD: 0x90,
  XOR: 0xa0,
} as const

/** JMP: bits 4-7. */
export const JUMP = { JA: 0x00, JEQ: 0x10, JGT: 0x20, JGE: 0x30, JSET: 0x40 } as const
export const OPERATION_MASK = 0xf0

/** ALU and JMP: bit 3, the operand is X instead of k. */
export const SOURCE_X = 0x08

/** RET: bits 3-4, value k or A. */
export const RET_A = 0x10

/** MISC: the code's upper bits. */
export const MISC = { TAX: 0x00, TXA: 0x80 } as const
export const MISC_MASK = 0xf8

/** Scratch memory, words. */
export const MEMORY_WORDS = 16

/** Most instructions a kernel takes (BPF_MAXINSNS). */
export const MAX_INSTRUCTIONS = 4096
