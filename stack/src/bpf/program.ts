/** A filter for packets of one link type. */
import { executable } from './generate.js'
import { WORDS } from './instruction.js'
import { type BpfFunction, interpreter } from './interpret.js'
import { verifyProgram } from './verify.js'

export class BpfProgram {
  /** Four per instruction: code, jt, jf, k. Not to be changed. */
  readonly words: Uint32Array<ArrayBuffer>
  /** What the program returns for a packet: how many bytes to keep of it, 0 when it does not match. */
  readonly run: BpfFunction
  /** It jumps back: a kernel would not take it. Expressions with `protochain` become such programs. */
  readonly loops: boolean

  /** @throws BpfError 'program' when `words` does not pass `verifyProgram` */
  constructor(words: Uint32Array<ArrayBuffer>) {
    this.loops = verifyProgram(words)
    this.words = words
    this.run = this.loops ? interpreter(words) : executable(words)
  }

  /** Number of instructions. */
  get length(): number {
    return this.words.length / WORDS
  }

  /**
   * Whether the packet in `buffer[offset, offset + capturedLength)` matches. Bytes beyond it are not looked at; a program
   * that asks for them does not match.
   */
  matches(buffer: Uint8Array, offset: number, capturedLength: number, wireLength: number): boolean {
    return this.run(buffer, offset, capturedLength, wireLength) !== 0
  }
}
