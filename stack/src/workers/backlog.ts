/**
 * How much each thread has sent that has not been dealt with yet, so that threads wait for a slow consumer instead of
 * filling the memory; and the order to stop. Memory shared by all threads of a pool.
 */
export class Backlog {
  /** To be handed to the threads. */
  readonly shared: SharedArrayBuffer
  private readonly cells: Int32Array

  /** @param shared of `create`, in another thread */
  constructor(shared: SharedArrayBuffer) {
    this.shared = shared
    this.cells = new Int32Array(shared)
  }

  /** For the main thread. */
  static create(workers: number): Backlog {
    return new Backlog(new SharedArrayBuffer((workers + 1) * Int32Array.BYTES_PER_ELEMENT))
  }

  /** Worker: `amount` more is on its way. */
  add(worker: number, amount: number): void {
    Atomics.add(this.cells, worker + 1, amount)
  }

  /** Main thread: `amount` has been dealt with. */
  remove(worker: number, amount: number): void {
    Atomics.sub(this.cells, worker + 1, amount)
    Atomics.notify(this.cells, worker + 1)
  }

  /**
   * Worker: waits while more than `limit` is waiting, but not for ever: what waits may be items of the packet this very
   * worker is at, which cannot be delivered before it moves on.
   */
  wait(worker: number, limit: number, milliseconds: number): void {
    const cell = worker + 1
    const level = Atomics.load(this.cells, cell)
    if (level > limit && !this.stopped) Atomics.wait(this.cells, cell, level, milliseconds)
  }

  /** Ends all waiting, now and later. */
  stop(): void {
    Atomics.store(this.cells, 0, 1)
    for (let cell = 1; cell < this.cells.length; cell++) Atomics.notify(this.cells, cell)
  }

  /** `stop` was called, in whatever thread. */
  get stopped(): boolean {
    return Atomics.load(this.cells, 0) === 1
  }
}
