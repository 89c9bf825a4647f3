/**
 * Packet times as text. The part that changes once a second is cached, so a burst of alerts costs one date conversion.
 */

export interface TimestampOptions {
  /** UTC instead of the local time zone (`-U`). */
  readonly utc: boolean
  /** With the year (`-y`). */
  readonly year: boolean
  /** Place of the year: Snort 3 writes YY/MM/DD, Snort 2 MM/DD/YY. */
  readonly yearFirst: boolean
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value))

/** `.uuuuuu` of a number of nanoseconds. */
const fraction = (nanoseconds: number): string => {
  const micro = Math.trunc(nanoseconds / 1000)
  return `.${String(1_000_000 + micro).slice(1)}`
}

/** The six calendar fields of a time; a time outside the calendar (a damaged capture) reads as 1970-01-01. */
const calendar = (seconds: number, utc: boolean): readonly number[] => {
  let date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) date = new Date(0)
  return utc
    ? [
        date.getUTCFullYear(),
        date.getUTCMonth() + 1,
        date.getUTCDate(),
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCSeconds(),
        0,
      ]
    : [
        date.getFullYear(),
        date.getMonth() + 1,
        date.getDate(),
        date.getHours(),
        date.getMinutes(),
        date.getSeconds(),
        -date.getTimezoneOffset(),
      ]
}

/** Snort's `MM/DD-hh:mm:ss.uuuuuu`, with the year `YY/MM/DD-…` (Snort 3) or `MM/DD/YY-…` (Snort 2). */
export class SnortTimestamps {
  readonly #options: TimestampOptions
  #second = Number.NaN
  #text = ''

  constructor(options: TimestampOptions) {
    this.#options = options
  }

  format(seconds: number, nanoseconds: number): string {
    if (seconds !== this.#second) {
      this.#second = seconds
      this.#text = this.#wholeSecond(seconds)
    }
    return this.#text + fraction(nanoseconds)
  }

  #wholeSecond(seconds: number): string {
    const [year, month, day, hour, minute, second] = calendar(seconds, this.#options.utc) as number[]
    const shortYear = two(year! % 100)
    const monthDay = `${two(month!)}/${two(day!)}`
    let date = monthDay
    if (this.#options.year)
      date = this.#options.yearFirst ? `${shortYear}/${monthDay}` : `${monthDay}/${shortYear}`
    return `${date}-${two(hour!)}:${two(minute!)}:${two(second!)}`
  }
}

/** EVE's `YYYY-MM-DDThh:mm:ss.uuuuuu+hhmm`. */
export class IsoTimestamps {
  readonly #utc: boolean
  #second = Number.NaN
  #text = ''
  #zone = '+0000'

  constructor(utc: boolean) {
    this.#utc = utc
  }

  format(seconds: number, nanoseconds: number): string {
    if (seconds !== this.#second) this.#wholeSecond(seconds)
    return this.#text + fraction(nanoseconds) + this.#zone
  }

  #wholeSecond(seconds: number): void {
    const [year, month, day, hour, minute, second, zone] = calendar(seconds, this.#utc) as number[]
    const minutes = Math.abs(zone!)
    this.#second = seconds
    this.#zone = `${zone! < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}${two(minutes % 60)}`
    this.#text = `${String(year).padStart(4, '0')}-${two(month!)}-${two(day!)}T${two(hour!)}:${two(minute!)}:${two(second!)}`
  }
}
