/**
 * Address lists of rule headers: literals, CIDR, lists, variables, negation.
 *
 * An address matches when it is in any positive member (or there is none) and in no negated one. Lists and variables
 * nest; a negation turns every member of what it stands before, and two cancel out.
 */
import type { IpNetwork, IpSet } from './model.js'
import { quote, syntaxError, valueError } from './problem.js'
import { isBlank } from './statement.js'

export const ANY_ADDRESS: IpSet = { any: true, include: [], exclude: [] }

/** Lists longer than this are refused. */
export const MAX_SET_MEMBERS = 65_536
const MAX_NESTING = 32

/** Looks a variable up as a set of addresses. @throws RuleTextError when undefined or wrong */
export type IpVariable = (name: string, offset: number) => IpSet

interface Accumulator {
  any: boolean
  readonly include: Map<string, IpNetwork>
  readonly exclude: Map<string, IpNetwork>
}

/** @throws RuleTextError with offsets counted from `base` */
export function parseIpSet(text: string, base: number, variable: IpVariable): IpSet {
  if (text === 'any') return ANY_ADDRESS
  const into: Accumulator = { any: false, include: new Map(), exclude: new Map() }
  const end = item(text, 0, base, false, into, variable, 0)
  if (end !== text.length) {
    throw syntaxError('bad address', `unexpected ${quote(text.slice(end))} after the address`, base + end)
  }
  const exclude = [...into.exclude.values()]
  if (into.any) return exclude.length === 0 ? ANY_ADDRESS : { any: false, include: [], exclude }
  const include = [...into.include.values()]
  const covered = firstCovered(include, into.exclude)
  if (covered !== undefined) {
    const message = `${formatNetwork(covered)} is listed but a negated member of the list covers it`
    throw valueError('negated address covers a listed one', message, base)
  }
  return { any: false, include, exclude }
}

function item(
  text: string,
  from: number,
  base: number,
  negated: boolean,
  into: Accumulator,
  variable: IpVariable,
  nesting: number,
): number {
  let at = skipBlanks(text, from)
  let negate = negated
  while (text.charCodeAt(at) === 33) {
    negate = !negate
    at = skipBlanks(text, at + 1)
  }
  if (text.charCodeAt(at) === 91) return list(text, at, base, negate, into, variable, nesting + 1)
  // `$(NAME:?text)` may hold blanks.
  let end = text.startsWith('$(', at) ? Math.max(at, text.indexOf(')', at)) : at
  while (end < text.length && !isDelimiter(text.charCodeAt(end))) end++
  const word = text.slice(at, end)
  if (word === '') throw syntaxError('bad address', 'an address is missing', base + at)
  if (word.charCodeAt(0) === 36) {
    merge(variable(word, base + at), negate, into, base + at)
  } else if (word.toLowerCase() === 'any') {
    if (negate) throw notAny(base + at)
    into.any = true
  } else {
    const network = parseNetwork(word)
    if (network === undefined) {
      throw valueError('bad address', `${quote(word)} is not an IP address or network`, base + at)
    }
    add(network, negate, into, base + at)
  }
  return skipBlanks(text, end)
}

function list(
  text: string,
  open: number,
  base: number,
  negated: boolean,
  into: Accumulator,
  variable: IpVariable,
  nesting: number,
): number {
  if (nesting > MAX_NESTING) {
    throw valueError('list nested too deeply', `lists nest deeper than ${MAX_NESTING}`, base + open)
  }
  let at = open + 1
  for (;;) {
    at = item(text, at, base, negated, into, variable, nesting)
    const c = text.charCodeAt(at)
    if (c === 44) at++
    else if (c === 93) return skipBlanks(text, at + 1)
    else if (at >= text.length)
      throw syntaxError('unclosed list', "the list is not closed by ']'", base + open)
    else throw syntaxError('bad address', `expected ',' or ']' before ${quote(text.slice(at))}`, base + at)
  }
}

function isDelimiter(code: number): boolean {
  return code === 44 || code === 93 || code === 91 || isBlank(code)
}

function skipBlanks(text: string, at: number): number {
  let i = at
  while (isBlank(text.charCodeAt(i))) i++
  return i
}

function notAny(offset: number): Error {
  return valueError("'!any' is not allowed", "'!any' matches nothing and is not allowed", offset)
}

function merge(set: IpSet, negate: boolean, into: Accumulator, offset: number): void {
  if (set.any) {
    if (negate) throw notAny(offset)
    into.any = true
    return
  }
  for (const network of set.include) add(network, negate, into, offset)
  for (const network of set.exclude) add(network, !negate, into, offset)
}

function add(network: IpNetwork, negate: boolean, into: Accumulator, offset: number): void {
  const target = negate ? into.exclude : into.include
  if (target.size >= MAX_SET_MEMBERS) {
    throw valueError('address list too long', `more than ${MAX_SET_MEMBERS} addresses in one list`, offset)
  }
  target.set(networkKey(network.address, network.prefix), network)
}

