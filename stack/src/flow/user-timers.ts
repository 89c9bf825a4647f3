/**
 * Timers of applications, on trace time: hierarchical timing wheels (Varghese and Lauck), one list per slot.
 *
 * In: `setTimer` of flow handles and the stack, and the passing of trace time. Out: calls of the timers' handlers. Setting,
 * cancelling and expiry take constant time each; time without timers due is skipped over. Called by the stack.
 */
import { C } from '../counters.js'
import { MEMORY, type MemoryBudget, TIMER_BYTES, unlimitedMemory } from './memory.js'

/** A timer that has been set. */
export interface Timer {
  /** It has neither come up nor been cancelled; nor has its flow ended. */
  readonly active: boolean
  /** May be called at any time, more than once, and inside its own handler. */
  cancel(): void
}

/** Microseconds per tick. */
const TICK = 1000
const SLOTS = 64
/** Ticks that a slot of each level stands for. The highest level spans 12 days; beyond, timers are looked at and put back. */
const STEPS: readonly number[] = [1, 64, 64 ** 2, 64 ** 3, 64 ** 4]
const SPAN = 64 ** 5
/** A step back of more ticks than this is a new time base, not disorder between interfaces. */
const TOLERANCE = 60_000

class UserTimer implements Timer {
  readonly owner: UserTimers
  /** Flow it belongs to, or 0, and the socket that set it. */
  readonly row: number
  readonly socket: number
  readonly run: () => void
  /** Tick. */
  deadline = 0
  /** Slot it is in, or -1. */
  slot = -1
  next: UserTimer | undefined
  previous: UserTimer | undefined
  /** Neighbours among the flow's timers. */
  flowNext: UserTimer | undefined
  flowPrevious: UserTimer | undefined
  /** Of the first of them: how many there are. */
  together = 0

  constructor(owner: UserTimers, row: number, socket: number, run: () => void) {
    this.owner = owner
    this.row = row
    this.socket = socket
    this.run = run
  }

  get active(): boolean {
    return this.slot >= 0
  }

  cancel(): void {
    this.owner.remove(this)
  }
}

export class UserTimers {
  /** Timers set. */
  count = 0
  /** Before this trace time (microseconds) `advance` has nothing to do. */
  due = Number.POSITIVE_INFINITY
  private readonly limit: number
  private readonly memory: MemoryBudget
  private readonly counts: Float64Array
  private readonly heads = new Array<UserTimer | undefined>(STEPS.length * SLOTS).fill(undefined)
  private readonly tails = new Array<UserTimer | undefined>(STEPS.length * SLOTS).fill(undefined)
  private readonly perLevel = new Int32Array(STEPS.length)
  private readonly flows = new Map<number, UserTimer>()
  /** Ticks of the wheels' own clock, which never goes back, and what it is ahead of trace time. */
  private elapsed = 0
  private ahead = 0

  /** @param limit timers at the same time, at most */
  constructor(limit: number, counts: Float64Array, memory: MemoryBudget = unlimitedMemory()) {
    this.limit = limit
    this.memory = memory
    memory.countBy((row) => (this.flows.get(row)?.together ?? 0) * TIMER_BYTES)
    this.counts = counts
  }

  /**
   * Calls `run` once trace time has come `micros` further than `now`, in the resolution of a millisecond (never early).
   * @param row flow it goes with, or 0
   * @returns a timer; not active when there are too many
   */
  set(now: number, micros: number, row: number, socket: number, run: () => void): Timer {
    if (!(micros >= 0 && micros < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`a timer must be set to a number of microseconds from 0 up, not ${micros}`)
    }
    if (typeof run !== 'function') throw new TypeError('handler is not a function')
    const timer = new UserTimer(this, row, socket, run)
    if (this.count >= this.limit || !this.hasRoom(row)) {
      this.counts[C.timersRefused]++
      return timer
    }
    if (this.count === 0) {
      // No timer waits for the time in between.
      this.elapsed = Math.floor(now / TICK)
      this.ahead = 0
    }
    timer.deadline = Math.max(this.elapsed + 1, Math.ceil((now + micros) / TICK) + this.ahead)
    this.count++
    this.memory.add(MEMORY.TIMERS, TIMER_BYTES)
    this.insert(timer)
    if (row !== 0) this.join(timer)
    this.due = Math.min(this.due, (this.nextTick() - this.ahead) * TICK)
    return timer
  }

  /** Ends the timers of a flow: all, or those of one socket. */
  cancelFlow(row: number, socket = -1): void {
    let timer = this.flows.get(row)
    while (timer !== undefined) {
      const next: UserTimer | undefined = timer.flowNext
      if (socket < 0 || timer.socket === socket) this.remove(timer)
      timer = next
    }
  }

