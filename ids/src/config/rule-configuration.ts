/**
 * Rule settings → loaded rules: configuration file, rule files, single rules, variables, classes and references.
 */
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type LoadedRules,
  loadRules,
  type ParsedFiles,
  type RuleFileInput,
  RuleTextError,
  Variables,
} from '../rules/index.js'
import { type ConfigDirectives, newConfigDirectives, takeDirective } from './directives.js'
import type { RuleSettings } from './settings.js'

/** Rules or configuration that cannot be used at all: a file that cannot be read, a variable that makes no sense. */
export class ConfigurationError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigurationError'
  }
}

export interface RuleConfiguration {
  readonly loaded: LoadedRules
  readonly directives: ConfigDirectives
  /** The bundled signatures, because nothing else was asked for. */
  readonly bundled: boolean
}

const SIGNATURES = fileURLToPath(new URL('../../../signatures/', import.meta.url))

/** The rule files that come with Weir, in a fixed order. @throws ConfigurationError when they are not there */
export const bundledRuleFiles = (): readonly string[] => {
  const files = existsSync(SIGNATURES)
    ? readdirSync(SIGNATURES)
        .filter((name) => name.endsWith('.rules'))
        .sort()
        .map((name) => join(SIGNATURES, name))
    : []
  if (files.length === 0) throw new ConfigurationError('no bundled signatures found: give rules with -R FILE')
  return files
}

const CLASSIFICATION_FILE = 'classification.config'
const REFERENCE_FILE = 'reference.config'
const STDIN = '-'

/** Problems in single rules are in the result. @throws ConfigurationError */
export const loadRuleConfiguration = (settings: RuleSettings, parsed?: ParsedFiles): RuleConfiguration => {
  const { configuration } = settings
  const bundled = configuration === undefined && settings.files.length === 0 && settings.texts.length === 0
  const ruleFiles = bundled ? bundledRuleFiles() : settings.files
  const mainFiles = configuration === undefined ? ruleFiles : [configurationPath(configuration), ...ruleFiles]
  const side = sideFiles(settings, mainFiles)
  const variables = commandLineVariables(settings.variables)
  const directives = newConfigDirectives()
  const loaded = loadRules({
    files: [
      ...side.map((path): RuleFileInput => ({ path, dialect: 'snort2' })),
      ...mainFiles.map((path): RuleFileInput => ({ path })),
      ...settings.texts.map((text, index): RuleFileInput => ({ path: `--rule ${index + 1}`, text })),
    ],
    variables,
    ...(parsed === undefined ? {} : { parsed }),
    directive: (directive) => takeDirective(directive, directives, variables),
  })
  const named = new Set([...side, ...mainFiles])
  const unreadable = loaded.files.find((file) => file.error !== undefined && named.has(file.path))
  if (unreadable?.error !== undefined) {
    throw new ConfigurationError(`${unreadable.path}: ${unreadable.error.message}`)
  }
  return { loaded, directives, bundled }
}

/** Snort 3's configuration is a Lua program, which cannot be read as data. */
const configurationPath = (path: string): string => {
  if (!path.endsWith('.lua')) return path
  throw new ConfigurationError(
    `${path}: Lua configuration is not read; give rules with -R and variables with -S`,
  )
}

/** Class and reference tables: those named, else those beside the rule files. */
const sideFiles = (settings: RuleSettings, ruleFiles: readonly string[]): readonly string[] => {
  const beside = (name: string): string[] => {
    const directories = new Set(ruleFiles.filter((file) => file !== STDIN).map((file) => dirname(file)))
    return [...directories].map((directory) => join(directory, name)).filter((path) => existsSync(path))
  }
  const { classification, references } = settings
  const files = [
    ...(classification === undefined ? beside(CLASSIFICATION_FILE) : [classification]),
    ...(references === undefined ? beside(REFERENCE_FILE) : [references]),
  ]
  return files.filter((file) => !ruleFiles.includes(file))
}

const commandLineVariables = (given: RuleSettings['variables']): Variables => {
  const variables = new Variables()
  for (const [name, value] of given) {
    attempt(name, value, () => variables.pin(name, value))
  }
  for (const [name, value] of given) checkValue(variables, name, value)
  return variables
}

/** A value that refers to other variables is checked where it is used: files may define those. */
const checkValue = (variables: Variables, name: string, value: string): void => {
  if (value.includes('$')) return
  try {
    variables.ports(value, 0)
  } catch (error) {
    if (!(error instanceof RuleTextError)) throw error
    attempt(name, value, () => variables.addresses(value, 0))
  }
}

const attempt = (name: string, value: string, action: () => unknown): void => {
  try {
    action()
  } catch (error) {
    if (!(error instanceof RuleTextError)) throw error
    throw new ConfigurationError(`-S ${name}=${value}: ${error.message}`)
  }
}
