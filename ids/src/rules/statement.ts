/**
 * A statement: one rule or one directive, its lines joined, that remembers where every character came from.
 */
import type { SourcePosition, TextRun } from './model.js'

export class Statement {
  /** One character per byte of the file. */
  readonly text: string
  readonly file: string
  readonly runs: readonly TextRun[]
  private readonly multibyte: boolean

  /** @param multibyte the file is UTF-8 with characters of several bytes, which columns count as one */
  constructor(file: string, text: string, runs: readonly TextRun[], multibyte: boolean) {
    this.file = file
    this.text = text
    this.runs = runs
    this.multibyte = multibyte
  }

  get line(): number {
    return this.runs[0]!.line
  }

  position(offset: number): SourcePosition {
    const { runs } = this
    let low = 0
    let high = runs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (runs[middle]!.offset <= offset) low = middle
      else high = middle - 1
    }
    const run = runs[low]!
    let column = run.column + offset - run.offset
    if (this.multibyte) {
      for (let i = run.offset; i < offset; i++) if ((this.text.charCodeAt(i) & 0xc0) === 0x80) column--
    }
    return { file: this.file, line: run.line, column }
  }
}

export function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 11 || code === 12
}
