/**
 * "Did you mean …?": the known name closest to a misspelt one.
 */

const MAX_LENGTH = 32

/** `; did you mean 'x'?`, or nothing when no name is close. */
export function didYouMean(word: string, names: Iterable<string>): string {
  if (word.length === 0 || word.length > MAX_LENGTH) return ''
  const allowed = word.length <= 4 ? 1 : 2
  let best: string | undefined
  let bestDistance = allowed + 1
  for (const name of names) {
    if (Math.abs(name.length - word.length) > allowed) continue
    const distance = editDistance(word, name, allowed)
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best === undefined ? '' : `; did you mean '${best}'?`
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; anything above `limit` is alike. */
export function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(previous[j - 1]! + (same ? 0 : 1), previous[j]! + 1, row[j - 1]! + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1)
      row.push(cost)
    }
    if (Math.min(...row) > limit && Math.min(...previous) > limit) return limit + 1
    before = previous
    previous = row
  }
  return previous[b.length]!
}
