/**
 * Lines of snort.conf (or threshold.conf) that filter alerts: event_filter, threshold, suppress, rate_filter.
 *
 * Forms (snort-manual 2.4, 3.7): `event_filter gen_id 1, sig_id 5, type limit, track by_src, count 1, seconds 60`,
 * `suppress gen_id 1, sig_id 5[, track by_src, ip 10.0.0.0/8]`, `rate_filter gen_id 1, sig_id 5, track by_src, count 100,
 * seconds 1, new_action drop, timeout 10[, apply_to 10.0.0.0/8]`.
 */
import type { EventFilter, RateFilter, Suppression } from '../detect/alert-filter.js'
import {
  type Directive,
  RULE_ACTIONS,
  type RuleAction,
  RuleTextError,
  TRACKS,
  type Track,
  type Variables,
} from '../rules/index.js'

export const wrong = (directive: Directive, message: string): RuleTextError =>
  new RuleTextError('value', `bad ${directive.keyword}`, `${directive.keyword}: ${message}`, directive.restAt)

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

const track = (directive: Directive, text: string | undefined): Track => {
  const found = TRACKS.find((one) => one === text)
  if (found === undefined) throw wrong(directive, `track must be one of ${TRACKS.join(', ')}`)
  return found
}

const addressTrack = (directive: Directive, text: string): 'by_src' | 'by_dst' => {
  if (text === 'by_src' || text === 'by_dst') return text
  throw wrong(directive, 'track must be by_src or by_dst')
}

/** Snort 2's word for each action, and Snort 3's. */
const action = (directive: Directive, text: string | undefined): RuleAction => {
  const found = RULE_ACTIONS.find((one) => one === text)
  if (found === undefined) throw wrong(directive, `new_action must be one of ${RULE_ACTIONS.join(', ')}`)
  return found
}

export const eventFilter = (directive: Directive): EventFilter => {
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

export const suppression = (directive: Directive, variables: Variables): Suppression => {
  const given = pairs(directive, ['gen_id', 'sig_id', 'track', 'ip'])
  const addresses = given.get('ip')
  const tracked = given.get('track')
  if ((addresses === undefined) !== (tracked === undefined)) {
    throw wrong(directive, 'track and ip go together')
  }
  return {
    gid: integer(directive, given, 'gen_id', 0),
    sid: integer(directive, given, 'sig_id', 0),
    track: tracked === undefined ? undefined : addressTrack(directive, tracked),
    addresses: addresses === undefined ? undefined : variables.addresses(addresses, directive.restAt),
  }
}

const RATE_KEYS = ['gen_id', 'sig_id', 'track', 'count', 'seconds', 'new_action', 'timeout', 'apply_to']

export const rateFilter = (directive: Directive, variables: Variables): RateFilter => {
  const given = pairs(directive, RATE_KEYS)
  const applyTo = given.get('apply_to')
  return {
    gid: integer(directive, given, 'gen_id', 0),
    sid: integer(directive, given, 'sig_id', 1),
    track: track(directive, given.get('track')),
    count: integer(directive, given, 'count', 1),
    seconds: integer(directive, given, 'seconds', 0),
    newAction: action(directive, given.get('new_action')),
    timeout: given.has('timeout') ? integer(directive, given, 'timeout', 0) : 0,
    applyTo: applyTo === undefined ? undefined : variables.addresses(applyTo, directive.restAt),
  }
}
