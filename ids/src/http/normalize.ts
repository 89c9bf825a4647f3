/**
 * Percent decoding, UTF-8 folding, double decoding and path simplification, as Snort 3's HTTP inspector does them.
 *
 * In: raw ranges found by the head parser. Out: normalised bytes in the caller's scratch space; output is never longer
 * than the input plus one. Every function first says whether anything would change, so that clean ranges are not copied.
 *
 * Order: %hh and %uhhhh, then percent-encoded UTF-8 sequences folded to one byte, then %hh and %uhhhh once more (what
 * IIS's double decoding sees), and for URI parts `\` to `/` and `+` to blank. Code points above 0xFF become their ASCII
 * look-alike when they are full-width forms, else 0xFF.
 */

/** Value of a hex digit, 255 for other bytes. */
const HEX = new Uint8Array(256).fill(255)
for (let digit = 0; digit < 10; digit++) HEX[48 + digit] = digit
for (let digit = 10; digit < 16; digit++) {
  HEX[55 + digit] = digit
  HEX[87 + digit] = digit
}

export const PERCENT = 0x25
const SLASH = 0x2f
const DOT = 0x2e
const BACKSLASH = 0x5c
const PLUS = 0x2b
const QUESTION = 0x3f
const HASH = 0x23

/** Bytes that matter in a URI: what may call for work (`% \\ +`, in a path also `/` and `.`), and what ends a path. */
const CLASS_SUBSTITUTE = 1
const CLASS_PATH = 2
const CLASS_END = 3
const URI_CLASS = new Uint8Array(256)
URI_CLASS[PERCENT] = CLASS_SUBSTITUTE
URI_CLASS[BACKSLASH] = CLASS_SUBSTITUTE
URI_CLASS[PLUS] = CLASS_SUBSTITUTE
URI_CLASS[SLASH] = CLASS_PATH
URI_CLASS[DOT] = CLASS_PATH
URI_CLASS[QUESTION] = CLASS_END
URI_CLASS[HASH] = CLASS_END

/** Whether `decode` would change anything. */
export function hasPercent(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === PERCENT) return true
  return false
}

/** Index of the first byte that `normaliseQuery` would change, or `end`. */
export function queryWork(bytes: Uint8Array, start: number, end: number): number {
  let i = start
  while (i < end && URI_CLASS[bytes[i]!] !== CLASS_SUBSTITUTE) i++
  return i
}

/**
 * End of the path that begins at `start` (a `?`, a `#` or `end`); complemented (`~`) when `normalisePath` might change
 * it, which is also said of some paths that come out the same (`/a/.b`).
 */
export function pathEnd(bytes: Uint8Array, start: number, end: number): number {
  let before = 0
  let work = false
  let i = start
  for (; i < end; i++) {
    const kind = URI_CLASS[bytes[i]!]!
    if (kind !== 0) {
      if (kind === CLASS_END) break
      // Two path characters in a row: `//`, `/.`, `..`, `./`.
      if (kind === CLASS_SUBSTITUTE || before === CLASS_PATH) work = true
    }
    before = kind
  }
  return work ? ~i : i
}

/** What `+` and `\\` become in URIs. Substituted bytes cannot be part of an escape, so the order does not matter. */
const SUBSTITUTE = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) SUBSTITUTE[byte] = byte
SUBSTITUTE[PLUS] = 0x20
SUBSTITUTE[BACKSLASH] = SLASH
/** The same for buffers that keep them. */
const KEEP = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) KEEP[byte] = byte

/**
 * Decodes `source[start, end)` into `target` from `at`; returns the end of the output. `target` and `source` differ.
 */
export function decode(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  return decodeWith(KEEP, source, start, end, target, at)
}

function decodeWith(
  substitute: Uint8Array,
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  let to = at
  let utf8 = false
  let again = false
  for (let i = start; i < end; i++) {
    const byte = source[i]!
    if (byte !== PERCENT) {
      target[to++] = substitute[byte]!
      continue
    }
    let value = escapeAt(source, i, end)
    if (value >= 0) {
      i += 2
    } else if (i + 1 < end && source[i + 1] === PERCENT) {
      // `%%` stands for `%`, which may begin an escape for the second decoding.
      value = PERCENT
      i += 1
    } else {
      value = wideEscapeAt(source, i, end)
      if (value >= 0) i += 5
      else value = PERCENT
    }
    if (value === PERCENT) again = true
    else if (value >= 0xc0 && value < 0xf0) utf8 = true
    target[to++] = substitute[value]!
  }
  if (utf8) {
    to = decodeUtf8(substitute, source, start, end, target, at)
    again = true
  }
  return again ? decodeAgain(substitute, target, at, to) : to
}

/** `decode`, then `\` to `/` and `+` to blank. */
export function normaliseQuery(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  return decodeWith(SUBSTITUTE, source, start, end, target, at)
}

