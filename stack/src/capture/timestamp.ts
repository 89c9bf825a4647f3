/** Time stamps of pcapng: 64-bit counts in units that each interface chooses. */

/** Above 2^37 units per second the products of the division below exceed 2^53. */
const MAX_EXACT_UNITS = 2 ** 37
const MAX_SECONDS = 0xffff_ffff

/**
 * Turns the two halves of a time stamp into seconds and nanoseconds, left in `seconds` and `nanoseconds` of this object
 * (no allocation for any resolution in use). Seconds are cut to 0..2^32-1, the range of classic captures.
 */
export class TimestampReader {
  seconds = 0
  nanoseconds = 0
  private readonly unitsPerSecond: number
  /** Nanoseconds of one unit, when that is a whole number; else 0. */
  private readonly nanosecondsPerUnit: number
  private readonly exactUnits: bigint
  private readonly offsetSeconds: number

  /**
   * @param resolution the if_tsresol byte: a negative power of 10, or of 2 when the top bit is set; default 6
   * @param offsetSeconds the if_tsoffset option
   */
  constructor(resolution = 6, offsetSeconds = 0) {
    const exponent = resolution & 0x7f
    this.exactUnits = (resolution & 0x80) !== 0 ? 2n ** BigInt(exponent) : 10n ** BigInt(exponent)
    this.unitsPerSecond = Number(this.exactUnits)
    const whole = 1_000_000_000n % this.exactUnits === 0n
    this.nanosecondsPerUnit = whole ? Number(1_000_000_000n / this.exactUnits) : 0
    this.offsetSeconds = offsetSeconds
  }

  /** @param high upper 32 bits @param low lower 32 bits, both unsigned */
  read(high: number, low: number): void {
    const units = this.unitsPerSecond
    if (units > MAX_EXACT_UNITS) {
      this.readExact(high, low)
      return
    }
    // Long division in three digits (32, 16, 16 bits): every product stays below 2^53.
    const quotient0 = Math.floor(high / units)
    const part1 = (high - quotient0 * units) * 0x10000 + (low >>> 16)
    const quotient1 = Math.floor(part1 / units)
    const part2 = (part1 - quotient1 * units) * 0x10000 + (low & 0xffff)
    const quotient2 = Math.floor(part2 / units)
    const rest = part2 - quotient2 * units
    const seconds = quotient0 * 0x1_0000_0000 + quotient1 * 0x10000 + quotient2
    this.nanoseconds =
      this.nanosecondsPerUnit > 0
        ? rest * this.nanosecondsPerUnit
        : Math.min(999_999_999, Math.floor((rest / units) * 1e9))
    this.setSeconds(seconds)
  }

  private readExact(high: number, low: number): void {
    const stamp = (BigInt(high) << 32n) | BigInt(low)
    this.nanoseconds = Number(((stamp % this.exactUnits) * 1_000_000_000n) / this.exactUnits)
    this.setSeconds(Number(stamp / this.exactUnits))
  }

  private setSeconds(seconds: number): void {
    this.seconds = Math.min(MAX_SECONDS, Math.max(0, seconds + this.offsetSeconds))
  }
}
