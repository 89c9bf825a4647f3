/**
 * Keeps packets away from detection that no rule for their ports can match: most packets of most connections.
 *
 * In: rules for single packets, those of one server port or one client port. Out: one table look-up per packet, by its
 * flags and the length of its payload. Decides nothing but speed; every rule is still held to its own bounds when it is
 * tried.
 */
import type { Packet } from '@weir/stack'
import { BUF } from '../inspect/buffers.js'
import type { TcpFlagsOption } from '../rules/model.js'
import type { CompiledRule } from './compile.js'
import { matchesFlags } from './options/header.js'

/** Payloads from here on are judged alike. */
const LONGEST = 2048
const ROW = LONGEST + 1

const TCP = 6
/** Column of packets that are not TCP; those of TCP have their flags' value. */
const NOT_TCP = 256
const COLUMNS = NOT_TCP + 1

/** Where a packet stands in tables by flags: 0 to 255 for TCP, 256 for everything else. */
export function flagsColumn(packet: Packet): number {
  return packet.protocol === TCP ? packet.tcpFlags : NOT_TCP
}

/** Which flags the rules of a set accept. Rules with the same option share a row; most accept all. */
export class FlagsTable {
  /** Row of each rule, already times the row's length. */
  readonly #rows: Int32Array
  readonly #accepts: Uint8Array

  constructor(rules: readonly CompiledRule[]) {
    const rows = new Map<string, number>([['', 0]])
    const accepts: Uint8Array[] = [new Uint8Array(COLUMNS).fill(1)]
    this.#rows = Int32Array.from(rules, ({ facts: { flags } }) => {
      const key = flags === undefined ? '' : `${flags.flags} ${flags.ignore} ${flags.match}`
      let row = rows.get(key)
      if (row === undefined) {
        row = accepts.length * COLUMNS
        rows.set(key, row)
        accepts.push(columnsOf(flags!))
      }
      return row
    })
    this.#accepts = Uint8Array.from(accepts.flatMap((row) => [...row]))
  }

  /** @param column of `flagsColumn` */
  accepts(rule: number, column: number): boolean {
    return this.#accepts[this.#rows[rule]! + column] === 1
  }
}

function columnsOf(option: TcpFlagsOption): Uint8Array {
  return Uint8Array.from({ length: COLUMNS }, (_, column) =>
    column === NOT_TCP || matchesFlags(option, column) ? 1 : 0,
  )
}

export class PacketGate {
  /** Where the row of a column of flags begins; flags that the same rules accept share a row. */
  readonly #rows = new Int32Array(COLUMNS)
  /** In each row a byte for each length: 1 = some rule may match. */
  readonly #open: Uint8Array

  constructor(rules: readonly CompiledRule[]) {
    const flagged = rules.flatMap(({ facts: { flags } }, i) =>
      flags === undefined ? [] : [[i, columnsOf(flags)] as const],
    )
    const rows = new Map<string, readonly CompiledRule[]>()
    for (let column = 0; column < COLUMNS; column++) {
      const refused = new Set(flagged.filter(([, accepts]) => accepts[column] === 0).map(([i]) => i))
      const key = [...refused].join()
      if (!rows.has(key))
        rows.set(
          key,
          rules.filter((_, i) => !refused.has(i)),
        )
      this.#rows[column] = [...rows.keys()].indexOf(key) * ROW
    }
    this.#open = new Uint8Array(rows.size * ROW)
    let row = 0
    for (const accepting of rows.values()) {
      for (const { facts } of accepting) {
        const { buffer, min, max } = facts.bounds
        const from = buffer === BUF.PKT_DATA ? Math.min(min, LONGEST) : 0
        const to = buffer === BUF.PKT_DATA ? Math.min(max, LONGEST) : LONGEST
        if (from <= to) this.#open.fill(1, row + from, row + to + 1)
      }
      row += ROW
    }
  }

  admits(packet: Packet): boolean {
    const length = packet.payloadLength
    return this.#open[this.#rows[flagsColumn(packet)]! + (length < LONGEST ? length : LONGEST)] === 1
  }
}
