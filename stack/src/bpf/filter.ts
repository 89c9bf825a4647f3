/** A filter for packets of any link type: captures may hold several. */
import { type CompileOptions, compileBpf } from './compile.js'
import { BpfError } from './error.js'
import type { BpfProgram } from './program.js'
import { looksLikeProgram } from './text.js'

/** What takes a filter takes either. */
export type FilterInput = string | BpfFilter

/** Tried in this order to see whether an expression is one at all: Ethernet, raw IP, 802.11 with radiotap header. */
const COMMON_LINK_TYPES = [1, 101, 127] as const

/**
 * An expression and its programs, one per link type, compiled when a packet of it is first seen. A compiled program
 * given instead of an expression is for one link type: that of the first packet.
 */
export class BpfFilter {
  readonly expression: string
  private readonly options: CompileOptions
  private readonly precompiled: boolean
  private readonly programs = new Map<number, BpfProgram>()
  private lastType = -1
  private lastProgram: BpfProgram | undefined

  /** @throws BpfError when the expression makes no sense for any common link type: it is compiled at once */
  constructor(expression: string, options: CompileOptions = {}) {
    this.expression = expression
    this.options = options
    this.precompiled = looksLikeProgram(expression)
    let complaint: unknown
    for (const linkType of COMMON_LINK_TYPES) {
      try {
        const program = compileBpf(expression, linkType, options)
        if (!this.precompiled) this.programs.set(linkType, program)
        return
      } catch (error) {
        complaint ??= error
      }
    }
    throw complaint
  }

  /**
   * Whether the packet in `buffer[offset, offset + capturedLength)` matches.
   * @throws BpfError when the expression makes no sense for a link type not met before
   */
  matches(
    buffer: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    linkType: number,
  ): boolean {
    const program = linkType === this.lastType ? this.lastProgram! : this.program(linkType)
    return program.run(buffer, offset, capturedLength, wireLength) !== 0
  }

  /** The program for a link type, compiled when first asked for. @throws BpfError as `matches` */
  program(linkType: number): BpfProgram {
    let program = this.programs.get(linkType)
    if (program === undefined) {
      if (this.precompiled && this.programs.size > 0) {
        const known = [...this.programs.keys()].join()
        throw new BpfError(
          'program',
          `a compiled filter is for one link type: this one met ${known}, now ${linkType}`,
        )
      }
      program = compileBpf(this.expression, linkType, this.options)
      this.programs.set(linkType, program)
    }
    this.lastType = linkType
    this.lastProgram = program
    return program
  }
}

/** The filter for an expression, or the filter itself. @throws BpfError when the expression is wrong */
export function bpfFilter(input: FilterInput): BpfFilter {
  return typeof input === 'string' ? new BpfFilter(input) : input
}
