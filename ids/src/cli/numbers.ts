/** Numbers for people. */

/** 1234567 → `1,234,567`. */
export const countText = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

/** `1 flow`, `2 flows`. */
export const plural = (value: number, noun: string, nouns = `${noun}s`): string =>
  `${countText(value)} ${value === 1 ? noun : nouns}`

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Decimal units, three significant digits. */
export const bytesText = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}