function networkKey(address: Uint8Array, prefix: number): string {
  return `${String.fromCharCode(...address)}/${prefix}`
}

/** The first network that lies inside one of `excluded`. */
function firstCovered(
  include: readonly IpNetwork[],
  excluded: ReadonlyMap<string, IpNetwork>,
): IpNetwork | undefined {
  if (excluded.size === 0) return undefined
  const prefixes = [...new Set([...excluded.values()].map((network) => network.prefix))]
  for (const network of include) {
    for (const prefix of prefixes) {
      if (prefix <= network.prefix && excluded.has(networkKey(masked(network.address, prefix), prefix))) {
        return network
      }
    }
  }
  return undefined
}

function masked(address: Uint8Array, prefix: number): Uint8Array {
  const out = Uint8Array.from(address)
  for (let i = 0; i < 16; i++) {
    const bits = Math.min(8, Math.max(0, prefix - i * 8))
    out[i] = out[i]! & ((0xff00 >> bits) & 0xff)
  }
  return out
}

/** `a.b.c.d`, `a.b.c.d/n`, `a.b.c.d/m.m.m.m`, IPv6 with or without `/n`; undefined when it is none of these. */
export function parseNetwork(text: string): IpNetwork | undefined {
  if (text.length > 64) return undefined
  const slash = text.indexOf('/')
  const host = slash < 0 ? text : text.slice(0, slash)
  const bytes = new Uint8Array(16)
  const v4 = parseIpv4(host, bytes, 12)
  if (v4) bytes[10] = bytes[11] = 0xff
  else if (!parseIpv6(host, bytes)) return undefined
  let prefix = 128
  if (slash >= 0) {
    const suffix = text.slice(slash + 1)
    if (/^\d{1,3}$/.test(suffix)) {
      const bits = Number(suffix)
      if (bits > (v4 ? 32 : 128)) return undefined
      prefix = v4 ? bits + 96 : bits
    } else {
      const bits = v4 ? netmaskBits(suffix) : -1
      if (bits < 0) return undefined
      prefix = bits + 96
    }
  }
  return { address: prefix === 128 ? bytes : masked(bytes, prefix), prefix }
}

function netmaskBits(text: string): number {
  const mask = new Uint8Array(4)
  if (!parseIpv4(text, mask, 0)) return -1
  const value = ((mask[0]! << 24) | (mask[1]! << 16) | (mask[2]! << 8) | mask[3]!) >>> 0
  const bits = Math.clz32(~value)
  return value === (bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0) ? bits : -1
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

function parseIpv4(text: string, into: Uint8Array, at: number): boolean {
  const match = IPV4.exec(text)
  if (match === null) return false
  for (let i = 0; i < 4; i++) {
    const value = Number(match[i + 1])
    if (value > 255) return false
    into[at + i] = value
  }
  return true
}

function parseIpv6(text: string, into: Uint8Array): boolean {
  const gap = text.indexOf('::')
  if (gap >= 0 && text.indexOf('::', gap + 1) >= 0) return false
  const head = gap < 0 ? text : text.slice(0, gap)
  const tail = gap < 0 ? '' : text.slice(gap + 2)
  const front: number[] = []
  const back: number[] = []
  if (!groups(head, front, gap < 0) || !groups(tail, back, true)) return false
  const given = front.length + back.length
  if (gap < 0 ? given !== 8 : given > 7) return false
  front.forEach((group, i) => {
    into[i * 2] = group >> 8
    into[i * 2 + 1] = group & 255
  })
  back.forEach((group, i) => {
    const at = (8 - back.length + i) * 2
    into[at] = group >> 8
    into[at + 1] = group & 255
  })
  return true
}

function groups(text: string, into: number[], mayEndInIpv4: boolean): boolean {
  if (text === '') return true
  const parts = text.split(':')
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      into.push(Number.parseInt(part, 16))
    } else {
      const four = new Uint8Array(4)
      if (i !== parts.length - 1 || !mayEndInIpv4 || !parseIpv4(part, four, 0)) return false
      into.push((four[0]! << 8) | four[1]!, (four[2]! << 8) | four[3]!)
    }
  }
  return true
}

/** `10.0.0.0/8`, `192.0.2.1`, `2001:db8::/32` written out in full groups. */
export function formatNetwork(network: IpNetwork): string {
  const { address, prefix } = network
  const mapped = address[10] === 0xff && address[11] === 0xff && address.subarray(0, 10).every((b) => b === 0)
  if (mapped && prefix >= 96) {
    const host = address.subarray(12).join('.')
    return prefix === 128 ? host : `${host}/${prefix - 96}`
  }
  const parts: string[] = []
  for (let i = 0; i < 16; i += 2) parts.push(((address[i]! << 8) | address[i + 1]!).toString(16))
  return prefix === 128 ? parts.join(':') : `${parts.join(':')}/${prefix}`
}
