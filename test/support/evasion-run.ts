/**
 * Runs the conversations of an oracle set, sent as an evasion says, and compares the alerts with those expected of the
 * set and with those of the conversations as they were.
 *
 * In: a set's captures and rules (loaded once). Out: for an evasion, recall and precision as the oracle is graded, and
 * the rows that differ from a plain run. Called by the evasion tests.
 */
import { readFileSync } from 'node:fs'
import { createStack, type StackOptionsInput } from '@weir/stack'
import { type AlertSink, createEngine, createEngines, type Engine, loadRules, Variables } from 'weir'
import type { CapturedFrame } from './conversation.js'
import {
  client as addressOf,
  type Expectation,
  type Grade,
  grade,
  loadMatrix,
  type Row,
  row,
} from './oracle.js'
import { type Recorded, readConversations } from './recorded.js'
import { sharedPath } from './shared.js'

export type SentFrame = CapturedFrame & { readonly linkType?: number }

export type Dialect = 'snort2' | 'snort3'

export const isClient = (address: string): boolean => address.startsWith('10.')

export class OracleSet {
  readonly conversations: readonly Recorded[]
  readonly expected: Expectation
  readonly texts: ReadonlyMap<number, string>
  readonly #engine: Engine
  readonly #sids: ReadonlySet<number>

  private constructor(
    conversations: readonly Recorded[],
    expected: Expectation,
    texts: ReadonlyMap<number, string>,
    engine: Engine,
  ) {
    this.conversations = conversations
    this.expected = expected
    this.texts = texts
    this.#engine = engine
    this.#sids = new Set(engine.rules.map(({ sid }) => sid))
  }

  static async load(set: string, dialect: Dialect): Promise<OracleSet> {
    const path = sharedPath('oracle', `${set}${dialect === 'snort2' ? '.29' : ''}.rules`)!
    const variables = new Variables()
    variables.pin('AIM_SERVERS', 'any')
    const { rules } = loadRules({ files: [{ path, dialect }], variables })
    const { matcher, regex } = createEngines()
    const engine = createEngine({ rules, matcherEngine: matcher, regexEngine: regex })
    const conversations = await readConversations(sharedPath('oracle', `${set}.pcap.gz`)!, isClient)
    const texts = new Map(
      readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => [Number(/sid:\s*(\d+)/.exec(line)?.[1] ?? 0), line]),
    )
    return new OracleSet(conversations, loadMatrix(set), texts, engine)
  }

  /** Alerts of generator 1 raised by frames. */
  alerts(frames: Iterable<SentFrame>, standard = 1, options: StackOptionsInput = {}): Set<Row> {
    const found = new Set<Row>()
    const sink: AlertSink = {
      alert: ({ rule, sourceAddress, sourcePort, destinationAddress, destinationPort }) => {
        if (rule.gid !== 1) return
        const source = addressOf(`${sourceAddress}:${sourcePort}`)
        found.add(
          row(
            rule.sid,
            `${isClient(source) ? source : addressOf(`${destinationAddress}:${destinationPort}`)}:0`,
          ),
        )
      },
      flush: async () => {},
      close: async () => {},
    }
    const stack = createStack({
      checksums: 'verify',
      midstream: true,
      outOfOrder: { acrossSides: true },
      seed: 1,
      ...options,
      tcp: { policy: 'bsd', timestamps: 'check', doubtful: 'wait', ...options.tcp },
    })
    this.#engine.attach(stack, sink)
    for (const { frame, seconds, nanoseconds, wireLength, linkType = standard } of frames) {
      stack.frame(frame, 0, frame.length, wireLength ?? frame.length, seconds, nanoseconds, linkType, 0)
    }
    stack.finish()
    return found
  }

  /** Grades alerts by what is expected of these clients. */
  grade(alerts: ReadonlySet<Row>, clients: ReadonlySet<string>): Grade {
    return grade(alerts, this.expected, (sid, address) => this.#sids.has(sid) && clients.has(address))
  }

  close(): void {
    this.#engine.close()
  }
}
