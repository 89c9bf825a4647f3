/** The counters of a whole from those of its workers. */

/** Counted by every worker alike: each walks all packets. Of a worker alone: what it left to others. */
const OF_ALL: ReadonlySet<string> = new Set(['packets', 'bytes', 'defrag', 'tunnels'])
const OF_ONE: ReadonlySet<string> = new Set(['otherShard'])

/**
 * Counters of all workers together.
 * @param shared every worker has seen all packets; false: each has seen its own
 * @param parts what `StackCounters.toJSON` gives, of every worker that shared one input, the first one's first
 * @returns what one stack would have counted; limits that each worker has to itself are counted where they were reached
 */
export function mergeCounters(
  parts: readonly Readonly<Record<string, unknown>>[],
  shared = true,
): Record<string, unknown> {
  const merged: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(parts[0])) {
    if (OF_ONE.has(name)) merged[name] = 0
    else if (shared && OF_ALL.has(name)) merged[name] = value
    else merged[name] = sum(parts.map((part) => part[name]))
  }
  return merged
}

function sum(values: readonly unknown[]): unknown {
  const [first] = values
  if (typeof first === 'number') return values.reduce((total: number, value) => total + Number(value), 0)
  if (typeof first !== 'object' || first === null) return first
  const names = new Set(values.flatMap((value) => Object.keys(value as object)))
  const parts = values as readonly Readonly<Record<string, unknown>>[]
  return Object.fromEntries([...names].map((name) => [name, sum(parts.map((part) => part[name] ?? 0))]))
}
