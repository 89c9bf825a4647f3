/**
 * The memory budget: what flows may make the stack keep, counted in one place.
 *
 * In: every chunk that the stores of out-of-order data, of kept data and of fragments take or give back, and every timer.
 * Out: whether there is room. When there is none, what is worth less goes first: kept data (it has been delivered; only
 * looking back suffers), oldest first; then datagrams of which fragments are missing, oldest first (most wait for what will
 * never come); then whoever asks goes without: a stream gives up its oldest hole, a timer is not set. So data in order is
 * never lost, and what others hold cannot be pushed out by a flood of new flows. Called by the stores.
 */

/** Kinds of memory, from what is given up first on. */
export const MEMORY = { KEPT: 0, FRAGMENTS: 1, HELD: 2, TIMERS: 3 } as const
/** One of them. */
export type MemoryKind = (typeof MEMORY)[keyof typeof MEMORY]

/** What a timer counts as: the object, its handler, its place in a list. */
export const TIMER_BYTES = 256

/** Fragments may always use as much: room for a datagram of full size. */
const FRAGMENT_FLOOR = 128 * 1024

/** The limits of `StackOptions.memory`. */
export interface MemoryLimits {
  /**
   * Out-of-order data, data kept for `peek`, fragments and timers of applications, all together, bytes. Default 256 MiB,
   * which the limits of each do not add up to. Beyond it: kept data goes, oldest first; then incomplete datagrams, oldest
   * first; then streams give up their oldest hole and timers are refused.
   */
  readonly totalBytes: number
  /**
   * Of these, what one flow may use (fragments belong to none). Default 16 MiB. Beyond it the flow gives up its own: the
   * oldest kept data, the oldest hole; timers are refused.
   */
  readonly flowBytes: number
}

/** What is in use of a stack's memory, and whether there is room for more. */
export class MemoryBudget {
  /** Bytes in use by kind. */
  readonly used: number[] = [0, 0, 0, 0]
  /** Times there was no room. */
  refused = 0
  /** Times there was none for one flow. */
  flowRefused = 0
  /** Times something was given up to make room, by kind. */
  readonly reclaimed: number[] = [0, 0, 0, 0]
  private total = 0
  private readonly limits: MemoryLimits
  /** By kind: gives up what is oldest of it. False when there is nothing. */
  private readonly reclaimers: (() => boolean)[] = []
  /** What a flow uses, by store. */
  private readonly users: ((row: number) => number)[] = []

  /** Nothing is in use. */
  constructor(limits: MemoryLimits) {
    this.limits = limits
  }

  /** Bytes in use. */
  get inUse(): number {
    return this.total
  }

  /** Names what gives up the oldest memory of a kind. */
  reclaimBy(kind: MemoryKind, reclaim: () => boolean): void {
    this.reclaimers[kind] = reclaim
  }

  /** Names what tells how much of a store one flow uses. */
  countBy(use: (row: number) => number): void {
    this.users.push(use)
  }

  /** Whether there is room for `bytes` more; makes room at the expense of what is worth less. */
  has(kind: MemoryKind, bytes: number): boolean {
    const { totalBytes } = this.limits
    if (this.total + bytes <= totalBytes) return true
    for (let less = 0; less < kind; less++) {
      const reclaim = this.reclaimers[less]
      while (this.total + bytes > totalBytes && reclaim?.() === true) this.reclaimed[less]++
    }
    if (this.total + bytes <= totalBytes) return true
    if (kind === MEMORY.FRAGMENTS && this.used[kind] + bytes <= FRAGMENT_FLOOR) return true
    this.refused++
    return false
  }

  /** Whether the flow in `row` may use `bytes` more. */
  flowHas(row: number, bytes: number): boolean {
    let sum = bytes
    for (let i = 0; i < this.users.length; i++) sum += this.users[i](row)
    if (sum <= this.limits.flowBytes) return true
    this.flowRefused++
    return false
  }

  /** Counts memory taken. */
  add(kind: MemoryKind, bytes: number): void {
    this.used[kind] += bytes
    this.total += bytes
  }

  /** Counts memory given back. */
  remove(kind: MemoryKind, bytes: number): void {
    this.used[kind] -= bytes
    this.total -= bytes
  }
}

/** A budget that nothing exhausts, for a part used on its own. */
export function unlimitedMemory(): MemoryBudget {
  return new MemoryBudget({ totalBytes: Number.POSITIVE_INFINITY, flowBytes: Number.POSITIVE_INFINITY })
}
