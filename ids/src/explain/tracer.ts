/**
 * Follows rules through a run of detection: for every flow, how far each of them came, and what stopped it.
 *
 * In: every unit detection has looked at (`DetectObserver`) and its alerts. Out: one `Trace` per rule and flow. Rules are
 * evaluated a second time here, with steps that tell which option failed; what detection itself decided is taken as is.
 */
import type { Stack } from '@weir/stack'
import type { AlertFilterSettings, Outcome } from '../detect/alert-filter.js'
import type { CompiledRule } from '../detect/compile.js'
import type { Evaluation, Step } from '../detect/evaluation.js'
import type { EventQueue } from '../detect/event-queue.js'
import type { FastPattern } from '../detect/fast-pattern.js'
import type { DetectFlow } from '../detect/flow-context.js'
import type { GroupTable } from '../detect/groups.js'
import type { UnitJudge } from '../detect/judge.js'
import type { DetectObserver } from '../detect/observer.js'
import { type FlowbitNames, isBitSet } from '../detect/options/session.js'
import { SILENCE, type Silence } from '../detect/reporter.js'
import type { RuleSet } from '../detect/rule-set.js'
import { LiteralSearch } from '../detect/search.js'
import { BUF, BUFFER_NAMES, type BufferId, HTTP_BODY } from '../inspect/buffers.js'
import { type InspectionUnit, SERVICE, SERVICE_NAMES, UNIT } from '../inspect/unit.js'
import type { AlertRecord, AlertSink } from '../output/alert.js'
import { formatOption } from '../rules/format.js'
import type { FlowbitsOption, Rule, RuleAction, RuleOption } from '../rules/model.js'
import { buffersWith, describe } from './describe.js'
import { CAUSES, type Cause, type FailedOption } from './findings.js'
import type { FlowLog, FlowRecord } from './flow-log.js'
import { type Finding, MatchWords, queueFinding } from './outcome.js'
import { asWritten } from './pattern-text.js'
import { quoted } from './printable.js'
import { setsBit } from './select.js'
import { type FailureListener, tracingSteps } from './tracing-steps.js'

/** Packet numbers kept per flow and rule. */
const MAX_PACKETS = 100

/** A failure on a unit that holds the fast pattern counts as further than any on one without it. */
const PATTERN_RANK = 1000

/** What packet data is in a message of a connection known to be HTTP. */
const MESSAGE_BODY = 'pkt_data (of an HTTP message, its body)'

/** Of failures of one option, those on a unit that has the buffer, or any data, tell more. */
const ABSENT = 0.5
const EMPTY = 0.25

/** One rule on one flow. */
export class Trace {
  /** Units the rule was evaluated on; those of them that have the fast pattern's buffer, and the bytes in it. */
  units = 0
  searched = 0
  bytes = 0
  patternUnits = 0
  /** Other buffers that hold the fast pattern. */
  elsewhere: readonly string[] = []
  sample: string | undefined
  /** Units that were for the rule but failed before its options. */
  notEstablished = 0
  wrongHeader = 0
  lateForService = 0
  /** Units whose contents are not looked at: records of TLS that are encrypted, or mean nothing to rules. */
  opaque = 0
  stepLimit = false
  failed: FailedOption | undefined
  rank = -1
  matches = 0
  readonly alerts: number[] = []
  /** Of the reasons that matches were not reported, the one that came furthest, at its first match. */
  unreported: (Finding & { readonly packet: number }) | undefined

  unreport(finding: Finding, packet: number): void {
    const before = this.unreported
    if (before === undefined || reach(finding.cause) > reach(before.cause))
      this.unreported = { ...finding, packet }
  }
}

/** What has been matched once is the reason for the rest: a duplicate tells least. */
const reach = (cause: Cause): number => (cause === 'duplicate' ? -1 : CAUSES.indexOf(cause))

