/**
 * Keyed symmetric hash of a flow: both directions give the same 32 bits.
 *
 * Simple tabulation (Zobrist; Patrascu and Thorup, "The power of simple tabulation hashing", 2012): every byte of an
 * endpoint selects a random word from the table of its position, the words are combined by XOR, the two endpoints by
 * addition. The tables are filled from a secret key. Someone who does not know it cannot choose addresses and ports that
 * fall into one bucket: for any set of flows, the chains are as short as those of a random function, with high
 * probability. It takes two loads per key byte, all of them from the first-level cache.
 */
import { randomFillSync } from 'node:crypto'

/** Tables: 16 address bytes, 2 port bytes, 4 bytes of the link word, 4 of the address space. */
const PORT = 16
const LINK = 18
const SPACE = 22
const TABLES = 26

/** The IPv4 address is word 3 of the address. */
const V4 = 12

export class FlowHasher {
  private readonly tables: Int32Array

  /** @param seed any safe integer; the same seed gives the same hash. Random when left out. */
  constructor(seed?: number) {
    this.tables = new Int32Array(TABLES * 256)
    if (seed === undefined) randomFillSync(this.tables)
    else seededFill(this.tables, seed)
  }

  /** Hash of an IPv4 flow. `ports` holds the port of the endpoint `a` in its upper half. */
  hash4(a: number, b: number, ports: number, link: number): number {
    const t = this.tables
    const first =
      t[(V4 << 8) + (a >>> 24)] ^
      t[((V4 + 1) << 8) + ((a >>> 16) & 0xff)] ^
      t[((V4 + 2) << 8) + ((a >>> 8) & 0xff)] ^
      t[((V4 + 3) << 8) + (a & 0xff)] ^
      t[(PORT << 8) + (ports >>> 24)] ^
      t[((PORT + 1) << 8) + ((ports >>> 16) & 0xff)]
    const second =
      t[(V4 << 8) + (b >>> 24)] ^
      t[((V4 + 1) << 8) + ((b >>> 16) & 0xff)] ^
      t[((V4 + 2) << 8) + ((b >>> 8) & 0xff)] ^
      t[((V4 + 3) << 8) + (b & 0xff)] ^
      t[(PORT << 8) + ((ports >>> 8) & 0xff)] ^
      t[((PORT + 1) << 8) + (ports & 0xff)]
    return ((first + second) | 0) ^ this.linkHash(link)
  }

  /** Hash of an IPv6 flow; parameters as in `hash4`. */
  hash6(
    a0: number,
    a1: number,
    a2: number,
    a3: number,
    b0: number,
    b1: number,
    b2: number,
    b3: number,
    ports: number,
    link: number,
  ): number {
    const first = this.word(0, a0) ^ this.word(4, a1) ^ this.word(8, a2) ^ this.word(V4, a3)
    const second = this.word(0, b0) ^ this.word(4, b1) ^ this.word(8, b2) ^ this.word(V4, b3)
    return (
      (((first ^ this.port(ports >>> 16)) + (second ^ this.port(ports & 0xffff))) | 0) ^ this.linkHash(link)
    )
  }

  /** To be combined by XOR with the hash of a flow in another address space than that of the wire. */
  hashSpace(space: number): number {
    return this.word(SPACE, space)
  }

  /** Protocol, flags and VLAN (25 bits). */
  private linkHash(link: number): number {
    return this.word(LINK, link)
  }

  private port(port: number): number {
    const t = this.tables
    return t[(PORT << 8) + (port >>> 8)] ^ t[((PORT + 1) << 8) + (port & 0xff)]
  }

  private word(table: number, word: number): number {
    const t = this.tables
    const at = table << 8
    return (
      t[at + (word >>> 24)] ^
      t[at + 0x100 + ((word >>> 16) & 0xff)] ^
      t[at + 0x200 + ((word >>> 8) & 0xff)] ^
      t[at + 0x300 + (word & 0xff)]
    )
  }
}

/** Fills the tables from the seed by xoshiro128** (Blackman and Vigna), itself seeded by splitmix32. */
function seededFill(tables: Int32Array, seed: number): void {
  let mix = (seed ^ Math.floor(seed / 0x1_0000_0000)) | 0
  const next = (): number => {
    mix = (mix + 0x9e3779b9) | 0
    let z = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return z ^ (z >>> 16)
  }
  let s0 = next()
  let s1 = next()
  let s2 = next()
  let s3 = next()
  for (let i = 0; i < tables.length; i++) {
    const scrambled = Math.imul(s1, 5)
    tables[i] = Math.imul((scrambled << 7) | (scrambled >>> 25), 9)
    const shifted = s1 << 9
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = (s3 << 11) | (s3 >>> 21)
  }
}
