/** Networks in CIDR text, and tables that give an address the value of its longest matching network. */
import { isIPv4, isIPv6 } from 'node:net'

/** Words of an address as `Packet` holds them: IPv4 is ::ffff:0:0/96. `prefix` counts bits of all four words. */
export interface Network {
  /** IP version. */
  readonly version: 4 | 6
  /** Big-endian, int32, bits beyond the prefix zero. */
  readonly words: readonly [number, number, number, number]
  /** 0 to 128; 96 more than written for IPv4. */
  readonly prefix: number
}

/**
 * Reads `ADDRESS` or `ADDRESS/LENGTH`; bits of the address beyond the length are ignored.
 * @throws RangeError when the text is neither
 */
export function parseNetwork(text: string): Network {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const length = slash < 0 ? undefined : text.slice(slash + 1)
  const version = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : 0
  const bits = version === 4 ? 32 : 128
  const own = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1
  if (version === 0 || own < 0 || own > bits) throw new RangeError(`not a network: ${JSON.stringify(text)}`)
  const prefix = own + 128 - bits
  const groups = version === 4 ? mappedGroups(address) : groupsOf(address)
  const words = [0, 2, 4, 6].map((i) => (groups[i] << 16) | groups[i + 1])
  const [w0, w1, w2, w3] = words.map((word, i) => word & maskOf(prefix, i))
  return { version, words: [w0, w1, w2, w3], prefix }
}

function mappedGroups(address: string): number[] {
  const [a, b, c, d] = address.split('.').map(Number)
  return [0, 0, 0, 0, 0, 0xffff, (a << 8) | b, (c << 8) | d]
}

function groupsOf(address: string): number[] {
  const [head, tail] = address.split('::')
  const front = partGroups(head)
  if (tail === undefined) return front
  const back = partGroups(tail)
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
}

function partGroups(part: string): number[] {
  if (part === '') return []
  return part.split(':').flatMap((group) => {
    return group.includes('.') ? mappedGroups(group).slice(6) : [Number.parseInt(group, 16)]
  })
}

/** Bits of word `index` that a prefix of `prefix` bits fixes. */
function maskOf(prefix: number, index: number): number {
  const bits = Math.min(32, Math.max(0, prefix - 32 * index))
  return bits === 0 ? 0 : -1 << (32 - bits)
}

interface Entry<T> {
  readonly network: Network
  readonly masks: readonly [number, number, number, number]
  readonly value: T
}

/** Values by network. Look-ups walk the entries from the longest prefix on. */
export class NetworkTable<T> {
  private readonly entries: readonly Entry<T>[]

  /**
   * Of two entries for the same network the later one counts.
   * @throws RangeError for a text that is not a network
   */
  constructor(entries: Iterable<readonly [network: string, value: T]>) {
    const list: Entry<T>[] = []
    for (const [text, value] of entries) {
      const network = parseNetwork(text)
      const { prefix } = network
      const masks = [maskOf(prefix, 0), maskOf(prefix, 1), maskOf(prefix, 2), maskOf(prefix, 3)] as const
      list.unshift({ network, masks, value })
    }
    // Stable: the later of two equal networks stays in front.
    this.entries = list.sort((a, b) => b.network.prefix - a.network.prefix)
  }

  /** The value for an address held as `Packet` holds it, or `undefined`. */
  find(version: number, w0: number, w1: number, w2: number, w3: number): T | undefined {
    const { entries } = this
    for (let i = 0; i < entries.length; i++) {
      const { network, masks, value } = entries[i]
      const { words } = network
      if (network.version !== version) continue
      if ((w0 & masks[0]) !== words[0] || (w1 & masks[1]) !== words[1]) continue
      if ((w2 & masks[2]) === words[2] && (w3 & masks[3]) === words[3]) return value
    }
    return undefined
  }
}