export class Target implements FailureListener {
  readonly compiled: CompiledRule
  readonly index: number
  readonly traces = new Map<FlowRecord, Trace>()
  readonly words: MatchWords
  readonly steps: readonly Step[]
  /** Its fast pattern, as the rule has it. */
  readonly patternText: string
  readonly #search: LiteralSearch | undefined
  /** Buffers that the fast pattern is searched for in. */
  readonly #slots: readonly BufferId[]
  readonly #names: FlowbitNames
  readonly #set: RuleSet
  readonly #variables: string[] = []
  /** Of the slots that the rule itself fills with parts of a message. */
  readonly #partNames = new Map<BufferId, string>()
  readonly #nameOf = (slot: BufferId, asked: BufferId = slot): string => {
    if (asked === BUF.PKT_DATA && (slot === BUF.FILE_DATA || slot === HTTP_BODY)) return MESSAGE_BODY
    return this.#partNames.get(slot) ?? BUFFER_NAMES[slot]!
  }
  /** What is being traced now. */
  #trace!: Trace
  #record!: FlowRecord
  #packet = 0
  #bonus = 0

  constructor(
    set: RuleSet,
    index: number,
    names: FlowbitNames,
    settings: Pick<AlertFilterSettings, 'eventFilters' | 'suppressions'>,
  ) {
    const compiled = set.rules[index]!
    this.compiled = compiled
    this.index = index
    this.#set = set
    this.#names = names
    this.words = new MatchWords(compiled.rule, settings)
    this.steps = tracingSteps(compiled.stepsAsWritten(), this)
    const { fastPattern, rule } = compiled
    this.#search =
      fastPattern === undefined ? undefined : new LiteralSearch(Buffer.from(fastPattern.text, 'latin1'), true)
    this.patternText = fastPattern === undefined ? '' : asWritten(rule, fastPattern.text)
    this.#slots = fastPattern === undefined ? [] : slotsOf(fastPattern)
    for (const option of rule.options) {
      if (option.kind === 'set_buffer' && option.part !== undefined)
        this.#partNames.set(option.buffer, formatOption(option, rule.dialect, BUF.PKT_DATA))
      if (option.kind !== 'byte_extract' && option.kind !== 'byte_math') continue
      if (!this.#variables.includes(option.name)) this.#variables.push(option.name)
    }
  }

  traceOf(record: FlowRecord): Trace {
    let trace = this.traces.get(record)
    if (trace === undefined) {
      trace = new Trace()
      this.traces.set(record, trace)
    }
    return trace
  }

  /** Walks the options on a unit that detection did not find a match in. */
  walk(
    record: FlowRecord,
    unit: InspectionUnit,
    state: Evaluation,
    packet: number,
    bodyOnly: readonly boolean[],
  ): void {
    const trace = this.traceOf(record)
    trace.units++
    this.#trace = trace
    this.#record = record
    this.#packet = packet
    const { fastPattern, gate, rule } = this.compiled
    const present = fastPattern === undefined || this.#hasPattern(trace, unit, this.#search!)
    // Without its fast pattern, here or in an earlier window, a rule cannot match: what else would fail says little.
    if (!present && trace.patternUnits === 0) return
    this.#bonus = present ? PATTERN_RANK : 0
    for (const body of bodyOnly) {
      state.begin(rule.dialect, body)
      const only = rule.options.find((one) => one.kind === 'content' && one.fastPattern?.only === true)
      if (gate !== undefined && only !== undefined && !gate.test(state)) {
        this.failed(only, -1, state, -1, -1, false)
        continue
      }
      const limits = state.counters.stepLimit
      state.run(this.steps)
      if (state.counters.stepLimit > limits) trace.stepLimit = true
    }
  }

  failed(
    option: RuleOption,
    depth: number,
    state: Evaluation,
    cursor: number,
    cursorSlot: number,
    limitHit: boolean,
  ): void {
    const trace = this.#trace
    const { buffers } = state
    const absent = 'buffer' in option && !buffers.has(state.slot(option.buffer))
    const empty = buffers.length(BUF.PKT_DATA) <= 0
    const rank = this.#bonus + depth + 1 - (absent ? ABSENT : 0) - (empty ? EMPTY : 0)
    if (rank <= trace.rank) return
    trace.rank = rank
    const { options, dialect } = this.compiled.rule
    let sticky: BufferId = BUF.PKT_DATA
    const at = options.indexOf(option)
    for (const one of options.slice(0, at)) if (one.kind === 'set_buffer') sticky = one.buffer
    const bits = state.bits
    const flowbits = (one: FlowbitsOption): string => this.#flowbitsText(one, bits)
    const finding = describe(option, {
      state,
      cursor,
      cursorSlot,
      variables: this.#variables,
      limitHit,
      flowbits,
      nameOf: this.#nameOf,
    })
    trace.failed = {
      number: at + 1,
      of: options.length,
      text: formatOption(option, dialect, sticky),
      buffer: 'buffer' in option ? this.#nameOf(state.slot(option.buffer), option.buffer) : undefined,
      found: finding.found,
      facts: finding.facts,
      packet: this.#packet,
    }
  }

  #hasPattern(trace: Trace, { buffers }: InspectionUnit, search: LiteralSearch): boolean {
    let present = false
    let searched = false
    for (const slot of this.#slots) {
      const end = buffers.end[slot]!
      if (end < 0) continue
      searched = true
      const start = buffers.start[slot]!
      trace.bytes += Math.max(0, end - buffers.fresh[slot]!)
      present ||= search.find(buffers.bytes[slot]!, start, end) >= 0
      if (trace.sample === undefined && end > start) trace.sample = quoted(buffers.bytes[slot]!, start, end)
    }
    if (searched) trace.searched++
    if (present) trace.patternUnits++
    else {
      const found = buffersWith(buffers, search, this.#slots[0]!)
      if (found.length > 0) trace.elsewhere = [...new Set([...trace.elsewhere, ...found])]
    }
    return present
  }

  #flowbitsText(option: FlowbitsOption, bits: Uint32Array | undefined): string {
    const { names, group, action } = option
    const grouped = names.length === 0 && group !== undefined
    const numbers = grouped ? this.#names.members(group) : names.map((name) => this.#names.number(name))
    const isSet = numbers.map((number) => isBitSet(bits, number))
    const wanted = action === 'isset'
    if (grouped) {
      const text = wanted ? `no flowbit of group ${group} is set` : `a flowbit of group ${group} is set`
      return `${text}; ${this.#settersText(`group ${group}`)}`
    }
    const wrong = names.filter((_, i) => isSet[i] !== wanted)
    return wrong
      .map((name) => `flowbit ${name} is ${wanted ? 'not ' : ''}set; ${this.#settersText(name)}`)
      .join('; ')
  }

  #settersText(subject: string): string {
    const setters: string[] = []
    this.#set.rules.forEach(({ rule }, index) => {
      if (!setsBit(rule, subject)) return
      const packet = this.#record.fired.get(index)
      const fired = packet === undefined ? 'has not matched on this flow' : `matched at packet ${packet}`
      setters.push(`${rule.gid}:${rule.sid} (${fired})`)
    })
    return setters.length === 0 ? 'no rule in use sets it' : `set by ${listed(setters)}`
  }
}

