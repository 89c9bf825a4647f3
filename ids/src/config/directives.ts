/**
 * snort.conf lines that are not rules and mean something here: event_filter, threshold, suppress, `config
 * checksum_mode`. Every other directive of Snort's is left to the loader, which reports it.
 *
 * Forms (snort-manual 2.4, 3.7): `event_filter gen_id 1, sig_id 5, type limit, track by_src, count 1, seconds 60`,
 * `suppress gen_id 1, sig_id 5[, track by_src, ip 10.0.0.0/8]`.
 */
import type { EventFilter, Suppression } from '../detect/alert-filter.js'
import { type Directive, RuleTextError, type Variables } from '../rules/index.js'

/** What the directives of all files came to. */
export interface ConfigDirectives {
  readonly eventFilters: EventFilter[]
  readonly suppressions: Suppression[]
  checksums: 'verify' | 'ignore' | undefined
}

export const newConfigDirectives = (): ConfigDirectives => ({
  eventFilters: [],
  suppressions: [],
  checksums: undefined,
})

const wrong = (directive: Directive, message: string): RuleTextError =>
  new RuleTextError('value', `bad ${directive.keyword}`, `${directive.keyword}: ${message}`, directive.restAt)

/**
 * Takes a directive if it is one of ours.
 * @throws RuleTextError when it is, and is wrong
 */
export const takeDirective = (
  directive: Directive,
  into: ConfigDirectives,
  variables: Variables,
): boolean => {
  switch (directive.keyword) {
    case 'event_filter':
    case 'threshold':
      into.eventFilters.push(eventFilter(directive))
      return true
    case 'suppress':
      into.suppressions.push(suppression(directive, variables))
      return true
    case 'config':
      return checksumMode(directive, into)
    default:
      return false
  }
}

const checksumMode = (directive: Directive, into: ConfigDirectives): boolean => {
  const match = /^checksum_mode\s*:\s*(\S+)$/i.exec(directive.rest.trim())
  if (match === null) return false
  const mode = match[1]!.toLowerCase()
  if (mode !== 'all' && mode !== 'none') return false
  into.checksums = mode === 'all' ? 'verify' : 'ignore'
  return true
}

/** `key value, key value` with each key of `keys` at most once; a bracketed list may hold commas. */
const pairs = (directive: Directive, keys: readonly string[]): ReadonlyMap<string, string> => {
  const result = new Map<string, string>()
  for (const part of directive.rest.split(/,(?![^[]*\])/)) {
    const match = /^\s*(\w+)\s+(.+?)\s*$/s.exec(part)
    if (match === null) throw wrong(directive, `expected 'name value', not '${part.trim()}'`)
    const [, key, value] = match as unknown as [string, string, string]
    if (!keys.includes(key)) throw wrong(directive, `unknown setting '${key}'; there are ${keys.join(', ')}`)
    if (result.has(key)) throw wrong(directive, `${key} given twice`)
    result.set(key, value)
  }
  return result
}

const integer = (
  directive: Directive,
  given: ReadonlyMap<string, string>,
  key: string,
  low: number,
): number => {
  const text = given.get(key)
  if (text === undefined) throw wrong(directive, `${key} is missing`)
  const value = Number(text)
  if (!/^-?\d+$/.test(text) || value < low || value > 0xffffffff)
    throw wrong(directive, `${key} cannot be ${text}`)
  return value
}

const track = (directive: Directive, text: string | undefined): 'by_src' | 'by_dst' => {
  if (text === 'by_src' || text === 'by_dst') return text
  throw wrong(directive, `track must be by_src or by_dst`)
}

const eventFilter = (directive: Directive): EventFilter => {
  const given = pairs(directive, ['gen_id', 'sig_id', 'type', 'track', 'count', 'seconds'])
  const type = given.get('type')
  if (type !== 'limit' && type !== 'threshold' && type !== 'both') {
    throw wrong(directive, 'type must be limit, threshold or both')
  }
  const count = integer(directive, given, 'count', -1)
  if (count === 0) throw wrong(directive, 'count cannot be 0')
  return {
    gid: integer(directive, given, 'gen_id', 0),
    sid: integer(directive, given, 'sig_id', 0),
    type,
    track: track(directive, given.get('track')),
    count,
    seconds: integer(directive, given, 'seconds', 1),
  }
}

const suppression = (directive: Directive, variables: Variables): Suppression => {
  const given = pairs(directive, ['gen_id', 'sig_id', 'track', 'ip'])
  const addresses = given.get('ip')
  const tracked = given.get('track')
  if ((addresses === undefined) !== (tracked === undefined)) {
    throw wrong(directive, 'track and ip go together')
  }
  return {
    gid: integer(directive, given, 'gen_id', 0),
    sid: integer(directive, given, 'sig_id', 0),
    track: tracked === undefined ? undefined : track(directive, tracked),
    addresses: addresses === undefined ? undefined : variables.addresses(addresses, directive.restAt),
  }
}
