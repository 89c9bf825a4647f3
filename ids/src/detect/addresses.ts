/**
 * Membership of an address in a rule's IP set.
 *
 * In: `IpSet` of a parsed rule. Out: `AddressTest.matches(words)`, or undefined for "any". IPv4 members become sorted
 * disjoint ranges (binary search, so lists of hundreds of addresses cost the same as one), IPv6 members stay networks.
 */
import { parseNetwork } from '../rules/ip-set.js'
import type { IpNetwork, IpSet } from '../rules/model.js'

const MAPPED_PREFIX = 96
const MAX_V4 = 0xffff_ffff

type Range = readonly [low: number, high: number]

function wordAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!
}

function isMapped(network: IpNetwork): boolean {
  const { address, prefix } = network
  if (prefix < MAPPED_PREFIX) return false
  return wordAt(address, 0) === 0 && wordAt(address, 4) === 0 && wordAt(address, 8) === 0xffff
}

/** The IPv4 addresses of a network; all of them for `::/0` and other networks around `::ffff:0:0/96`. */
function rangeOf(network: IpNetwork): Range | undefined {
  if (isMapped(network)) {
    const low = wordAt(network.address, 12) >>> 0
    return [low, low + 2 ** (128 - network.prefix) - 1]
  }
  return new NetworkTest(network).matches(0, 0, 0xffff, 0) && network.prefix < MAPPED_PREFIX
    ? [0, MAX_V4]
    : undefined
}

function merge(ranges: readonly Range[]): Range[] {
  const merged: [number, number][] = []
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1)
    if (previous !== undefined && low <= previous[1] + 1) previous[1] = Math.max(previous[1], high)
    else merged.push([low, high])
  }
  return merged
}

function subtract(ranges: readonly Range[], holes: readonly Range[]): Range[] {
  let rest = [...ranges]
  for (const [low, high] of holes) {
    const next: Range[] = []
    for (const [from, to] of rest) {
      if (high < from || low > to) next.push([from, to])
      else {
        if (from < low) next.push([from, low - 1])
        if (to > high) next.push([high + 1, to])
      }
    }
    rest = next
  }
  return rest
}

class NetworkTest {
  readonly #words = new Int32Array(4)
  readonly #masks = new Int32Array(4)

  constructor(network: IpNetwork) {
    for (let i = 0; i < 4; i++) {
      const bits = Math.min(32, Math.max(0, network.prefix - 32 * i))
      this.#masks[i] = bits === 0 ? 0 : -1 << (32 - bits)
      this.#words[i] = wordAt(network.address, 4 * i) & this.#masks[i]!
    }
  }

  matches(w0: number, w1: number, w2: number, w3: number): boolean {
    const words = this.#words
    const masks = this.#masks
    return (
      (w0 & masks[0]!) === words[0] &&
      (w1 & masks[1]!) === words[1] &&
      (w2 & masks[2]!) === words[2] &&
      (w3 & masks[3]!) === words[3]
    )
  }
}

export class AddressTest {
  /** Sorted disjoint ranges of IPv4 addresses: low, high, low, high… */
  readonly #ranges: Uint32Array
  readonly #include: readonly NetworkTest[]
  readonly #exclude: readonly NetworkTest[]
  readonly #anyV6: boolean

  constructor(set: IpSet) {
    const all: Range[] = [[0, MAX_V4]]
    const ranges = (networks: readonly IpNetwork[]): Range[] =>
      merge(networks.map(rangeOf).filter((range) => range !== undefined))
    const positive = set.any || set.include.length === 0 ? all : ranges(set.include)
    this.#ranges = Uint32Array.from(subtract(positive, ranges(set.exclude)).flat())
    const v6 = (networks: readonly IpNetwork[]): NetworkTest[] =>
      networks.filter((network) => !isMapped(network)).map((network) => new NetworkTest(network))
    this.#anyV6 = set.any || set.include.length === 0
    this.#include = v6(set.include)
    this.#exclude = v6(set.exclude)
  }

  /** Address as four big-endian words (int32), IPv4 as `0, 0, 0xffff, address`. */
  matches(w0: number, w1: number, w2: number, w3: number): boolean {
    if (w0 === 0 && w1 === 0 && w2 === 0xffff) return this.#matchesV4(w3 >>> 0)
    for (const network of this.#exclude) if (network.matches(w0, w1, w2, w3)) return false
    if (this.#anyV6) return true
    for (const network of this.#include) if (network.matches(w0, w1, w2, w3)) return true
    return false
  }

  #matchesV4(address: number): boolean {
    const ranges = this.#ranges
    let low = 0
    let high = ranges.length >> 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (address > ranges[2 * middle + 1]!) low = middle + 1
      else high = middle
    }
    return 2 * low < ranges.length && address >= ranges[2 * low]!
  }
}

/** @returns undefined when every address matches. */
export function compileAddresses(set: IpSet): AddressTest | undefined {
  if ((set.any || set.include.length === 0) && set.exclude.length === 0) return undefined
  return new AddressTest(set)
}

/** Words of an address in text form (as `Packet` holds them); undefined when it is none. */
export function parseAddress(text: string): Int32Array | undefined {
  const network = parseNetwork(text)
  if (network === undefined) return undefined
  return Int32Array.from({ length: 4 }, (_, i) => wordAt(network.address, 4 * i))
}
