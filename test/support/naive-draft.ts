/**
 * A random rule while it is written: what has been written, and where its cursor stands if everything so far has matched
 * where it was taken from. The families of options are written by functions on it (`naive-writer`, `naive-bytes`,
 * `naive-tests`).
 */
import { below, chance, pick, type Random, type Talk, type Turn } from './naive-traffic.js'

export type Dialect = 'snort2' | 'snort3'

export const TO_SERVER = 'flow:to_server;'
export const TO_CLIENT = 'flow:to_client;'

/** Only requests have them: on a response they are those of the request answered. */
const ASKED = /^http_(?:uri|raw_uri|method|raw_request|true_ip|param)\b/

export class RuleDraft {
  readonly random: Random
  readonly talk: Talk
  readonly turn: Turn
  readonly dialect: Dialect
  readonly options: string[] = []
  /** What plain options look at. */
  sticky = 'pkt_data'
  cursor = 0
  cursorBuffer: string | undefined
  /** What `base64_decode` would have given. */
  base64: Uint8Array | undefined
  readonly variables: { readonly name: string; readonly value: number }[] = []
  fastPattern = false
  positive = false
  /** It asks about the packet, so it is for packets. */
  aboutPacket = false

  constructor(random: Random, talk: Talk, turn: Turn, dialect: Dialect) {
    this.random = random
    this.talk = talk
    this.turn = turn
    this.dialect = dialect
  }

  get snort3(): boolean {
    return this.dialect === 'snort3'
  }

  get http(): boolean {
    return this.talk.kind === 'http'
  }

  /** In Snort 3, rules for responses may name the request's buffers. */
  get asks(): boolean {
    return this.snort3 && this.options[0] === TO_CLIENT && this.turn.asked !== undefined
  }

  /** Names of all that is there to look at. */
  get present(): string[] {
    const asked = this.asks ? [...this.turn.asked!.buffers.keys()].filter((name) => ASKED.test(name)) : []
    return [...this.turn.buffers.keys(), ...asked]
  }

  push(option: string): void {
    this.options.push(option)
  }

  chance(probability: number): boolean {
    return chance(this.random, probability)
  }

  below(limit: number): number {
    return below(this.random, limit)
  }

  pick<T>(list: readonly T[]): T {
    return pick(this.random, list)
  }

  bytesOf(buffer: string): Uint8Array {
    if (buffer === 'base64_data') return this.base64 ?? new Uint8Array(0)
    const body = this.http && this.snort3 && buffer === 'pkt_data'
    const seen = this.asks && ASKED.test(buffer) ? this.turn.asked : undefined
    return (seen ?? this.turn).buffers.get(body ? 'file_data' : buffer) ?? new Uint8Array(0)
  }

  moveTo(buffer: string, cursor: number): void {
    this.cursorBuffer = buffer
    this.cursor = cursor
  }

  /** Counting from the cursor makes sense in the buffer it stands in; elsewhere it is done now and then. */
  isRelative(buffer: string): boolean {
    return this.chance(this.cursorBuffer === buffer ? 0.65 : 0.08)
  }

  originIn(buffer: string, relative: boolean): number {
    return relative && this.cursorBuffer === buffer ? this.cursor : 0
  }

  /** In Snort 2, a relative option looks where the cursor is, any other in the sticky buffer. */
  get plainBuffer(): string {
    return this.snort3 ? this.sticky : (this.cursorBuffer ?? this.sticky)
  }

  /** The number, or one beside it. */
  near(value: number): number {
    return this.chance(0.7) ? value : value + this.below(5) - 2
  }

  newVariable(value: number): string {
    const name = `v${this.variables.length}`
    this.variables.push({ name, value })
    return name
  }

  /** A number as an option may give it: now and then by a variable that (nearly) has this value. */
  operand(value: number): string {
    const { variables } = this
    const known = variables.filter((variable) => Math.abs(variable.value - value) <= 2)
    if (known.length > 0 && this.chance(0.6)) return this.pick(known).name
    if (variables.length > 0 && this.chance(0.1)) return this.pick(variables).name
    return String(value)
  }

  /** A comparison that holds for the number, or nearly. `ranges`: of those the option has. */
  test(value: number, ranges: readonly string[] = this.snort3 ? ['<>', '<=>'] : ['<>']): string {
    const near = Math.max(1, this.near(value))
    // With one end on the number, ranges that hold their ends differ from those that do not.
    const range = (low: number, high: number): string[] =>
      ranges.length === 0 ? [] : [`${Math.max(0, low)}${this.pick(ranges)}${high}`]
    return this.pick([
      ...[`${near}`, `<${near + 1}`, `>${near - 1}`, `<=${near}`, `>=${near}`],
      ...range(near - 1 - this.below(2), near),
      ...range(near, near + 1 + this.below(2)),
      ...range(near - 1, near + 1),
    ])
  }
}

/** A pattern in quotes: text where that is plain, hex elsewhere. */
export function literal(pattern: Uint8Array): string {
  return Array.from(pattern, (byte) => {
    const letter = String.fromCharCode(byte)
    return /[a-zA-Z0-9/=.?-]/.test(letter) ? letter : `|${byte.toString(16).padStart(2, '0')}|`
  }).join('')
}