const slotsOf = ({ buffer, inFileData }: FastPattern): readonly BufferId[] => {
  const own: BufferId = buffer === BUF.RAW_DATA ? BUF.PKT_DATA : buffer
  return inFileData && own !== BUF.FILE_DATA ? [own, BUF.FILE_DATA] : [own]
}

const MAX_SETTERS = 5

const listed = (items: readonly string[]): string =>
  items.length <= MAX_SETTERS
    ? items.join(', ')
    : `${items.slice(0, MAX_SETTERS).join(', ')} and ${items.length - MAX_SETTERS} more rules`

export class Tracer implements DetectObserver, AlertSink {
  readonly targets: readonly Target[]
  readonly #set: RuleSet
  readonly #log: FlowLog
  readonly #stack: Stack
  readonly #queue: EventQueue
  /** Of the present unit. */
  readonly #tables: GroupTable[] = []
  readonly #matched: number[] = []
  readonly #findings = new Map<number, Finding>()
  #fired: readonly number[] = []

  constructor(set: RuleSet, targets: readonly Target[], log: FlowLog, stack: Stack, queue: EventQueue) {
    this.#set = set
    this.targets = targets
    this.#log = log
    this.#stack = stack
    this.#queue = queue
  }

  /** What is reported of rules is known from `filtered`; the rest are events of inspectors. */
  alert({ rule, flowId }: AlertRecord): void {
    if (!rule.options.some(({ kind }) => kind === 'engine_event')) return
    const events = this.#log.records.get(flowId)?.events
    if (events === undefined) return
    const text = `${rule.gid}:${rule.sid} ${rule.msg}`
    events.set(text, (events.get(text) ?? 0) + 1)
  }

  async flush(): Promise<void> {}
  async close(): Promise<void> {}

  enter(table: GroupTable): void {
    this.#tables.push(table)
  }

