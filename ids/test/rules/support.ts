/** Short forms for tests of rule text. */
import {
  type Dialect,
  type LoadedRules,
  loadRules,
  type Rule,
  type RuleOption,
  Variables,
} from '../../src/rules/index.js'

const HEADERS: Readonly<Record<Dialect, string>> = {
  snort2: 'alert tcp any any -> any any',
  snort3: 'alert tcp any any -> any any',
}

export function load(
  text: string,
  dialect: Dialect | 'auto' = 'snort2',
  variables = new Variables(),
): LoadedRules {
  return loadRules({ files: [{ path: 'test.rules', text }], dialect, variables })
}

/** The only rule of `text`; fails with its problems when it does not load. */
export function one(text: string, dialect: Dialect = 'snort2'): Rule {
  const loaded = load(text, dialect)
  if (loaded.rules.length !== 1)
    throw new Error(loaded.problems.map((p) => p.message).join('\n') || 'no rule')
  return loaded.rules[0]!
}

/** Options of a tcp rule with this body. */
export function options(body: string, dialect: Dialect = 'snort2'): readonly RuleOption[] {
  return one(`${HEADERS[dialect]} (${body}; sid:1;)`, dialect).options
}

/** `line:column reason: message` of the one problem that a tcp rule with this body has. */
export function problem(body: string, dialect: Dialect = 'snort2', header = HEADERS[dialect]): string {
  return problemOf(`${header} (${body}; sid:1;)`, dialect)
}

export function problemOf(text: string, dialect: Dialect = 'snort2'): string {
  const { problems } = load(text, dialect)
  if (problems.length !== 1)
    throw new Error(`${problems.length} problems: ${problems.map((p) => p.message).join('; ')}`)
  const { position, message } = problems[0]!
  return `${position.line}:${position.column} ${message}`
}

/** The part of the rule body an error points at. */
export function pointsAt(body: string, dialect: Dialect = 'snort2'): string {
  const text = `${HEADERS[dialect]} (${body}; sid:1;)`
  const { problems } = load(text, dialect)
  return text.slice(problems[0]!.position.column - 1)
}

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}
