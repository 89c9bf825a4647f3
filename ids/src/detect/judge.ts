/**
 * What is asked of a candidate rule before its options are: whether the unit is one for it at all, and which of the
 * unit's bytes are its packet data.
 *
 * In: the unit and its flow (`begin`), a rule's index. Out: single answers, and `judge`, which puts them in the order
 * that costs least. Detection goes by `judge`; whoever explains it asks the same questions one by one.
 */
import { type InspectionUnit, SERVICE, type ServiceId, UNIT } from '../inspect/unit.js'
import type { Evaluation } from './evaluation.js'
import type { UnitLengths } from './length-bounds.js'
import { FIT, type RuleSet, TRAIT } from './rule-set.js'

/** What `judge` says: not for this rule, or what the rule is shown as packet data. */
export const SEES = {
  NOTHING: 0,
  /** The unit's own packet data. */
  ALL: 1,
  /** The body of the HTTP message. */
  BODY: 2,
  /** First the request as it came, then its body. */
  BOTH: 3,
} as const
export type Sees = (typeof SEES)[keyof typeof SEES]

export class UnitJudge {
  readonly #set: RuleSet
  #lengths!: UnitLengths
  #fits!: Uint8Array
  #service: ServiceId = SERVICE.UNKNOWN
  /** Classes of the ports, in the direction of the bytes. */
  #source = 0
  #destination = 0
  #established = false
  #first = false
  #streamed = false
  #filed = false
  #message = false
  #request = false

  constructor(set: RuleSet) {
    this.#set = set
  }

  /**
   * @param filed candidates are filed under the unit's direction, service and server port
   * @param first no unit of the flow has been inspected as the service yet
   * @param streamed a packet whose data is inspected as part of its stream, too
   * @param sourcePort in the direction of the bytes, as `destinationPort`
   */
  begin(
    unit: InspectionUnit,
    lengths: UnitLengths,
    filed: boolean,
    established: boolean,
    first: boolean,
    streamed: boolean,
    sourcePort: number,
    destinationPort: number,
  ): void {
    const set = this.#set
    this.#lengths = lengths
    this.#fits = set.fits(unit.direction, unit.service)
    this.#service = unit.service
    this.#source = set.portClasses.classOf[sourcePort]!
    this.#destination = set.portClasses.classOf[destinationPort]!
    this.#established = established
    this.#first = first
    this.#streamed = streamed
    this.#filed = filed
    this.#request = unit.kind === UNIT.HTTP_REQUEST
    this.#message = this.#request || unit.kind === UNIT.HTTP_RESPONSE
  }

  /** The unit is a packet whose stream the rule is shown instead. */
  isInStream(index: number): boolean {
    return this.#streamed && (this.#set.traits[index]! & TRAIT.HEADER_ONLY) !== 0
  }

  /** The rule does not ask for an established flow, or the unit is of one. */
  isEstablished(index: number): boolean {
    return this.#established || (this.#set.traits[index]! & TRAIT.NEEDS_ESTABLISHED) === 0
  }

  /** The rule is for the bytes by which its service was recognised, and these come later. */
  isLate(index: number): boolean {
    return !this.#first && (this.#fits[index]! & FIT.FIRST) !== 0
  }

  /** A buffer is shorter or longer than the rule allows. */
  hasWrongLength(index: number): boolean {
    const { boundBuffer, minLength, maxLength } = this.#set
    return this.#lengths.excludes(boundBuffer[index]!, minLength[index]!, maxLength[index]!)
  }

  /** Addresses (those in `state`), ports and service fit. */
  fitsHeader(index: number, state: Evaluation): boolean {
    return (
      (this.#filed && (this.#fits[index]! & FIT.SETTLED) !== 0) ||
      this.#set.rules[index]!.header.matches(state, this.#service, this.#source, this.#destination)
    )
  }

  /** What a rule that fits is shown. */
  sees(index: number): Sees {
    const trait = this.#set.traits[index]!
    if (!this.#message || (trait & TRAIT.BODY_ONLY) === 0) return SEES.ALL
    const { header } = this.#set.rules[index]!
    if (!header.seesBodyOnly(this.#source, this.#destination)) return SEES.ALL
    // Before the service is known, the bytes are packet data as they came; there are no HTTP buffers then.
    const raw = this.#first && this.#request && (trait & TRAIT.RAW_FIRST) !== 0
    return raw && header.fitsPorts(this.#source, this.#destination) ? SEES.BOTH : SEES.BODY
  }

  judge(index: number, state: Evaluation): Sees {
    if (!this.isEstablished(index) || this.hasWrongLength(index) || this.isLate(index)) return SEES.NOTHING
    if (this.isInStream(index)) return SEES.NOTHING
    return this.fitsHeader(index, state) ? this.sees(index) : SEES.NOTHING
  }
}
