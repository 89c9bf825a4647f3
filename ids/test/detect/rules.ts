/** Rules as data, for tests that do not go through rule text. */
import { CompiledRule } from '../../src/detect/compile.js'
import { Counters } from '../../src/detect/counters.js'
import { Evaluation } from '../../src/detect/evaluation.js'
import { HeaderTests } from '../../src/detect/header-test.js'
import { FlowbitNames } from '../../src/detect/options/session.js'
import { PortClasses } from '../../src/detect/ports.js'
import { BUF, type BufferId, BufferSet } from '../../src/inspect/buffers.js'
import { UNIT, type UnitKind } from '../../src/inspect/unit.js'
import type { RegexEngine } from '../../src/match/matcher.js'
import type { ContentOption, Dialect, Rule, RuleHeader, RuleOption } from '../../src/rules/model.js'

const ANY = { any: true, include: [], exclude: [] }
const ANY_PORT = { any: true, ranges: [[0, 65_535]] as const }

export const ANY_HEADER: RuleHeader = {
  action: 'alert',
  protocol: 'tcp',
  source: ANY,
  sourcePorts: ANY_PORT,
  bidirectional: false,
  destination: ANY,
  destinationPorts: ANY_PORT,
}

export function makeRule(options: readonly RuleOption[], fields: Partial<Rule> = {}): Rule {
  return {
    gid: 1,
    sid: 1,
    rev: 1,
    msg: 'test',
    classtype: undefined,
    classText: undefined,
    priority: 3,
    references: [],
    metadata: [],
    services: [],
    header: ANY_HEADER,
    options,
    dialect: 'snort2',
    position: { file: 'test.rules', line: 1, column: 1 },
    text: '',
    ...fields,
  }
}

export function content(text: string, fields: Partial<ContentOption> = {}): ContentOption {
  return {
    kind: 'content',
    buffer: BUF.PKT_DATA,
    bytes: new Uint8Array(Buffer.from(text, 'latin1')),
    negated: false,
    nocase: false,
    relative: false,
    offset: 0,
    depth: undefined,
    fastPattern: undefined,
    ...fields,
  }
}

/** An engine's context for rules without regular expressions. */
export const NO_REGEX: RegexEngine = {
  name: 'regexp',
  description: 'none',
  compile: () => {
    throw new Error('no regular expressions here')
  },
}

export interface EvaluateOptions {
  readonly dialect?: Dialect
  readonly regexEngine?: RegexEngine
  readonly maxRetries?: number
  readonly pcreMatchLimit?: number
  readonly counters?: Counters
  readonly kind?: UnitKind
  /** Other buffers of the unit. */
  readonly buffers?: readonly (readonly [BufferId, string])[]
  /** The payload is a later window: position of its first byte. */
  readonly base?: number
}

/** Whether `options` hold on one unit. The payload stands in the middle of an arena, as in a capture chunk. */
export function evaluate(
  options: readonly RuleOption[],
  payload: Uint8Array | string | undefined,
  settings: EvaluateOptions = {},
): boolean {
  const { dialect = 'snort2', kind = UNIT.STREAM } = settings
  const data = makeRule(options, { dialect })
  const rule = new CompiledRule(data, {
    headers: new HeaderTests(new PortClasses([data.header.sourcePorts, data.header.destinationPorts])),
    regexEngine: settings.regexEngine ?? NO_REGEX,
    searchesExpressions: false,
    flowbits: new FlowbitNames(),
    pcreMatchLimit: settings.pcreMatchLimit ?? 3500,
    maxPatternLength: 0,
  })
  const state = new Evaluation(settings.counters ?? new Counters(), settings.maxRetries ?? 1e6)
  state.buffers = new BufferSet()
  state.kind = kind
  const put = (id: BufferId, data: Uint8Array | string, base: number): void => {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
    const arena = new Uint8Array(bytes.length + 20).fill(0x61)
    arena.set(bytes, 9)
    state.buffers.setWindow(id, arena, 9, 9 + bytes.length, 9, base)
  }
  if (payload !== undefined) put(BUF.PKT_DATA, payload, settings.base ?? 0)
  for (const [id, text] of settings.buffers ?? []) put(id, text, 0)
  state.begin(dialect, kind === UNIT.HTTP_REQUEST || kind === UNIT.HTTP_RESPONSE)
  if (rule.gate !== undefined && !rule.gate.test(state)) return false
  return state.run(rule.steps)
}
