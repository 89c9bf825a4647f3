/**
 * Runs detection over frames with the rules an explanation needs, and watches.
 *
 * In: loaded rules, the rules asked for, frames. Out: `Explanation`, once all frames have been fed.
 */
import {
  createStack,
  type FrameSink,
  STATUS,
  STATUS_TEXT,
  type Stack,
  type StackOptionsInput,
} from '@weir/stack'
import { Counters } from '../detect/counters.js'
import { withBuiltin } from '../detect/engine.js'
import { DEFAULT_EVENT_QUEUE, EventQueue } from '../detect/event-queue.js'
import { Inspector } from '../detect/inspector.js'
import { FlowbitNames } from '../detect/options/session.js'
import { SearcherCache } from '../detect/pattern-set.js'
import { RuleSet } from '../detect/rule-set.js'
import { serverPortsOf } from '../detect/server-ports.js'
import { DEFAULT_DETECT_SETTINGS, type DetectSettings } from '../detect/settings.js'
import type { MatcherEngine, RegexEngine } from '../match/matcher.js'
import { eveProtocol } from '../output/text.js'
import { formatProblem, type LoadedRules, type Rule } from '../rules/index.js'
import { findOutside } from './find-rule.js'
import type { NotLoaded, RuleExplanation } from './findings.js'
import { FlowLog, type FlowRecord } from './flow-log.js'
import { HeaderFit } from './header-fit.js'
import { neededRules } from './select.js'
import { Target, Tracer } from './tracer.js'
import { isForProtocol, verdictOf } from './verdict.js'

export interface RuleId {
  readonly gid: number
  readonly sid: number
}

export interface ExplainerOptions {
  readonly loaded: LoadedRules
  readonly ids: readonly RuleId[]
  readonly matcherEngine: MatcherEngine
  readonly regexEngine: RegexEngine
  readonly filters: Partial<
    Pick<DetectSettings, 'eventFilters' | 'suppressions' | 'rateFilters' | 'eventQueue' | 'inline'>
  >
  readonly checksums: 'verify' | 'ignore'
  /** Options of the stack: policies and limits of streams. */
  readonly stream?: StackOptionsInput
}

export interface Explanation {
  readonly rules: readonly RuleExplanation[]
  readonly missing: readonly NotLoaded[]
}

export class Explainer implements FrameSink {
  readonly stack: Stack
  /** Rules asked for that cannot be followed, known before the first frame. */
  readonly missing: readonly NotLoaded[]
  readonly #loaded: LoadedRules
  readonly #targets: readonly Target[]
  readonly #log = new FlowLog()
  readonly #matchers: SearcherCache
  #wrongChecksums = 0

