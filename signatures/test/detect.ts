/**
 * Runs packets through stack and engine with the project's signatures, for the tests beside this file.
 *
 * In: packets. Out: the sids of the alerts they raise, in order. One engine serves all runs; each run has a stack of
 * its own, so that nothing carries over.
 */
import { createStack } from '@weir/stack'
import { type AlertSink, createEngine, createEngines, type Engine, type Rule } from 'weir'
import { type CapturedFrame, feed } from '../../test/support/conversation.js'

export class Detection {
  readonly engine: Engine

  /** @param choice `auto` takes the native engines where they are built */
  constructor(rules: readonly Rule[], choice: 'auto' | 'aho-corasick' = 'auto') {
    const { matcher, regex } = createEngines({ engine: choice })
    this.engine = createEngine({ rules, matcherEngine: matcher, regexEngine: regex })
  }

  /** Sids of all alerts, in the order raised. */
  run(packets: readonly CapturedFrame[]): number[] {
    const sids: number[] = []
    const sink: AlertSink = {
      alert: ({ rule }) => sids.push(rule.sid),
      flush: async () => {},
      close: async () => {},
    }
    const stack = createStack({ seed: 1, maxFlows: 256, checksums: 'verify' })
    this.engine.attach(stack, sink)
    feed(stack, packets)
    stack.finish()
    return sids
  }

  /** The distinct sids, ascending. */
  sids(packets: readonly CapturedFrame[]): number[] {
    return [...new Set(this.run(packets))].sort((a, b) => a - b)
  }

  close(): void {
    this.engine.close()
  }
}
