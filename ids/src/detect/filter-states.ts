/**
 * The counts of filters, kept by filter and address (or flow) in tables of bounded size.
 *
 * In: a key, what it counts for, packet time. Out: whether a window's count lets a match through; whether a rate has been
 * exceeded. Used by `AlertFilter` only.
 */

/** Counts matches in windows of time. */
export interface WindowCount {
  readonly kind: 'detection_filter' | 'limit' | 'threshold' | 'both'
  readonly count: number
  readonly seconds: number
}

/** Snort's rate_filter: more than `count` matches within `seconds`. */
export interface RateLimit {
  readonly count: number
  /** 0 = since the beginning. */
  readonly seconds: number
  /** Seconds after which it is over; 0 = never. */
  readonly timeout: number
}

interface Window {
  start: number
  count: number
  /** Matches in the window just before this one; 0 when there was none. */
  previous: number
}

export interface Rate {
  start: number
  count: number
  /** The window before was over the limit. */
  over: boolean
  active: boolean
  /** When it became active. */
  since: number
  /** This match has made it active. */
  fresh: boolean
}

/** A map that forgets its oldest entry when it is full. In order of creation, which is what is given up first. */
class BoundedStates<T> {
  readonly #states = new Map<string, T>()
  readonly #limit: number
  readonly #forgotten: () => void

  constructor(limit: number, forgotten: () => void) {
    this.#limit = limit
    this.#forgotten = forgotten
  }

  get size(): number {
    return this.#states.size
  }

  get(key: string): T | undefined {
    return this.#states.get(key)
  }

  add(key: string, state: T): T {
    if (this.#states.size >= this.#limit) {
      const oldest = this.#states.keys().next().value
      if (oldest !== undefined) this.#states.delete(oldest)
      this.#forgotten()
    }
    this.#states.set(key, state)
    return state
  }
}

export class WindowStates {
  readonly #states: BoundedStates<Window>

  constructor(limit: number, forgotten: () => void) {
    this.#states = new BoundedStates(limit, forgotten)
  }

  get size(): number {
    return this.#states.size
  }

  /** Counts one match; true = it is let through. */
  count(key: string, window: WindowCount, seconds: number): boolean {
    const state = this.#states.get(key) ?? this.#states.add(key, { start: seconds, count: 0, previous: 0 })
    const elapsed = seconds - state.start
    if (elapsed >= window.seconds) {
      state.previous = elapsed > 2 * window.seconds ? 0 : state.count
      state.start = seconds
      state.count = 0
    }
    state.count++
    switch (window.kind) {
      case 'detection_filter':
        return state.count > window.count || state.previous > window.count
      case 'limit':
        return state.count <= window.count
      case 'threshold':
        if (state.count < window.count) return false
        state.count = 0
        return true
      case 'both':
        return state.count === window.count
    }
  }
}

export class RateStates {
  readonly #states: BoundedStates<Rate>

  constructor(limit: number, forgotten: () => void) {
    this.#states = new BoundedStates(limit, forgotten)
  }

  get size(): number {
    return this.#states.size
  }

  /** Counts one match; the state says whether the rate has been exceeded. Valid until the next call. */
  count(key: string, { count, seconds: period, timeout }: RateLimit, seconds: number): Readonly<Rate> {
    const state =
      this.#states.get(key) ??
      this.#states.add(key, {
        start: seconds,
        count: 0,
        over: false,
        active: false,
        since: 0,
        fresh: false,
      })
    const elapsed = seconds - state.start
    if (period > 0 && elapsed >= period) {
      state.over = elapsed < 2 * period && state.count > count
      state.start = seconds
      state.count = 0
    }
    state.count++
    const exceeded = state.over || state.count > count
    state.fresh = exceeded && !state.active
    if (state.fresh) {
      state.active = true
      state.since = seconds
    } else if (state.active && timeout > 0 && seconds - state.since >= timeout) {
      // Over for now; a rate that is still too high begins anew.
      state.active = exceeded
      state.since = seconds
    }
    return state
  }
}
