/**
 * Options on the state of the flow: flow, flowbits.
 */
import { argumentParts, unknownArgument } from '../arguments.js'
import type { Mutable, OptionText, Part, RuleBuilder } from '../builder.js'
import type { Dialect, FlowbitsOption, FlowOption } from '../model.js'
import { quote, syntaxError, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']

type FlowField = 'direction' | 'state' | 'stream' | 'frag'

const FLOW_WORDS: Readonly<Record<string, { readonly [F in FlowField]?: FlowOption[F] }>> = {
  to_server: { direction: 'to_server' },
  from_client: { direction: 'to_server' },
  to_client: { direction: 'to_client' },
  from_server: { direction: 'to_client' },
  established: { state: 'established' },
  not_established: { state: 'not_established' },
  stateless: { state: 'stateless' },
  no_stream: { stream: 'no_stream' },
  only_stream: { stream: 'only_stream' },
  no_frag: { frag: 'no_frag' },
  only_frag: { frag: 'only_frag' },
}

function parseFlow(rule: RuleBuilder, option: OptionText): void {
  const { flows } = rule.context.cache
  const key = `${rule.header.protocol} ${option.value}`
  let flow = flows.get(key)
  if (flow === undefined) {
    flow = readFlow(rule, option)
    flows.set(key, flow)
  }
  rule.push(flow)
}

function readFlow(rule: RuleBuilder, option: OptionText): FlowOption {
  const flow: Mutable<FlowOption> = {
    kind: 'flow',
    direction: undefined,
    state: undefined,
    stream: undefined,
    frag: undefined,
  }
  for (const part of argumentParts(option)) {
    const word = part.text.toLowerCase()
    const row = Object.hasOwn(FLOW_WORDS, word) ? FLOW_WORDS[word] : undefined
    if (row === undefined) throw unknownArgument(option, part)
    for (const field of Object.keys(row) as FlowField[]) {
      if (flow[field] !== undefined && flow[field] !== row[field]) {
        const message = `flow: '${word}' contradicts '${flow[field]}'`
        throw valueError('contradicting flow arguments', message, part.at)
      }
    }
    Object.assign(flow, row)
  }
  const { protocol } = rule.header
  const session = flow.direction !== undefined || flow.state !== undefined || flow.stream !== undefined
  if (rule.dialect === 'snort2' && protocol === 'icmp' && session) {
    throw valueError('flow on icmp', 'flow: only no_frag and only_frag apply to icmp rules', option.at)
  }
  return flow
}

/** Whether names are needed (yes), may not be there (no), or name only a group. */
const FLOWBITS_ACTIONS: Readonly<Record<FlowbitsOption['action'], 'yes' | 'no' | 'group'>> = {
  set: 'yes',
  setx: 'yes',
  unset: 'yes',
  toggle: 'yes',
  isset: 'yes',
  isnotset: 'yes',
  reset: 'group',
  noalert: 'no',
}

/** Snort 3 takes more characters than Snort 2.9 does. */
const NAMES: Readonly<Record<Dialect, RegExp>> = { snort2: /^[\w.-]+$/, snort3: /^[^\s"&|]+$/ }

function checkedName(rule: RuleBuilder, part: Part): string {
  if (!NAMES[rule.dialect].test(part.text)) {
    const message = `flowbits: ${quote(part.text)} is not a name of letters, digits, '.', '-' and '_'`
    throw valueError('bad flowbits name', message, part.at)
  }
  return part.text
}

function parseFlowbits(rule: RuleBuilder, option: OptionText): void {
  const parts = argumentParts(option)
  const first = parts[0]!
  const word = first.text.toLowerCase()
  if (!Object.hasOwn(FLOWBITS_ACTIONS, word)) throw unknownArgument(option, first)
  const action = word as FlowbitsOption['action']
  const takes = FLOWBITS_ACTIONS[action]
  const highest = takes === 'yes' ? 3 : takes === 'group' ? 2 : 1
  if (parts.length > highest) throw unknownArgument(option, parts[highest]!)
  let names: string[] = []
  let combine: FlowbitsOption['combine'] = 'all'
  let group: string | undefined
  if (takes === 'yes') {
    const second = parts[1]
    if (second === undefined || second.text === '') {
      throw syntaxError('missing argument of flowbits', `flowbits: '${word}' needs a name`, first.at)
    }
    if (parts[2] !== undefined) group = checkedName(rule, parts[2])
    const wholeGroup = group !== undefined && /^(?:any|all)$/i.test(second.text)
    if (wholeGroup) combine = second.text.toLowerCase() as FlowbitsOption['combine']
    else ({ names, combine } = parseNames(rule, second))
    if (combine === 'any' && names.length > 0 && action !== 'isset' && action !== 'isnotset') {
      throw valueError('bad flowbits name', `flowbits: '|' cannot be used with '${word}'`, second.at)
    }
  } else if (takes === 'group' && parts[1] !== undefined) {
    group = checkedName(rule, parts[1])
  }
  if (action === 'setx' && group === undefined) {
    throw syntaxError('missing argument of flowbits', "flowbits: 'setx' needs a group", first.at)
  }
  rule.push({ kind: 'flowbits', action, names, combine, group })
}

function parseNames(rule: RuleBuilder, part: Part): { names: string[]; combine: FlowbitsOption['combine'] } {
  const and = part.text.includes('&')
  const or = part.text.includes('|')
  if (and && or) {
    throw valueError('bad flowbits name', "flowbits: '&' and '|' cannot be mixed", part.at)
  }
  const names: string[] = []
  let at = part.at
  for (const piece of part.text.split(and ? '&' : '|')) {
    const text = piece.trim()
    names.push(checkedName(rule, { text, at: at + piece.indexOf(text) }))
    at += piece.length + 1
  }
  return { names, combine: or ? 'any' : 'all' }
}

export const flowOptions: readonly OptionSpec[] = [
  {
    name: 'flow',
    dialects: BOTH,
    status: 'evaluated',
    argument: Object.keys(FLOW_WORDS).join('|'),
    help: 'direction and state of the flow, and whether reassembled data counts',
    section: '3.6.9',
    once: true,
    parse: parseFlow,
  },
  {
    name: 'flowbits',
    dialects: BOTH,
    status: 'evaluated',
    argument: 'set|setx|unset|toggle|isset|isnotset|reset|noalert[,<name>[&|<name>…][,<group>]]',
    help: 'sets and tests marks that belong to the flow',
    section: '3.6.10',
    parse: parseFlowbits,
  },
]