/**
 * `normaliseQuery`, then `//`, `/./` and `/../` taken out. Above the root `..` stays: `/../../a` cannot be simplified,
 * and a final `..` there gains a slash, the one byte by which output can exceed input.
 */
export function normalisePath(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  const to = normaliseQuery(source, start, end, target, at)
  return to > at && target[at] === SLASH ? simplifyPath(target, at, to) : to
}

function simplifyPath(path: Uint8Array, start: number, end: number): number {
  let to = start
  // One step beyond the end: a path that ends in `/.` or `/..` is treated as if a slash followed.
  for (let i = start; i <= end; i++) {
    const byte = i < end ? path[i]! : SLASH
    if (byte !== SLASH || i === start) {
      path[to++] = byte
      continue
    }
    const last = path[to - 1]
    if (last === SLASH && i < end) continue
    if (last === DOT && to - start >= 2 && path[to - 2] === SLASH) {
      to--
      continue
    }
    if (last === DOT && to - start >= 3 && path[to - 2] === DOT && path[to - 3] === SLASH) {
      const length = to - start
      if (
        length === 3 ||
        (length >= 6 && path[to - 4] === DOT && path[to - 5] === DOT && path[to - 6] === SLASH)
      ) {
        path[to++] = SLASH
      } else {
        to -= 3
        while (path[to - 1] !== SLASH) to--
      }
      continue
    }
    if (i < end) path[to++] = SLASH
  }
  return to
}

/** Value of `%hh` at `at`, or -1. */
function escapeAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 >= end) return -1
  const high = HEX[bytes[at + 1]!]!
  const low = HEX[bytes[at + 2]!]!
  return high > 15 || low > 15 ? -1 : (high << 4) | low
}

/** Value of `%uhhhh` at `at` as one byte, or -1. */
function wideEscapeAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 5 >= end || (bytes[at + 1]! | 0x20) !== 0x75) return -1
  let value = 0
  for (let i = at + 2; i < at + 6; i++) {
    const digit = HEX[bytes[i]!]!
    if (digit > 15) return -1
    value = (value << 4) | digit
  }
  return oneByte(value)
}

function oneByte(codePoint: number): number {
  if (codePoint <= 0xff) return codePoint
  return codePoint >= 0xff01 && codePoint <= 0xff5e ? codePoint - 0xfee0 : 0xff
}

/**
 * The first decoding once more, with two- and three-byte UTF-8 sequences of percent-encoded bytes folded to one byte
 * (overlong forms too: that is how `%c0%af` hides a slash). Runs from the source, because only there one can tell an
 * encoded byte from a bare one, which is left alone.
 */
function decodeUtf8(
  substitute: Uint8Array,
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  let to = at
  for (let i = start; i < end; i++) {
    const byte = source[i]!
    if (byte !== PERCENT) {
      target[to++] = substitute[byte]!
      continue
    }
    const value = escapeAt(source, i, end)
    if (value < 0) {
      if (i + 1 < end && source[i + 1] === PERCENT) {
        target[to++] = PERCENT
        i += 1
        continue
      }
      const wide = wideEscapeAt(source, i, end)
      target[to++] = substitute[wide >= 0 ? wide : PERCENT]!
      if (wide >= 0) i += 5
      continue
    }
    if (value >= 0xc0 && value < 0xe0) {
      const second = continuationAt(source, i + 3, end)
      if (second >= 0) {
        target[to++] = substitute[oneByte(((value & 0x1f) << 6) | second)]!
        i += 5
        continue
      }
    } else if (value >= 0xe0 && value < 0xf0) {
      const second = continuationAt(source, i + 3, end)
      const third = second < 0 ? -1 : continuationAt(source, i + 6, end)
      if (third >= 0) {
        target[to++] = substitute[oneByte(((value & 0x0f) << 12) | (second << 6) | third)]!
        i += 8
        continue
      }
    }
    target[to++] = substitute[value]!
    i += 2
  }
  return to
}

/** The low six bits of a percent-encoded UTF-8 continuation byte at `at`, or -1. */
function continuationAt(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== PERCENT) return -1
  const value = escapeAt(bytes, at, end)
  return (value & 0xc0) === 0x80 && value >= 0 ? value & 0x3f : -1
}

/** The second decoding, in place. */
function decodeAgain(substitute: Uint8Array, bytes: Uint8Array, start: number, end: number): number {
  let to = start
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte !== PERCENT) {
      bytes[to++] = substitute[byte]!
      continue
    }
    let value = escapeAt(bytes, i, end)
    if (value >= 0) {
      i += 2
    } else {
      value = wideEscapeAt(bytes, i, end)
      if (value >= 0) i += 5
      else value = PERCENT
    }
    bytes[to++] = substitute[value]!
  }
  return to
}
