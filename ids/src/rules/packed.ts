/**
 * Rules as bytes, to be kept between runs or handed to another thread.
 *
 * In: rules, and a note on each that somebody wants kept with it. Out: bytes, and from bytes rules that are equal. What
 * every start looks at (numbers, header, services) is read at once; the rest of a rule, its options above all, when it is
 * asked for, because most rules of a set are never tried. Bytes must be what `packRules` gave: they are not checked.
 */
import { deserialize, serialize } from 'node:v8'
import type { Rule, RuleHeader } from './model.js'

/** Plain data about a rule, of no meaning here; undefined = none. */
export type RuleNote = object | undefined

export interface UnpackedRules {
  readonly rules: readonly Rule[]
  readonly notes: readonly RuleNote[]
}

type Rest = Omit<Rule, 'gid' | 'sid' | 'rev' | 'priority' | 'dialect' | 'services' | 'header'>

/** Columns by rule; headers and services are few and written once. */
interface Index {
  readonly numbers: Float64Array
  readonly snort3: Uint8Array
  readonly headers: readonly RuleHeader[]
  readonly headerOf: Uint32Array
  readonly services: readonly (readonly string[])[]
  readonly servicesOf: Uint32Array
  readonly notes: readonly RuleNote[]
  /** Where the rest of rule i ends; it begins where that of the rule before ends. */
  readonly ends: Uint32Array
}

const NUMBERS = 4

export function packRules(rules: readonly Rule[], noteOf: (rule: Rule) => RuleNote): Uint8Array {
  const count = rules.length
  const numbers = new Float64Array(count * NUMBERS)
  const snort3 = new Uint8Array(count)
  const headers = new Pool<RuleHeader>(count)
  const services = new Pool<readonly string[]>(count)
  const ends = new Uint32Array(count)
  const rests: string[] = []
  let end = 0
  rules.forEach((rule, i) => {
    numbers.set([rule.gid, rule.sid, rule.rev, rule.priority], i * NUMBERS)
    snort3[i] = rule.dialect === 'snort3' ? 1 : 0
    headers.add(i, rule.header, rule.header)
    services.add(i, rule.services, rule.services.join())
    const rest = packedRest(rule)
    rests.push(rest)
    end += rest.length
    ends[i] = end
  })
  const index: Index = {
    numbers,
    snort3,
    headers: headers.items,
    headerOf: headers.of,
    services: services.items,
    servicesOf: services.of,
    notes: rules.map(noteOf),
    ends,
  }
  const head = serialize(index)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length)
  return Buffer.concat([length, head, Buffer.from(rests.join(''), 'latin1')])
}

/** @throws Error when the bytes are of something else */
export function unpackRules(bytes: Uint8Array): UnpackedRules {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const from = 4 + buffer.readUInt32LE(0)
  const index = deserialize(buffer.subarray(4, from)) as Index
  const rests = buffer.subarray(from)
  const rules: Rule[] = []
  for (let i = 0; i < index.ends.length; i++) rules.push(new PackedRule(index, i, rests))
  return { rules, notes: index.notes }
}

/** Equal items once, and which of them each rule has. */
class Pool<Item> {
  readonly items: Item[] = []
  readonly of: Uint32Array
  readonly #numbers = new Map<unknown, number>()

  constructor(count: number) {
    this.of = new Uint32Array(count)
  }

  add(rule: number, item: Item, key: unknown): void {
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.items.length
      this.items.push(item)
      this.#numbers.set(key, number)
    }
    this.of[rule] = number
  }
}

class PackedRule implements Rule {
  readonly gid: number
  readonly sid: number
  readonly rev: number
  readonly priority: number
  readonly dialect: Rule['dialect']
  readonly services: readonly string[]
  readonly header: RuleHeader
  readonly #rests: Buffer
  readonly #start: number
  readonly #end: number
  #rest: Rest | undefined

  constructor(index: Index, i: number, rests: Buffer) {
    const { numbers, ends } = index
    this.gid = numbers[i * NUMBERS]!
    this.sid = numbers[i * NUMBERS + 1]!
    this.rev = numbers[i * NUMBERS + 2]!
    this.priority = numbers[i * NUMBERS + 3]!
    this.dialect = index.snort3[i] === 1 ? 'snort3' : 'snort2'
    this.services = index.services[index.servicesOf[i]!]!
    this.header = index.headers[index.headerOf[i]!]!
    this.#rests = rests
    this.#start = i === 0 ? 0 : ends[i - 1]!
    this.#end = ends[i]!
    this.#rest = undefined
  }

  get packed(): string {
    return this.#rests.toString('latin1', this.#start, this.#end)
  }

  get rest(): Rest {
    this.#rest ??= restOf(this.packed)
    return this.#rest
  }

  get msg(): string {
    return this.rest.msg
  }

  get classtype(): string | undefined {
    return this.rest.classtype
  }

  get classText(): string | undefined {
    return this.rest.classText
  }

  get references(): Rule['references'] {
    return this.rest.references
  }

  get metadata(): Rule['metadata'] {
    return this.rest.metadata
  }

  get options(): Rule['options'] {
    return this.rest.options
  }

  get position(): Rule['position'] {
    return this.rest.position
  }

  get text(): string {
    return this.rest.text
  }

  get runs(): Rule['runs'] {
    return this.rest.runs
  }
}

/** Bytes in JSON: one character for each. */
interface PackedBytes {
  readonly latin1: string
}

/** JSON of characters up to U+00FF. */
function packedRest(rule: Rule): string {
  if (rule instanceof PackedRule) return rule.packed
  const { msg, classtype, classText, references, metadata, position, text, runs } = rule
  const options = withoutBytes(rule.options)
  const rest = { msg, classtype, classText, references, metadata, options, position, text, runs }
  const json = JSON.stringify(rest)
  return json.replace(/[\u0100-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The same with all bytes as text; the very object when there are none. */
function withoutBytes<Value extends object>(value: Value): Value {
  let copy: Record<string, unknown> | undefined
  for (const name in value) {
    const item: unknown = value[name]
    if (typeof item !== 'object' || item === null) continue
    const packed =
      item instanceof Uint8Array ? ({ latin1: latin1(item) } satisfies PackedBytes) : withoutBytes(item)
    if (packed === item) continue
    copy ??= (Array.isArray(value) ? value.slice() : { ...value }) as Record<string, unknown>
    copy[name] = packed
  }
  return (copy as Value | undefined) ?? value
}

function restoreBytes(value: Record<string, unknown>): void {
  for (const name in value) {
    const item = value[name]
    if (typeof item !== 'object' || item === null) continue
    if ('latin1' in item) value[name] = new Uint8Array(Buffer.from((item as PackedBytes).latin1, 'latin1'))
    else restoreBytes(item as Record<string, unknown>)
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function restOf(json: string): Rest {
  const rest = JSON.parse(json) as Rest
  restoreBytes(rest.options as unknown as Record<string, unknown>)
  return rest
}

/** The rule as an object with all of its properties, which can be spread, compared and cloned. */
export function plainRule(rule: Rule): Rule {
  if (!(rule instanceof PackedRule)) return rule
  const { gid, sid, rev, priority, dialect, services, header, rest } = rule
  return { gid, sid, rev, priority, dialect, services, header, ...rest }
}