  constructor(options: ExplainerOptions) {
    const { loaded, ids, filters } = options
    this.#loaded = loaded
    this.stack = createStack({ ...options.stream, checksums: options.checksums, midstream: true })
    // Roles are those that the connections have when all rules are in use.
    this.stack.roles.add({ serverPorts: serverPortsOf(loaded.rules, 'tcp') })
    this.#matchers = new SearcherCache(options.matcherEngine)
    const settings: DetectSettings = { ...DEFAULT_DETECT_SETTINGS, ...filters }
    const missing: NotLoaded[] = []
    const asked: Rule[] = []
    for (const { gid, sid } of ids) {
      const rule = loaded.rules.find((one) => one.gid === gid && one.sid === sid)
      if (rule === undefined) missing.push(findOutside(loaded, gid, sid))
      else if (!asked.includes(rule)) asked.push(rule)
    }
    const names = new FlowbitNames()
    const needed = neededRules(loaded.rules, asked, settings.eventQueue)
    const set = new RuleSet(withBuiltin(needed), {
      regexEngine: options.regexEngine,
      flowbits: names,
      pcreMatchLimit: settings.pcreMatchLimit,
      maxPatternLength: settings.maxPatternLength,
      searchesExpressions: options.matcherEngine.compileMixed !== undefined,
    })
    const targets: Target[] = []
    for (const rule of asked) {
      const index = set.rules.findIndex((one) => one.rule === rule)
      if (index >= 0) targets.push(new Target(set, index, names, settings))
      else {
        const problem = set.problems.find(({ position }) => position === rule.position)
        const text = problem === undefined ? 'it cannot be evaluated' : formatProblem(problem)
        missing.push({ gid: rule.gid, sid: rule.sid, state: 'not_loaded', text })
      }
    }
    this.#targets = targets
    this.missing = missing
    const queueSettings = { ...DEFAULT_EVENT_QUEUE, ...settings.eventQueue }
    const queue = new EventQueue(set.rules, queueSettings, new Counters())
    const tracer = new Tracer(set, targets, this.#log, this.stack, queue)
    new Inspector(set, this.#matchers, settings, this.stack, tracer, tracer)
    this.#log.watch(this.stack)
  }

  /** False when no rule asked for is in use: there is nothing to feed frames for. */
  get hasRules(): boolean {
    return this.#targets.length > 0
  }

  frame(
    buffer: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    seconds: number,
    nanoseconds: number,
    linkType: number,
    interfaceIndex: number,
  ): void {
    const { stack } = this
    stack.frame(buffer, offset, capturedLength, wireLength, seconds, nanoseconds, linkType, interfaceIndex)
    const wrong = wrongChecksums(stack)
    if (wrong === this.#wrongChecksums) return
    this.#wrongChecksums = wrong
    this.#log.reject(stack.packet)
  }

  skip(): void {
    this.stack.skip()
  }

  /** Call once, after the last frame. */
  finish(): Explanation {
    this.stack.finish()
    const records = this.#log.close()
    const { variables } = this.#loaded
    const rules = this.#targets.map((target): RuleExplanation => {
      const { rule } = target.compiled
      const { gid, sid, rev, msg, position } = rule
      const fit = new HeaderFit(target.compiled, variables)
      const own = records.filter(({ protocol }) => isForProtocol(rule, protocol))
      const flows = own.map((record) => verdictOf(target, record, fit))
      flows.sort((a, b) => b.progress - a.progress || a.firstPacket - b.firstPacket)
      return {
        gid,
        sid,
        rev,
        msg,
        position: `${position.file}:${position.line}:${position.column}`,
        rule: rule.text,
        flows,
        otherFlows: records.length - own.length,
        otherProtocols: countProtocols(records.filter(({ protocol }) => !isForProtocol(rule, protocol))),
        undecoded: undecoded(this.stack),
        unfollowed: this.#log.unfollowed,
        packets: this.stack.counters.packets,
        wrongChecksums: this.#wrongChecksums,
      }
    })
    this.#matchers.close()
    return { rules, missing: this.missing }
  }
}

const countProtocols = (records: readonly FlowRecord[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { protocol } of records) {
    const name = eveProtocol(protocol)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

/** Packets that could not be decoded to their end, by reason; wrong checksums are told apart. */
const undecoded = ({ counters }: Stack): Record<string, number> => {
  const counts: Record<string, number> = {}
  STATUS_TEXT.forEach((text, status) => {
    const count = counters.decode.outcomes[status]!
    const told = status === STATUS.DECODED || (CHECKSUM_STATUSES as readonly number[]).includes(status)
    if (count > 0 && !told) counts[text] = count
  })
  return counts
}

const CHECKSUM_STATUSES = [
  STATUS.IPV4_CHECKSUM,
  STATUS.TCP_CHECKSUM,
  STATUS.UDP_CHECKSUM,
  STATUS.ICMP_CHECKSUM,
  STATUS.ICMP6_CHECKSUM,
] as const

const wrongChecksums = ({ counters }: Stack): number =>
  CHECKSUM_STATUSES.reduce<number>((sum, status) => sum + counters.decode.outcomes[status]!, 0)
