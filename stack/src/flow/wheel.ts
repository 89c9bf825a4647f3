/**
 * Timer wheel over flow rows: one slot per second of trace time, no work per packet.
 *
 * A flow sits in the slot of its earliest possible expiry. Packets do not move it; when its slot comes up, the owner looks
 * at the time of its last packet and puts it into a later slot, or ends it. In: the seconds of packet time stamps. Out:
 * calls of `expire`. Called by the stack whenever the second changes.
 *
 * Time stamps are hostile, too: a row is looked at once for each jump ahead, however long, and jumps back and forth do not
 * have all rows looked at each time.
 */
import { ROW_SHIFT, TIMER_NEXT, TIMER_PREV, TIMER_SLOT } from './layout.js'

/** Longest time ahead, in seconds; what is due later is looked at then and put off again. */
const SLOTS = 4096
/** A step back of more than this many seconds is a new time base, not disorder between interfaces. */
const TOLERANCE = 60
/** Rows looked at for each change of the second, at most, when time jumps ahead to where it has been before. */
const ROWS_PER_CHANGE = 256

export class TimerWheel {
  private readonly words: Int32Array
  private readonly heads = new Int32Array(SLOTS)
  /** Slots passed so far, modulo 2^30. Time that goes backwards never takes it back. */
  private tick = -1
  /** Trace second that `tick` stands for. */
  private second = 0
  /** The latest second reached, in this time base or one before. */
  private latest = 0
  /** Changes of the second since a jump ahead below `latest` last counted. */
  private changes = 0
  private armed = 0
  /** While `advance` is at work: ticks it has yet to make. Rows are armed as of its end. */
  private lag = 0
  private started = false
  private asked = 0

  constructor(words: Int32Array) {
    this.words = words
    // Assigned twice: V8 takes a field assigned once for a constant, and code compiled before it changes is lost.
    this.tick = 0
  }

  /** True when `advance` may have something to do at this trace second. */
  due(second: number): boolean {
    // Now and then without need: a call first made after the caller was optimised would undo the optimisation.
    return second !== this.second || (++this.asked & 31) === 0
  }

  /** Puts the row in the slot `seconds` (rounded up, at least 1) from now, wherever it was. */
  arm(row: number, seconds: number): void {
    const words = this.words
    const at = row << ROW_SHIFT
    if (words[at + TIMER_SLOT] !== 0) this.disarm(row)
    const ahead = seconds < 1 ? 1 : seconds >= SLOTS - 1 ? SLOTS - 1 : Math.ceil(seconds)
    const distance = this.lag + ahead
    const slot = (this.tick + (distance < SLOTS ? distance : SLOTS - 1)) & (SLOTS - 1)
    const head = this.heads[slot]
    this.armed++
    words[at + TIMER_SLOT] = slot + 1
    words[at + TIMER_PREV] = 0
    words[at + TIMER_NEXT] = head
    // Row 0 is no flow: what is written to it does not matter.
    words[(head << ROW_SHIFT) + TIMER_PREV] = row
    this.heads[slot] = row
  }

  disarm(row: number): void {
    const words = this.words
    const at = row << ROW_SHIFT
    const slot = words[at + TIMER_SLOT]
    if (slot === 0) return
    const next = words[at + TIMER_NEXT]
    const prev = words[at + TIMER_PREV]
    if (prev !== 0) words[(prev << ROW_SHIFT) + TIMER_NEXT] = next
    else this.heads[slot - 1] = next
    words[(next << ROW_SHIFT) + TIMER_PREV] = prev
    words[at + TIMER_SLOT] = 0
    this.armed--
  }

  /**
   * Moves to the trace second given and hands every row whose slot has come to `expire`, which must arm it again or let
   * it go. A row is disarmed before the call: an exception in `expire` leaves the wheel consistent, and the next call
   * goes on where it stopped.
   */
  advance(second: number, expire: (row: number) => void): void {
    if (!this.started) {
      this.started = true
      this.second = second
    }
    this.rebase(second)
    this.drain(this.tick & (SLOTS - 1), expire)
    // After one round every slot has been looked at.
    if (second - this.second > SLOTS) this.second = second - SLOTS
    try {
      while (this.second < second) {
        this.second++
        this.tick = (this.tick + 1) & 0x3fff_ffff
        this.lag = second - this.second
        this.drain(this.tick & (SLOTS - 1), expire)
      }
    } finally {
      this.lag = 0
    }
    if (second > this.latest) this.latest = second
  }

  /**
   * A step far back is a new time base. A step far ahead from it may be a pause, or lead back to the base before, whose
   * time has been counted: with many rows it counts only once in a while.
   */
  private rebase(second: number): void {
    if (second === this.second) return
    this.changes++
    if (this.second - second > TOLERANCE) this.second = second
    else if (second - this.second > TOLERANCE && this.second < this.latest) {
      if (this.armed <= this.changes * ROWS_PER_CHANGE) this.changes = 0
      else this.second = second < this.latest ? second : this.latest
    }
  }

  private drain(slot: number, expire: (row: number) => void): void {
    for (let row = this.heads[slot]; row !== 0; row = this.heads[slot]) {
      this.disarm(row)
      expire(row)
    }
  }
}
