/**
 * Evaluation of one rule's options on one inspection unit.
 *
 * In: a compiled rule's steps, and the state below (buffers of the unit, packet, flow). Out: whether all options hold.
 * Called by the inspector for candidate rules only. Options are tried left to right; a positive content or an unanchored
 * pcre is searched again when the option after it is relative and the rest of the rule has failed (Snort's retry rule).
 * Every attempt costs one step of a budget, so a hostile buffer cannot make a rule take more than bounded time.
 */
import type { Packet } from '@weir/stack'
import { BUF, BUFFER_COUNT, type BufferId, type BufferSet, HTTP_BODY } from '../inspect/buffers.js'
import type { HttpNumber, HttpPart } from '../inspect/http-part.js'
import { type Direction, type InspectionUnit, UNIT, type UnitKind } from '../inspect/unit.js'
import { ProtocolFacts } from '../protocol/facts.js'
import type { Dialect, RuleOption } from '../rules/model.js'
import type { Counters } from './counters.js'

/** Rules may name two variables in Snort; a few more cost nothing. */
export const MAX_VARIABLES = 8

/** The rest of the rule holds. */
export const PASS = 0
/** It does not, for this choice of earlier matches. */
export const FAIL = 1
/** It does not, and a later match of the contents before it cannot change that. */
export const FAIL_ONWARD = 2
/** It does not, whatever the earlier options matched. */
export const FAIL_FINAL = 3
export type Verdict = typeof PASS | typeof FAIL | typeof FAIL_ONWARD | typeof FAIL_FINAL

/** One rule option, compiled. `test` moves the cursor as the option says. */
export interface Evaluator {
  test(state: Evaluation): boolean
}

/** An option that can be tried again further right: `test` leaves `matchAt` and `windowEnd` in the state. */
export interface RetryEvaluator extends Evaluator {
  /** Next match after the one at `matchAt`, inside the window of the first attempt. */
  again(state: Evaluation, matchAt: number, windowStart: number, windowEnd: number): boolean
}

export interface Step {
  /** What was compiled; never read while rules are evaluated. */
  readonly option: RuleOption
  readonly evaluator: Evaluator
  /** The same evaluator when it is to be retried. */
  readonly retry: RetryEvaluator | undefined
  /** What a first failure of this option means. */
  readonly failed: Verdict
  /** What running out of retries means. */
  readonly exhausted: Verdict
  /** What FAIL_ONWARD from the right means for the options before this one. */
  readonly onward: Verdict
}

/** What options need to know about the flow of a unit. */
export interface FlowFacts {
  readonly protocol: number
}

const NO_CURSOR = -1

const PLAIN_SLOTS = Uint8Array.from({ length: BUFFER_COUNT }, (_, id) => id)
PLAIN_SLOTS[BUF.RAW_DATA] = BUF.PKT_DATA

/** Streams and HTTP messages: the bytes as they came are a buffer of their own, different where they were decoded. */
const MESSAGE_SLOTS = Uint8Array.from({ length: BUFFER_COUNT }, (_, id) => id)

/** Packet data is the message body. */
const BODY_SLOTS = MESSAGE_SLOTS.slice()
BODY_SLOTS[BUF.PKT_DATA] = BUF.FILE_DATA

/** The same in Snort 3, whose raw_data finds nothing in messages of a flow known to be HTTP. */
const SNORT3_BODY_SLOTS = BODY_SLOTS.slice()
SNORT3_BODY_SLOTS[BUF.RAW_DATA] = BUF.NOTHING

/** Where file data are the parts of the body. */
const UPLOAD_SLOTS = BODY_SLOTS.slice()
UPLOAD_SLOTS[BUF.PKT_DATA] = HTTP_BODY
const SNORT3_UPLOAD_SLOTS = SNORT3_BODY_SLOTS.slice()
SNORT3_UPLOAD_SLOTS[BUF.PKT_DATA] = HTTP_BODY

function bodySlots(snort3: boolean, upload: boolean): typeof BODY_SLOTS {
  if (upload) return snort3 ? SNORT3_UPLOAD_SLOTS : UPLOAD_SLOTS
  return snort3 ? SNORT3_BODY_SLOTS : BODY_SLOTS
}

const BASE64_CAPACITY = 16_384

/** One mutable instance per inspector; everything here is valid during one `inspect` only. */
export class Evaluation {
  readonly counters: Counters
  /** What the protocol inspector found out about the unit. */
  readonly facts: ProtocolFacts
  /** Steps a rule may spend on one unit once it tries contents again. */
  readonly #stepLimit: number

  unit: InspectionUnit | undefined
  buffers!: BufferSet
  kind: UnitKind = 0
  /** -1 when the packet belongs to no flow. */
  direction: Direction | -1 = -1
  /** The current packet when it is the unit, or travels in the unit's direction; else undefined. */
  packet: Packet | undefined
  flow: FlowFacts | undefined
  /** `flow:established` holds. */
  established = false
  /** Flowbits of the flow, one bit each; undefined = none set yet. */
  bits: Uint32Array | undefined
  /** Stream bytes that each side has sent, the current packet included. */
  clientBytes = 0
  serverBytes = 0
  /** Addresses of the unit, in the direction of the bytes, as in `Packet`. */
  src0 = 0
  src1 = 0
  src2 = 0
  src3 = 0
  dst0 = 0
  dst1 = 0
  dst2 = 0
  dst3 = 0

