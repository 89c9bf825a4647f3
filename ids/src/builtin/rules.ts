/** Turns tables of events into rules. */
import type { Rule, RuleHeader } from '../rules/model.js'
import { DECODE_EVENTS } from './decode.js'
import { FRAGMENT_EVENTS } from './fragment.js'
import { HTTP_EVENTS } from './http.js'
import { HTTP2_EVENTS } from './http2.js'
import { SERVICE_EVENTS } from './services.js'
import { SESSION_EVENTS, STREAM_EVENTS } from './stream.js'

export interface EventTable {
  readonly gid: number
  /** Snort's name of what raises the events; stands before every text. */
  readonly inspector: string
  readonly texts: Readonly<Record<number, string>>
  /** Events that only a rule of the user's switches on, because Snort as it comes does not raise them. */
  readonly onRequest?: readonly number[]
}

const TABLES: readonly EventTable[] = [
  HTTP_EVENTS,
  HTTP2_EVENTS,
  STREAM_EVENTS,
  SESSION_EVENTS,
  FRAGMENT_EVENTS,
  DECODE_EVENTS,
  ...SERVICE_EVENTS,
]

const ANY = { any: true, include: [], exclude: [] }
const ANY_PORT = { any: true, ranges: [[0, 65_535]] as const }
const HEADER: RuleHeader = {
  action: 'alert',
  protocol: 'ip',
  source: ANY,
  sourcePorts: ANY_PORT,
  bidirectional: false,
  destination: ANY,
  destinationPorts: ANY_PORT,
}
/** Snort's priority of rules without a class. */
const PRIORITY = 3

/** Some inspector raises this event. */
export function isRaised(gid: number, sid: number): boolean {
  return TABLES.some((table) => table.gid === gid && Object.hasOwn(table.texts, sid))
}

/** One rule for each event of every table, but for those that have to be asked for. */
export function builtinRules(): Rule[] {
  return TABLES.flatMap(({ gid, inspector, texts, onRequest }) =>
    Object.entries(texts)
      .filter(([sid]) => !onRequest?.includes(Number(sid)))
      .map(([sid, text]) => ({
        gid,
        sid: Number(sid),
        rev: 1,
        msg: `(${inspector}) ${text}`,
        classtype: undefined,
        classText: undefined,
        priority: PRIORITY,
        references: [],
        metadata: [],
        services: [],
        header: HEADER,
        options: [{ kind: 'engine_event' as const }],
        dialect: 'snort3' as const,
        position: { file: 'built-in', line: 1, column: 1 },
        text: '',
      })),
  )
}
