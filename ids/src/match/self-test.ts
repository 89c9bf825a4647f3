import type { MatcherEngine, Pattern } from './matcher.js'

/**
 * True when the engine misses a pattern that is there. Some builds of Vectorscan do on some processors (5.4.9 with
 * AVX-512 overlooks more than half at certain distances from the start), and an intrusion detection system that misses
 * in silence is worse than a slow one. Takes a few milliseconds.
 */
export function missesPatterns(engine: MatcherEngine): boolean {
  // Vector units work in blocks of up to 64 bytes: every alignment, and places in the first blocks and their tails.
  const text = new Uint8Array(512)
  return [2, 40].some((count) => {
    const patterns: Pattern[] = Array.from({ length: count }, (_, number) => ({
      bytes: Uint8Array.from(Buffer.from(`w${number}z`)),
      nocase: true,
    }))
    const matcher = engine.compile(patterns)
    const stream = matcher.openStream()
    let missed = false
    for (let start = 0; start < 64 && !missed; start += 3) {
      for (let before = 0; before < 260 && !missed; before += 7) {
        const wanted = before % count
        const pattern = patterns[wanted]!.bytes
        const end = start + before + pattern.length + (before % 5)
        text.fill(0x78).set(pattern, start + before)
        missed = matcher.search(text, start, end) !== 1 || matcher.hits[0] !== wanted
        stream.reset()
        missed ||= stream.search(text, start, end) !== 1 || matcher.hits[0] !== wanted
      }
    }
    stream.close()
    matcher.close()
    return missed
  })
}
