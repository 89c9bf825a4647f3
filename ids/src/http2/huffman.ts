/**
 * The Huffman code of HPACK (RFC 7541 appendix B), decoded four bits at a time.
 *
 * The code is canonical, so the lengths of its words say everything: words of one length are numbered in the order of
 * their symbols. Symbol 256 ends a string and must not occur in one.
 */

// biome-ignore format: a table
const LENGTHS = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
  28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15,
  6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22,
  20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23,
  23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22,
  22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26,
  27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27,
  26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
)

const END_OF_STRING = 256
const NODES = 256

/** Inner nodes of the code's tree, two children each: another node, or `~symbol`. */
function tree(): Int16Array {
  const children = new Int16Array(NODES * 2)
  const symbols = Array.from(LENGTHS.keys()).sort((a, b) => LENGTHS[a]! - LENGTHS[b]! || a - b)
  let nodes = 1
  let code = 0
  let length = LENGTHS[symbols[0]!]!
  for (const symbol of symbols) {
    code *= 2 ** (LENGTHS[symbol]! - length)
    length = LENGTHS[symbol]!
    let node = 0
    for (let bit = length - 1; bit > 0; bit--) {
      const slot = node * 2 + (Math.floor(code / 2 ** bit) % 2)
      if (children[slot] === 0) children[slot] = nodes++
      node = children[slot]!
    }
    children[node * 2 + (code % 2)] = ~symbol
    code++
  }
  return children
}

/** For each node and four bits: the next node, with what comes out (symbol + 1; at most one does) above it. */
const STEPS = new Int32Array(NODES * 16)
/** Nodes where a string may end: fewer than eight bits into the code word of ones. */
const ENDS = new Uint8Array(NODES)
const BAD = -1

{
  const children = tree()
  for (let node = 0; node < NODES; node++) {
    for (let bits = 0; bits < 16; bits++) {
      let at = node
      let out = 0
      for (let bit = 3; bit >= 0 && out !== BAD; bit--) {
        const child = children[at * 2 + ((bits >> bit) & 1)]!
        if (child >= 0) at = child
        else if (~child === END_OF_STRING) out = BAD
        else {
          out = ~child + 1
          at = 0
        }
      }
      STEPS[node * 16 + bits] = out === BAD ? BAD : (out << 8) | at
    }
  }
  let node = 0
  for (let depth = 0; depth < 8; depth++) {
    ENDS[node] = 1
    node = children[node * 2 + 1]!
  }
}

/**
 * Decodes `bytes[start, end)` to `target[at …]`, which has room for eight fifths of the bytes. Returns the index behind
 * what has come out, or -1 when the bytes are not the code of a string.
 */
export function decodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  let node = 0
  let to = at
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    let step = STEPS[node * 16 + (byte >> 4)]!
    if (step < 0) return -1
    if (step > 0xff) target[to++] = (step >> 8) - 1
    step = STEPS[(step & 0xff) * 16 + (byte & 15)]!
    if (step < 0) return -1
    if (step > 0xff) target[to++] = (step >> 8) - 1
    node = step & 0xff
  }
  return ENDS[node] === 1 ? to : -1
}
