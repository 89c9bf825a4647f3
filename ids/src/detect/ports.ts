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
  readonly #any = new PortTest(true, true, new Uint8Array(0))
  /** Equal sets have one test; most are the identical object. */
  readonly #tests = new Map<PortSet, PortTest>()

  constructor(sets: Iterable<PortSet>) {
    const distinct = new Set<PortSet>()
    for (const set of sets) if (!set.any) distinct.add(set)
    const byKey = new Map<string, PortSet[]>()
    for (const set of distinct) {
      const key = keyOf(set)
      const equal = byKey.get(key)
      if (equal === undefined) byKey.set(key, [set])
      else equal.push(set)
    }
    const groups = [...byKey.values()]
    const starts = startsOf(groups.map((equal) => equal[0]!))
    const intervalAt = new Map(starts.map((start, i) => [start, i]))
    const intervalAfter = (port: number): number => intervalAt.get(port + 1) ?? starts.length
    // The sets that hold an interval, by number: intervals with the same ones are one class.
    const holders: string[] = new Array<string>(starts.length).fill('')
    groups.forEach(([set], id) => {
      for (const [low, high] of set!.ranges) {
        const end = intervalAfter(high)
        for (let i = intervalAt.get(low)!; i < end; i++) holders[i] += `${id},`
      }
    })
    const classes = new Map<string, number>()
    const classOfInterval = holders.map((key, i) => {
      const known = classes.get(key)
      const id = known ?? classes.size
      if (known === undefined) classes.set(key, id)
      this.classOf.fill(id, starts[i]!, starts[i + 1] ?? PORTS)
      return id
    })
    for (const equal of groups) {
      const set = equal[0]!
      const members = new Uint8Array(classes.size)
      for (const [low, high] of set.ranges) {
        const end = intervalAfter(high)
        for (let i = intervalAt.get(low)!; i < end; i++) members[classOfInterval[i]!] = 1
      }
      const test = new PortTest(false, sizeOf(set) >= WIDE, members)
      for (const one of equal) this.#tests.set(one, test)
    }
  }

  /** @param set one of those given to the constructor */
  test(set: PortSet): PortTest {
    return set.any ? this.#any : this.#tests.get(set)!
  }
}

/** First ports of the intervals that no set divides. */
function startsOf(sets: readonly PortSet[]): number[] {
  const cuts = new Set<number>([0])
  for (const { ranges } of sets) for (const [low, high] of ranges) cuts.add(low).add(high + 1)
  return [...cuts].filter((port) => port < PORTS).sort((a, b) => a - b)
}
