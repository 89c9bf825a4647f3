/**
 * Port tests, and the classes of ports that no rule tells apart.
 *
 * In: the port sets of all rules. Out: `PortClasses.of[port]`, an index small enough to keep one rule group per class;
 * two ports share a class when every port set holds both or neither (elementary intervals, equal ones joined).
 */
import type { PortSet } from '../rules/model.js'

const PORTS = 65_536

export function hasPort(set: PortSet, port: number): boolean {
  if (set.any) return true
  for (const [low, high] of set.ranges) if (port >= low && port <= high) return true
  return false
}

export function portSetKey(set: PortSet): string {
  return set.any ? 'any' : set.ranges.map(([low, high]) => `${low}-${high}`).join(',')
}

export class PortClasses {
  /** Class of each port. */
  readonly of = new Uint16Array(PORTS)
  /** One port of each class, indexed by class. */
  readonly representatives: readonly number[]

  constructor(sets: Iterable<PortSet>) {
    const distinct = new Map<string, PortSet>()
    for (const set of sets) if (!set.any) distinct.set(portSetKey(set), set)
    const cuts = new Set<number>([0])
    for (const set of distinct.values()) {
      for (const [low, high] of set.ranges) cuts.add(low).add(high + 1)
    }
    const starts = [...cuts].filter((port) => port < PORTS).sort((a, b) => a - b)
    const classes = new Map<string, number>()
    const representatives: number[] = []
    starts.forEach((start, i) => {
      let signature = ''
      let number = 0
      for (const set of distinct.values()) {
        if (hasPort(set, start)) signature += `${number},`
        number++
      }
      let id = classes.get(signature)
      if (id === undefined) {
        id = representatives.length
        classes.set(signature, id)
        representatives.push(start)
      }
      this.of.fill(id, start, starts[i + 1] ?? PORTS)
    })
    this.representatives = representatives
  }

  get count(): number {
    return this.representatives.length
  }
}
