/**
 * Classes of ports that no rule tells apart, and port tests on them.
 *
 * In: the port sets of all rules. Out: `classOf[port]`, an index small enough to keep one rule group per class, and a
 * `PortTest` for each set. Two ports share a class when every port set holds both or neither (elementary intervals,
 * equal ones joined).
 */
import type { PortSet } from '../rules/model.js'

const PORTS = 65_536
const WIDE = 1024

function hasPort(set: PortSet, port: number): boolean {
  if (set.any) return true
  for (const [low, high] of set.ranges) if (port >= low && port <= high) return true
  return false
}

function sizeOf(set: PortSet): number {
  return set.ranges.reduce((sum, [low, high]) => sum + high - low + 1, 0)
}

function keyOf(set: PortSet): string {
  return set.any ? 'any' : set.ranges.map(([low, high]) => `${low}-${high}`).join(',')
}

export class PortTest {
  readonly any: boolean
  /** The set holds so many ports that most traffic is on one of them. */
  readonly wide: boolean
  /** Indexed by port class: 1 = in the set. */
  readonly #members: Uint8Array

  constructor(any: boolean, wide: boolean, members: Uint8Array) {
    this.any = any
    this.wide = wide
    this.#members = members
  }

  has(portClass: number): boolean {
    return this.any || this.#members[portClass] === 1
  }
}

export class PortClasses {
  /** Class of each port. */
  readonly classOf = new Uint16Array(PORTS)
  readonly #tests = new Map<string, PortTest>()
  readonly #any = new PortTest(true, true, new Uint8Array(0))

  constructor(sets: Iterable<PortSet>) {
    const distinct = new Map<string, PortSet>()
    for (const set of sets) if (!set.any) distinct.set(keyOf(set), set)
    const list = [...distinct.values()]
    const cuts = new Set<number>([0])
    for (const set of list) for (const [low, high] of set.ranges) cuts.add(low).add(high + 1)
    const starts = [...cuts].filter((port) => port < PORTS).sort((a, b) => a - b)
    const classes = new Map<string, number>()
    const representatives: number[] = []
    starts.forEach((start, i) => {
      const signature = list.map((set) => (hasPort(set, start) ? '1' : '0')).join('')
      let id = classes.get(signature)
      if (id === undefined) {
        id = representatives.length
        classes.set(signature, id)
        representatives.push(start)
      }
      this.classOf.fill(id, start, starts[i + 1] ?? PORTS)
    })
    for (const [key, set] of distinct) {
      const members = Uint8Array.from(representatives, (port) => (hasPort(set, port) ? 1 : 0))
      this.#tests.set(key, new PortTest(false, sizeOf(set) >= WIDE, members))
    }
  }

  /** @param set one of those given to the constructor */
  test(set: PortSet): PortTest {
    return set.any ? this.#any : this.#tests.get(keyOf(set))!
  }
}