  cancelSocket(socket: number): void {
    for (const row of [...this.flows.keys()]) this.cancelFlow(row, socket)
  }

  /** Trace time is `now` (microseconds): calls the handlers that are due. Their exceptions go through; the rest stays due. */
  advance(now: number): void {
    if (this.count === 0) return
    const target = Math.floor(now / TICK) + this.ahead
    if (this.elapsed - target > TOLERANCE) this.ahead += this.elapsed - target
    try {
      this.fire(this.elapsed)
      while (this.elapsed < target && this.count > 0) {
        const next = this.nextTick()
        if (next > target) {
          this.elapsed = target
          break
        }
        this.elapsed = next
        this.cascade()
        this.fire(next)
      }
    } finally {
      this.due = this.count === 0 ? Number.POSITIVE_INFINITY : (this.nextTick() - this.ahead) * TICK
      if (this.heads[this.elapsed % SLOTS] !== undefined) this.due = 0
    }
  }

  remove(timer: UserTimer): void {
    const { slot, next, previous } = timer
    if (slot < 0) return
    if (previous !== undefined) previous.next = next
    else this.heads[slot] = next
    if (next !== undefined) next.previous = previous
    else this.tails[slot] = previous
    timer.slot = -1
    timer.next = timer.previous = undefined
    this.perLevel[Math.floor(slot / SLOTS)]--
    this.count--
    this.memory.remove(MEMORY.TIMERS, TIMER_BYTES)
    if (timer.row !== 0) this.leave(timer)
  }

  private hasRoom(row: number): boolean {
    if (row !== 0 && !this.memory.flowHas(row, TIMER_BYTES)) return false
    return this.memory.has(MEMORY.TIMERS, TIMER_BYTES)
  }

  /** The next tick at which a slot of the lowest level in use begins. */
  private nextTick(): number {
    const level = this.perLevel.findIndex((n) => n > 0)
    const step = STEPS[level < 0 ? 0 : level]
    return (Math.floor(this.elapsed / step) + 1) * step
  }

  private insert(timer: UserTimer): void {
    const delta = Math.min(timer.deadline - this.elapsed, SPAN - 1)
    let level = 0
    while (level < STEPS.length - 1 && delta >= STEPS[level + 1]) level++
    const slot = level * SLOTS + (Math.floor((this.elapsed + delta) / STEPS[level]) % SLOTS)
    const tail = this.tails[slot]
    timer.slot = slot
    timer.previous = tail
    timer.next = undefined
    if (tail !== undefined) tail.next = timer
    else this.heads[slot] = timer
    this.tails[slot] = timer
    this.perLevel[level]++
  }

  /** Takes the slots that begin now apart, from the highest level down. */
  private cascade(): void {
    for (let level = STEPS.length - 1; level > 0; level--) {
      if (this.elapsed % STEPS[level] !== 0) continue
      const slot = level * SLOTS + ((this.elapsed / STEPS[level]) % SLOTS)
      let timer = this.heads[slot]
      this.heads[slot] = this.tails[slot] = undefined
      while (timer !== undefined) {
        const next: UserTimer | undefined = timer.next
        this.perLevel[level]--
        this.insert(timer)
        timer = next
      }
    }
  }

  /**
   * Calls what is due at the current tick. A timer set meanwhile is due at the next one at the earliest: also one that falls
   * in the same slot, as it may when it was the only one, and the clock has been set forward for it.
   */
  private fire(tick: number): void {
    const slot = tick % SLOTS
    for (let timer = this.heads[slot]; timer !== undefined; timer = this.heads[slot]) {
      if (timer.deadline > tick) break
      this.remove(timer)
      timer.run()
    }
  }

  private join(timer: UserTimer): void {
    const head = this.flows.get(timer.row)
    timer.flowNext = head
    timer.together = (head?.together ?? 0) + 1
    if (head !== undefined) head.flowPrevious = timer
    this.flows.set(timer.row, timer)
  }

  private leave(timer: UserTimer): void {
    const { flowNext, flowPrevious } = timer
    if (flowPrevious !== undefined) {
      flowPrevious.flowNext = flowNext
      const head = this.flows.get(timer.row)
      if (head !== undefined) head.together--
    } else if (flowNext !== undefined) {
      flowNext.together = timer.together - 1
      this.flows.set(timer.row, flowNext)
    } else {
      this.flows.delete(timer.row)
    }
    if (flowNext !== undefined) flowNext.flowPrevious = flowPrevious
    timer.flowNext = timer.flowPrevious = undefined
  }
}
