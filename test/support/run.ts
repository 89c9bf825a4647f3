/**
 * Runs rules over a capture through the public interface, for tests that compare alerts.
 *
 * In: rule text or files and a capture. Out: how often each rule fired on each flow, and which flows there were.
 */
import { CLI, createStack, ON_CONN_START, openCapture, type TcpPolicy } from '@weir/stack'
import type { DetectSettings, LoadedRules, RuleFileInput } from 'weir'
import { type AlertRecord, type AlertSink, createEngine, createEngines, loadRules, Variables } from 'weir'

export interface RunOptions {
  readonly rules: readonly RuleFileInput[]
  readonly capture: string
  readonly variables?: Readonly<Record<string, string>>
  readonly checksums?: 'verify' | 'ignore'
  /** Of all hosts, as `stream_tcp` has it; `bsd` as in Snort. */
  readonly policy?: TcpPolicy
  readonly engine?: 'auto' | 'aho-corasick'
  readonly builtinEvents?: boolean
  readonly settings?: Partial<DetectSettings>
}

export interface FlowAlert {
  readonly gid: number
  readonly sid: number
  /** `address:port` of the side that opened the flow (of the sender, where there is no flow). */
  readonly flow: string
}

export interface RunResult {
  readonly alerts: readonly FlowAlert[]
  /** `address:port` of every client seen. */
  readonly flows: ReadonlySet<string>
  readonly loaded: LoadedRules
  /** Sids of the rules in use. */
  readonly sids: ReadonlySet<number>
  readonly packets: number
}

class Collector implements AlertSink {
  readonly alerts: FlowAlert[] = []

  alert(record: AlertRecord): void {
    const { gid, sid } = record.rule
    const flow =
      record.direction === 'S2C'
        ? `${record.destinationAddress}:${record.destinationPort}`
        : `${record.sourceAddress}:${record.sourcePort}`
    this.alerts.push({ gid, sid, flow })
  }

  async flush(): Promise<void> {}
  async close(): Promise<void> {}
}

export async function runRules(options: RunOptions): Promise<RunResult> {
  const variables = new Variables()
  for (const [name, value] of Object.entries(options.variables ?? {})) variables.pin(name, value)
  const loaded = loadRules({ files: options.rules, variables })
  const engines = createEngines({ engine: options.engine ?? 'auto' })
  const engine = createEngine({
    rules: loaded.rules,
    matcherEngine: engines.matcher,
    regexEngine: engines.regex,
    settings: { builtinEvents: options.builtinEvents ?? false, ...options.settings },
  })
  const stack = createStack({
    checksums: options.checksums ?? 'verify',
    midstream: true,
    outOfOrder: { acrossSides: true },
    seed: 1,
    tcp: { policy: options.policy ?? 'bsd', doubtful: 'wait' },
  })
  const flows = new Set<string>()
  const watch = stack.monitorStream({ reassemble: { client: false, server: false } })
  watch.on(ON_CONN_START, (flow) => {
    flows.add(`${flow.address(CLI)}:${flow.port(CLI)}`)
  })
  const sink = new Collector()
  engine.attach(stack, sink)
  await openCapture(options.capture).run(stack)
  stack.finish()
  const sids = new Set(engine.rules.map((rule) => rule.sid))
  const result = { alerts: sink.alerts, flows, loaded, sids, packets: stack.counters.packets }
  engine.close()
  return result
}
