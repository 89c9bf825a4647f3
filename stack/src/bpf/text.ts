/**
 * Programs as text, the form of `tcpdump -ddd`: a line with the number of instructions, then one line each with code, jt,
 * jf and k in decimal.
 */
import { BpfError } from './error.js'
import { WORDS } from './instruction.js'

const LARGEST = [0xffff, 0xff, 0xff, 0xffff_ffff] as const

/** No filter expression consists of numbers alone, on a line each. */
export function looksLikeProgram(text: string): boolean {
  return /^\s*\d+\s*[\r\n]+\s*\d+ +\d+ +\d+ +\d+\s*([\r\n]|$)/.test(text)
}

/** Reads a program's words from text. @throws BpfError 'program', naming the line */
export function parseProgram(text: string): Uint32Array<ArrayBuffer> {
  const lines = text.trim().split(/\s*\n\s*/)
  const count = /^\d+$/.test(lines[0]!) ? Number(lines[0]) : Number.NaN
  if (count !== lines.length - 1) {
    throw new BpfError('program', `a BPF program begins with the number of its lines, not '${lines[0]}'`)
  }
  const words = new Uint32Array(count * WORDS)
  for (let i = 0; i < count; i++) {
    const fields = lines[i + 1]!.split(/ +/)
    const good =
      fields.length === WORDS &&
      fields.every((field, j) => /^\d{1,10}$/.test(field) && Number(field) <= LARGEST[j]!)
    if (!good) throw new BpfError('program', `line ${i + 2}: not a BPF instruction: '${lines[i + 1]}'`)
    fields.forEach((field, j) => {
      words[i * WORDS + j] = Number(field)
    })
  }
  return words
}

/** The text of a program's words. */
export function formatProgram(words: Uint32Array): string {
  const count = words.length / WORDS
  const lines = Array.from({ length: count }, (_, i) => words.subarray(i * WORDS, (i + 1) * WORDS).join(' '))
  return `${[count, ...lines].join('\n')}\n`
}