  /** Index into the bytes of `cursorSlot`, or NO_CURSOR. */
  cursor = NO_CURSOR
  cursorSlot = -1
  snort3 = false
  /** Where the last match of a RetryEvaluator stands and the window it was looked for in. */
  matchAt = 0
  windowStart = 0
  windowEnd = 0
  /** Spent of the budget of the present rule: one for each try, and one for every 64 bytes looked through. */
  steps = 0
  /** Number of the evaluation: while it stays, so do the bytes of the buffers. */
  runs = 0
  readonly variables = new Float64Array(MAX_VARIABLES)
  readonly base64 = new Uint8Array(BASE64_CAPACITY)

  #slots = PLAIN_SLOTS
  #base64Set = false

  constructor(counters: Counters, stepLimit: number, facts: ProtocolFacts = new ProtocolFacts()) {
    this.counters = counters
    this.facts = facts
    this.#stepLimit = stepLimit
  }

  /** Whether all steps of a rule hold; `begin` has been called for it. */
  run(steps: readonly Step[]): boolean {
    this.steps = 0
    this.runs++
    this.counters.evaluations++
    const verdict = this.#from(steps, 0)
    this.counters.steps += this.steps
    if (this.#base64Set) {
      this.buffers.remove(BUF.BASE64_DATA)
      this.#base64Set = false
    }
    return verdict === PASS
  }

  /** Prepares for one rule. `bodyOnly`: the packet data of this unit is the body of an HTTP message. */
  begin(dialect: Dialect, bodyOnly: boolean): void {
    this.snort3 = dialect === 'snort3'
    if (bodyOnly) this.#slots = bodySlots(this.snort3, this.buffers.has(HTTP_BODY))
    else {
      const raw = this.kind !== UNIT.PACKET && this.kind !== UNIT.FILE
      this.#slots = raw ? MESSAGE_SLOTS : PLAIN_SLOTS
    }
    this.cursor = NO_CURSOR
    this.cursorSlot = -1
  }

  #from(steps: readonly Step[], first: number): Verdict {
    for (let i = first; i < steps.length; i++) {
      const step = steps[i]!
      if (!step.evaluator.test(this)) return step.failed
      if (step.retry !== undefined) return this.#retry(steps, i, step, step.retry)
    }
    return PASS
  }

  #retry(steps: readonly Step[], i: number, step: Step, evaluator: RetryEvaluator): Verdict {
    const windowStart = this.windowStart
    const windowEnd = this.windowEnd
    for (;;) {
      const at = this.matchAt
      const rest = this.#from(steps, i + 1)
      if (rest === PASS || rest === FAIL_FINAL) return rest
      if (rest === FAIL_ONWARD) return step.onward
      if (++this.steps > this.#stepLimit) {
        this.counters.stepLimit++
        return FAIL_FINAL
      }
      if (!evaluator.again(this, at, windowStart, windowEnd)) return step.exhausted
    }
  }

  /** Makes a slot a part of the HTTP message that is the unit; false when there is no such part. */
  fillPart(part: HttpPart, slot: BufferId): boolean {
    return this.unit?.fillPart?.(part, slot) ?? false
  }

  /** A number about the head of the HTTP message, or of the request it answers; -1 = there is none. */
  headNumber(what: HttpNumber, ofRequest: boolean): number {
    return this.unit?.headNumber?.(what, ofRequest) ?? -1
  }

  /** The slot of the buffer set a rule's buffer is read from, on this unit. */
  slot(buffer: BufferId): BufferId {
    return this.#slots[buffer]! as BufferId
  }

  /** Index a relative option in `slot` counts from: the cursor, or the buffer's start when it stands elsewhere. */
  origin(slot: BufferId): number {
    return this.cursorSlot === slot || this.#isAlias(slot) ? this.cursor : this.buffers.start[slot]!
  }

  /** Packet data and the bytes as they came are the same where nothing was decoded. */
  #isAlias(slot: BufferId): boolean {
    const { cursorSlot, buffers } = this
    if (cursorSlot + slot !== BUF.PKT_DATA + BUF.RAW_DATA || cursorSlot * slot !== 0) return false
    return (
      buffers.bytes[BUF.PKT_DATA] === buffers.bytes[BUF.RAW_DATA] &&
      buffers.start[BUF.PKT_DATA] === buffers.start[BUF.RAW_DATA]
    )
  }

  /** @param at index into the bytes of the slot */
  setCursor(slot: BufferId, at: number): void {
    this.cursorSlot = slot
    this.cursor = at | 0
  }

  clearCursor(): void {
    this.cursorSlot = -1
    this.cursor = NO_CURSOR
  }

  setBase64(length: number): void {
    this.buffers.set(BUF.BASE64_DATA, this.base64, 0, length)
    this.#base64Set = true
  }
}
