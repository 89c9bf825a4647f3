/**
 * Options that compare a hash of bytes in the buffer: sha256, sha512, md5 (Snort 3).
 */
import { argumentParts, required, splitWord, unknownArgument } from '../arguments.js'
import type { OptionText, RuleBuilder } from '../builder.js'
import { parseLiteral } from '../literal.js'
import type { Dialect } from '../model.js'
import { parseInteger } from '../numbers.js'
import { syntaxError, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'

const SNORT3: readonly Dialect[] = ['snort3']
const SIZES = { md5: 16, sha256: 32, sha512: 64 } as const
export type HashAlgorithm = keyof typeof SIZES
const MAX = 65_535

function digestOf(option: OptionText, text: string, algorithm: HashAlgorithm): Uint8Array {
  if (!text.startsWith('"')) {
    throw syntaxError('hash not in quotes', `${option.name}: the hash must stand in quotes`, option.valueAt)
  }
  const inner = text.slice(1, text.lastIndexOf('"'))
  const size = SIZES[algorithm]
  const plain = /^[0-9a-fA-F]+$/.test(inner) && inner.length === size * 2
  const bytes = plain
    ? Uint8Array.from(Buffer.from(inner, 'hex'))
    : parseLiteral(text, 0, option.valueAt, 'snort3').bytes
  if (bytes.length !== size) {
    const message = `${option.name}: the hash must have ${size} bytes, not ${bytes.length}`
    throw valueError('bad hash length', message, option.valueAt)
  }
  return bytes
}

function parse(rule: RuleBuilder, option: OptionText): void {
  const algorithm = option.name as HashAlgorithm
  const [first, ...others] = argumentParts(option)
  const negated = first!.text.startsWith('!')
  const digest = digestOf(option, negated ? first!.text.slice(1).trimStart() : first!.text, algorithm)
  let length: number | undefined
  let offset = 0
  let relative = false
  for (const part of others) {
    const { word, rest } = splitWord(part)
    if (word === 'length') {
      const value = required(option, part, rest)
      length = parseInteger(value.text, 1, MAX, 'length', value.at)
    } else if (word === 'offset') {
      const value = required(option, part, rest)
      offset = parseInteger(value.text, -MAX, MAX, 'offset', value.at)
    } else if (word === 'relative' && rest === undefined) relative = true
    else throw unknownArgument(option, part)
  }
  if (length === undefined) {
    throw valueError(
      'missing length',
      `${option.name} needs 'length <n>', the number of bytes hashed`,
      option.at,
    )
  }
  rule.push({ kind: 'hash', buffer: rule.sticky, algorithm, digest, length, offset, relative, negated })
}

export const hashOptions: readonly OptionSpec[] = Object.keys(SIZES).map((name) => ({
  name,
  dialects: SNORT3,
  status: 'evaluated',
  argument: '!?"hash",length <n>[,offset <n>][,relative]',
  help: 'hash of bytes in the buffer',
  section: 'S3',
  parse,
}))
