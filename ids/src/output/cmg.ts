/** The cmg format: the one-line alert, the packet's headers, and the inspected bytes as a hex dump. */
import type { AlertRecord } from './alert.js'
import { FastFormatter } from './fast.js'
import type { AlertFormatter, FormatOptions } from './formatter.js'
import { headerLines } from './header-lines.js'
import type { PacketFacts } from './packet-facts.js'

const PER_LINE = 16
const RULER = '- - - - - - - - - - - -  - - - - - - - - - - - -  - - - - - - - - -'

const hexByte = (value: number): string => (value < 16 ? '0' : '') + value.toString(16).toUpperCase()

const printable = (value: number): string =>
  value >= 0x20 && value < 0x7f ? String.fromCharCode(value) : '.'

/** Sixteen bytes a line, in two groups of eight, then the same bytes as text. */
export const hexDump = (bytes: Uint8Array, start: number, end: number): string => {
  let dump = ''
  for (let line = start; line < end; line += PER_LINE) {
    let numbers = ''
    let text = ''
    for (let index = 0; index < PER_LINE; index++) {
      const gap = index === PER_LINE / 2 ? ' ' : ''
      const at = line + index
      numbers += at < end ? `${gap}${hexByte(bytes[at]!)} ` : `${gap}   `
      if (at < end) text += gap + printable(bytes[at]!)
    }
    dump += `${numbers} ${text}\n`
  }
  return dump
}

export class CmgFormatter implements AlertFormatter {
  readonly #fast: FastFormatter
  readonly #limit: number

  constructor(options: FormatOptions) {
    this.#fast = new FastFormatter(options)
    this.#limit = options.payloadLimit
  }

  format(record: AlertRecord, packet: PacketFacts | undefined): string {
    const size = record.payloadEnd - record.payloadStart
    const end = record.payloadStart + Math.min(size, this.#limit)
    const headers = record.fromStream || packet === undefined ? '' : headerLines(packet, record.protocol)
    const name = record.fromStream ? 'stream_tcp' : 'raw'
    const cut = size > this.#limit ? ` (first ${this.#limit} shown)` : ''
    const dump = hexDump(record.payload, record.payloadStart, end)
    const payload =
      size === 0 || this.#limit === 0 ? '' : `\n${name}[${size}]${cut}:\n${RULER}\n${dump}${RULER}\n`
    return `${this.#fast.format(record, packet)}${headers}${payload}\n`
  }
}
