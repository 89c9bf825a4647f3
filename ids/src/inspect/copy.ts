/**
 * Copies `source[start, end)` to `target[at …]`; the caller has made room.
 *
 * Short pieces are copied by a loop, long ones by `set`: on Node 20 the view that `set` needs costs about 60 ns, which a
 * loop has used up after some 48 bytes, and from there on `set` runs at memcpy speed.
 */
export function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start > 48) {
    target.set(source.subarray(start, end), at)
    return
  }
  let to = at
  for (let from = start; from < end; from++) target[to++] = source[from]!
}
