/**
 * Keyed symmetric hash of a flow: both directions give the same 32 bits.
 *
 * HalfSipHash-1-3 (Aumasson and Bernstein; Linux uses it for its hash tables) with a 64-bit key over the two endpoints in
 * a fixed order, the ports and the link word. An attacker who does not know the key cannot choose addresses and ports
 * that fall into one bucket, so flooding the table costs him as many packets as any flow would.
 */
import { randomBytes } from 'node:crypto'

/** 64-bit key as two int32. */
export interface HashKey {
  readonly k0: number
  readonly k1: number
}

/** Key from a seed (any integer; deterministic), or a random one. */
export function hashKey(seed?: number): HashKey {
  if (seed === undefined) {
    const bytes = randomBytes(8)
    return { k0: bytes.readInt32LE(0), k1: bytes.readInt32LE(4) }
  }
  const low = seed | 0
  const high = Math.floor(seed / 0x1_0000_0000) | 0
  return {
    k0: Math.imul(low ^ 0x9e3779b9, 0x85ebca6b) | 0,
    k1: Math.imul(low ^ high ^ 0x7f4a7c15, 0xc2b2ae35) | 0,
  }
}

export class FlowHasher {
  private readonly k0: number
  private readonly k1: number
  private v0 = 0
  private v1 = 0
  private v2 = 0
  private v3 = 0

  constructor(key: HashKey) {
    this.k0 = key.k0 | 0
    this.k1 = key.k1 | 0
  }

  /** Hash of an IPv4 flow. `ports` holds the port of the endpoint `a` in its upper half. */
  hash4(a: number, b: number, ports: number, link: number): number {
    let m0 = a
    let m1 = b
    let m2 = ports
    const swapped = (ports << 16) | (ports >>> 16)
    if (a > b || (a === b && swapped < ports)) {
      m0 = b
      m1 = a
      m2 = swapped
    }
    this.start()
    this.round(m0)
    this.round(m1)
    this.round(m2)
    this.round(link)
    return this.finish()
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
    const swapped = (ports << 16) | (ports >>> 16)
    const order = a3 - b3 || a2 - b2 || a1 - b1 || a0 - b0 || ports - swapped
    this.start()
    if (order > 0) {
      this.four(b0, b1, b2, b3)
      this.four(a0, a1, a2, a3)
      this.round(swapped)
    } else {
      this.four(a0, a1, a2, a3)
      this.four(b0, b1, b2, b3)
      this.round(ports)
    }
    this.round(link)
    return this.finish()
  }

  private start(): void {
    this.v0 = this.k0
    this.v1 = this.k1
    this.v2 = 0x6c796765 ^ this.k0
    this.v3 = 0x74656462 ^ this.k1
  }

  private four(w0: number, w1: number, w2: number, w3: number): void {
    this.round(w0)
    this.round(w1)
    this.round(w2)
    this.round(w3)
  }

  private round(m: number): void {
    let v0 = this.v0
    let v1 = this.v1
    let v2 = this.v2
    let v3 = this.v3 ^ m
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    this.v0 = v0 ^ m
    this.v1 = v1
    this.v2 = v2
    this.v3 = v3
  }

  private finish(): number {
    this.v2 ^= 0xff
    this.round(0)
    this.round(0)
    this.round(0)
    return this.v1 ^ this.v3
  }
}
