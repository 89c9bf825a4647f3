/** Rule text and packets in, alerts out: the whole path through stack, inspection and detection. */
import { createStack, type StackOptionsInput } from '@weir/stack'
import { type CapturedFrame, conversation, feed } from '../../../test/support/conversation.js'
import { createEngine, type Engine } from '../../src/detect/engine.js'
import type { Inspector } from '../../src/detect/inspector.js'
import type { DetectSettings } from '../../src/detect/settings.js'
import { createEngines } from '../../src/match/index.js'
import type { MatcherEngine, RegexEngine } from '../../src/match/matcher.js'
import type { AlertHttp, AlertRecord } from '../../src/output/alert.js'
import { loadRules } from '../../src/rules/index.js'
import type { Dialect, RuleProblem } from '../../src/rules/model.js'

/** The parts of an alert that tests look at, copied. */
export interface Alert {
  readonly sid: number
  readonly packet: number
  readonly direction: 'C2S' | 'S2C' | 'UNK'
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly service: string
  readonly fromStream: boolean
  readonly payload: string
  readonly http: AlertHttp | undefined
  readonly record: AlertRecord
}

export interface RunSettings {
  readonly dialect?: Dialect
  readonly detect?: Partial<DetectSettings>
  readonly stack?: StackOptionsInput
  readonly matcherEngine?: MatcherEngine
  readonly regexEngine?: RegexEngine
}

export interface Run {
  readonly alerts: readonly Alert[]
  readonly inspector: Inspector
  readonly engine: Engine
  readonly problems: readonly RuleProblem[]
}

const engines = createEngines()

/** @throws Error when a rule does not load: a test's rules are meant to be right */
export function makeEngine(rules: string, settings: RunSettings = {}): Engine {
  const { dialect = 'snort2' } = settings
  const loaded = loadRules({ files: [{ path: 'test.rules', text: rules, dialect }] })
  const [problem] = loaded.problems.filter(({ severity }) => severity === 'error')
  if (problem !== undefined) throw new Error(problem.message)
  return createEngine({
    rules: loaded.rules,
    matcherEngine: settings.matcherEngine ?? engines.matcher,
    regexEngine: settings.regexEngine ?? engines.regex,
    ...(settings.detect === undefined ? {} : { settings: settings.detect }),
  })
}

export function runEngine(
  engine: Engine,
  packets: readonly CapturedFrame[],
  settings: RunSettings = {},
): Run {
  const alerts: Alert[] = []
  // Room for many flows takes longer to make than most tests.
  const stack = createStack({ maxFlows: 1024, ...settings.stack })
  const inspector = engine.attach(stack, {
    alert: (record) => alerts.push(copyAlert(record)),
    flush: async () => {},
    close: async () => {},
  })
  feed(stack, packets)
  stack.finish()
  return { alerts, inspector, engine, problems: engine.problems }
}

export function run(rules: string, packets: readonly CapturedFrame[], settings: RunSettings = {}): Run {
  return runEngine(makeEngine(rules, settings), packets, settings)
}

/** Sids in the order of their alerts. */
export function sids(rules: string, packets: readonly CapturedFrame[], settings: RunSettings = {}): number[] {
  return run(rules, packets, settings).alerts.map(({ sid }) => sid)
}

function copyAlert(record: AlertRecord): Alert {
  const { payload, payloadStart, payloadEnd } = record
  return {
    sid: record.rule.sid,
    packet: record.packetNumber,
    direction: record.direction,
    source: record.sourceAddress,
    destination: record.destinationAddress,
    sourcePort: record.sourcePort,
    destinationPort: record.destinationPort,
    service: record.service,
    fromStream: record.fromStream,
    payload: Buffer.from(payload.subarray(payloadStart, payloadEnd)).toString('latin1'),
    http: record.http,
    record: { ...record, http: record.http, flowKey: record.flowKey },
  }
}

/** A TCP conversation on a port that is not HTTP's, in which the client says one thing. */
export function clientSays(text: string | Uint8Array, serverPort = 7777): readonly CapturedFrame[] {
  return conversation({ serverPort }).handshake().client(text).close().packets()
}

export function serverSays(text: string | Uint8Array, serverPort = 7777): readonly CapturedFrame[] {
  return conversation({ serverPort }).handshake().server(text).close().packets()
}

/** One HTTP exchange on port 80. */
export function exchange(request: string, response: string, serverPort = 80): readonly CapturedFrame[] {
  return conversation({ serverPort }).handshake().client(request).server(response).close().packets()
}
