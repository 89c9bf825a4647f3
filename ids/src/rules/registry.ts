/**
 * The table of all rule options, and everything that follows from it: lookup by dialect, unknown-option errors with a
 * suggestion, the listing of keywords.
 *
 * One row per option and dialect form; rows live in `options/`, one file per family.
 */
import type { OptionText, RuleBuilder } from './builder.js'
import type { Dialect } from './model.js'
import { afterMatchOptions } from './options/after-match.js'
import { base64Options } from './options/base64.js'
import { bufferOptions } from './options/buffers.js'
import { byteOptions } from './options/bytes.js'
import { contentOptions } from './options/content.js'
import { flowOptions } from './options/flow.js'
import { generalOptions } from './options/general.js'
import { hashOptions } from './options/hash.js'
import { headerOptions } from './options/header.js'
import { httpOptions } from './options/http.js'
import { industrialOptions } from './options/industrial.js'
import { lengthOptions } from './options/lengths.js'
import { notEvaluatedOptions } from './options/not-evaluated.js'
import { pcreOptions } from './options/pcre.js'
import { protocolOptions } from './options/protocols.js'
import { rateOptions } from './options/rate.js'
import { responseOptions } from './options/response.js'
import { sessionOptions } from './options/session.js'
import { structureOptions } from './options/structures.js'
import { quote, RuleTextError, syntaxError, valueError } from './problem.js'
import { didYouMean } from './suggest.js'

/**
 * `evaluated`: takes part in detection. `information`: describes the rule. `no-effect`: cannot change whether the rule
 * matches; what else it would do is not done, and a warning says so. `not-evaluated`: a rule with it is disabled.
 */
export type OptionStatus = 'evaluated' | 'information' | 'no-effect' | 'not-evaluated'

export interface OptionSpec {
  readonly name: string
  readonly dialects: readonly Dialect[]
  readonly status: OptionStatus
  /** Grammar of the argument for people; empty = none, in brackets = optional. */
  readonly argument: string
  readonly help: string
  /** Where Snort documents it: section of the 2.9 manual (2.9.11), or `S3` for Snort 3 only. */
  readonly section: string
  /** A second one in the same rule is an error. */
  readonly once?: boolean
  /** @throws RuleTextError */
  readonly parse: (rule: RuleBuilder, option: OptionText) => void
}

export const OPTIONS: readonly OptionSpec[] = [
  ...generalOptions,
  ...contentOptions,
  ...bufferOptions,
  ...httpOptions,
  ...hashOptions,
  ...pcreOptions,
  ...byteOptions,
  ...base64Options,
  ...lengthOptions,
  ...flowOptions,
  ...headerOptions,
  ...protocolOptions,
  ...industrialOptions,
  ...structureOptions,
  ...sessionOptions,
  ...rateOptions,
  ...afterMatchOptions,
  ...responseOptions,
  ...notEvaluatedOptions,
]

function index(dialect: Dialect): ReadonlyMap<string, OptionSpec> {
  const map = new Map<string, OptionSpec>()
  for (const spec of OPTIONS) {
    if (!spec.dialects.includes(dialect)) continue
    if (map.has(spec.name)) throw new Error(`option ${spec.name} has two rows for ${dialect}`)
    map.set(spec.name, spec)
  }
  return map
}

const BY_DIALECT: Readonly<Record<Dialect, ReadonlyMap<string, OptionSpec>>> = {
  snort2: index('snort2'),
  snort3: index('snort3'),
}

/** Names for people. */
export const DIALECT_NAMES: Readonly<Record<Dialect, string>> = { snort2: 'Snort 2.9', snort3: 'Snort 3' }

export function findOption(name: string, dialect: Dialect): OptionSpec | undefined {
  return BY_DIALECT[dialect].get(name)
}

/** Parses one option into the rule; returns its row. @throws RuleTextError */
export function applyOption(rule: RuleBuilder, option: OptionText): OptionSpec {
  const spec = BY_DIALECT[rule.dialect].get(option.name)
  if (spec === undefined) throw unknownOption(option, rule.dialect)
  if (spec.once === true) {
    if (rule.seen.includes(spec.name)) {
      throw valueError(`${spec.name} given twice`, `a rule may have only one '${spec.name}'`, option.at)
    }
    rule.seen.push(spec.name)
  }
  if (spec.argument === '' && option.value !== undefined && option.value !== '') {
    throw syntaxError(
      `unexpected argument of ${spec.name}`,
      `'${spec.name}' takes no argument`,
      option.valueAt,
    )
  }
  if (
    (option.value === undefined || option.value === '') &&
    spec.argument !== '' &&
    !spec.argument.startsWith('[')
  ) {
    throw syntaxError(
      `missing argument of ${spec.name}`,
      `'${spec.name}' needs an argument: ${spec.argument}`,
      option.at,
    )
  }
  try {
    spec.parse(rule, option)
  } catch (error) {
    throw withSyntax(error, spec)
  }
  return spec
}

/** Adds what an option takes to what it did not understand. */
function withSyntax(error: unknown, { name, argument }: OptionSpec): unknown {
  const isBare = error instanceof RuleTextError && error.hint === undefined
  if (!isBare || argument === '' || !error.reason.startsWith('bad argument of ')) return error
  const hint = (): string => `; '${name}' takes ${argument}`
  return new RuleTextError(error.kind, error.reason, error.message, error.offset, hint)
}

/** Longer names are not words. */
const MAX_NAME = 40

function unknownOption(option: OptionText, dialect: Dialect): Error {
  const other: Dialect = dialect === 'snort2' ? 'snort3' : 'snort2'
  if (BY_DIALECT[other].has(option.name)) {
    const message = `'${option.name}' is a ${DIALECT_NAMES[other]} option; this is read as ${DIALECT_NAMES[dialect]} text`
    return valueError(`${DIALECT_NAMES[other]} option: ${option.name}`, message, option.at)
  }
  if (option.name.startsWith(')')) {
    return syntaxError('text after the rule', "text follows the ')' that ends the rule", option.at)
  }
  if (option.name.length > MAX_NAME || !/^[a-z_][\w.]*$/.test(option.name)) {
    return syntaxError('not an option', `${quote(option.name)} is not an option`, option.at)
  }
  const hint = didYouMean(option.name, BY_DIALECT[dialect].keys())
  return valueError(
    `unknown option: ${option.name}`,
    `unknown option ${quote(option.name)}${hint}`,
    option.at,
  )
}