  matched(rule: number): void {
    this.#matched.push(rule)
  }

  counted(rule: number, record: AlertRecord): void {
    this.#targetOf(rule)?.words.remember(record)
  }

  silent(rule: number, why: Silence, record?: AlertRecord): void {
    const target = this.#targetOf(rule)
    if (target === undefined) return
    const finding: Finding =
      why === SILENCE.NOALERT
        ? { cause: 'noalert', text: 'the rule says flowbits:noalert' }
        : why === SILENCE.DUPLICATE
          ? duplicateOf(target.compiled.rule)
          : target.words.below(record!)
    this.#findings.set(rule, finding)
  }

  decided(fired: readonly number[]): void {
    this.#fired = fired
  }

  filtered(rule: number, outcome: Outcome, action: RuleAction, record: AlertRecord): void {
    const target = this.#targetOf(rule)
    if (target === undefined) return
    if (!target.compiled.hasDetectionFilter) target.words.remember(record)
    this.#findings.set(rule, target.words.filtered(outcome, action, record))
  }

  inspected(flow: DetectFlow | undefined, unit: InspectionUnit, state: Evaluation, judge: UnitJudge): void {
    const { packet } = this.#stack
    const record = flow === undefined ? this.#log.ofPacket(packet) : this.#log.of(flow, packet)
    if (record !== undefined) {
      this.#noteUnit(record, unit)
      for (const rule of this.#matched) record.fired.set(rule, packet.number)
      for (const target of this.targets) {
        if (this.#matched.includes(target.index)) this.#settle(target, record, packet.number)
        else this.#trace(target, record, unit, state, judge)
      }
    }
    this.#tables.length = 0
    this.#matched.length = 0
    this.#findings.clear()
    this.#fired = []
  }

  #targetOf(rule: number): Target | undefined {
    return this.targets.find(({ index }) => index === rule)
  }

  #noteUnit(record: FlowRecord, unit: InspectionUnit): void {
    if (unit.kind === UNIT.HTTP_REQUEST) record.http[0] = true
    else if (unit.kind === UNIT.HTTP_RESPONSE) record.http[1] = true
    if (unit.service === SERVICE.UNKNOWN) return
    record.serviceId = unit.service
    record.service = SERVICE_NAMES[unit.service]!
  }

  #settle(target: Target, record: FlowRecord, packet: number): void {
    const trace = target.traceOf(record)
    trace.matches++
    const finding = this.#findings.get(target.index) ?? this.#queued(target)
    if (finding.cause !== 'alerted') trace.unreport(finding, packet)
    else if (trace.alerts.length < MAX_PACKETS) trace.alerts.push(packet)
  }

  /** Why the event queue kept a match back. */
  #queued({ index, compiled }: Target): Finding {
    const fired = this.#fired
    const fate = this.#queue.fateOf(index, fired)
    const { maxQueue, log } = this.#queue.settings
    const rules = fired.map((one) => this.#set.rules[one]!.rule)
    return queueFinding(compiled.rule, fate, rules, Math.min(maxQueue, log))
  }

  /** A rule that did not match: what it failed at. The questions are those of detection, the header's first. */
  #trace(
    target: Target,
    record: FlowRecord,
    unit: InspectionUnit,
    state: Evaluation,
    judge: UnitJudge,
  ): void {
    const { index } = target
    if (!this.#tables.some((table) => table.holds(index))) return
    if (unit.opaque && target.compiled.fastPattern !== undefined) {
      if (judge.fitsHeader(index, state)) target.traceOf(record).opaque++
      return
    }
    if (judge.isInStream(index)) return
    if (!judge.fitsHeader(index, state)) target.traceOf(record).wrongHeader++
    else if (judge.isLate(index)) target.traceOf(record).lateForService++
    else if (!judge.isEstablished(index)) target.traceOf(record).notEstablished++
    else target.walk(record, unit, state, this.#stack.packet.number, VIEWS[judge.sees(index)]!)
  }
}

const duplicateOf = ({ header }: Rule): Finding =>
  header.action === 'pass'
    ? { cause: 'passed', text: 'it is a pass rule itself' }
    : { cause: 'duplicate', text: 'it has been reported for a packet that holds these bytes' }

/** By `SEES`: whether packet data is the body alone, for each time the rule is tried. */
const VIEWS: readonly (readonly boolean[])[] = [[], [false], [true], [false, true]]
