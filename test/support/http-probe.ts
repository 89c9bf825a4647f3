/**
 * Probes of HTTP inspection: what one conversation says, and which rules it makes alert, however it is cut.
 *
 * In: turns and the options of rules in Snort 3 text. Out: which of the rules alerted, how often, and which built-in
 * events there were; the same for every way of cutting, or the run fails.
 */
import { createStack } from '@weir/stack'
import { afterAll, describe, expect, it } from 'vitest'
import { createEngine, createEngines, type DetectSettings, type Engine, loadRules } from 'weir'
import { conversation, feed } from './conversation.js'
import type { Data } from './frames.js'

/** `>` is said by the client, `<` by the server. */
export type Turn = readonly [from: '>' | '<', data: Data]

export interface Probe {
  readonly name: string
  readonly turns: readonly Turn[]
  /** Options of rules that alert. */
  readonly hits?: readonly string[]
  /** Options of rules that do not. */
  readonly misses?: readonly string[]
  /** Built-in events, `gid:sid`, that are raised. */
  readonly events?: readonly string[]
  /** Those that are not. */
  readonly noEvents?: readonly string[]
  /** Port of the server; 80 unless told. */
  readonly port?: number
}

/** Sizes of segments, used round and round. */
const CUTS: readonly (readonly number[])[] = [[1], [3, 1, 40, 7], [2, 500, 1, 1460], [64, 5, 5, 11]]
/** For what is long. */
const LONG_CUTS: readonly (readonly number[])[] = [[1460], [2000, 1, 700, 13]]
const LONG = 4096

export class ProbeEngine {
  private readonly engine: Engine
  private readonly sids = new Map<string, number>()
  private readonly options = new Map<number, string>()

  constructor(options: Iterable<string>, settings: Partial<DetectSettings> = {}) {
    for (const text of options) {
      if (this.sids.has(text)) continue
      const sid = this.sids.size + 1
      this.sids.set(text, sid)
      this.options.set(sid, text)
    }
    const rules = [...this.sids].map(
      ([text, sid]) => `alert tcp any any -> any any ( msg:"${sid}"; ${text}; sid:${sid}; )`,
    )
    const loaded = loadRules({ files: [{ path: 'probes.rules', text: rules.join('\n') }], dialect: 'snort3' })
    for (const problem of loaded.problems) {
      throw new Error(`${problem.message}: ${this.options.get(problem.position.line)}`)
    }
    const engines = createEngines()
    this.engine = createEngine({
      rules: loaded.rules,
      matcherEngine: engines.matcher,
      regexEngine: engines.regex,
      settings: { builtinEvents: true, ...settings },
    })
  }

  close(): void {
    this.engine.close()
  }

  /** What `turns` make alert, cut as `sizes` say; sorted `gid:sid` (rules: their options), one per alert. */
  run(turns: readonly Turn[], sizes: readonly number[], port = 80): string[] {
    const stack = createStack({ maxFlows: 16 })
    const seen: string[] = []
    this.engine.attach(stack, {
      alert: ({ rule: { gid, sid } }) => {
        seen.push(gid === 1 ? this.options.get(sid)! : `${gid}:${sid}`)
      },
      flush: async () => {},
      close: async () => {},
    })
    const talk = conversation({ serverPort: port, mss: 30_000 }).handshake()
    let next = 0
    for (const [from, data] of turns) {
      const bytes = latin1(data)
      for (let at = 0; at < bytes.length; ) {
        const size = sizes.length === 0 ? bytes.length : sizes[next++ % sizes.length]!
        const piece = bytes.subarray(at, at + size)
        if (from === '>') talk.client(piece)
        else talk.server(piece)
        at += size
      }
    }
    feed(stack, talk.close().packets())
    stack.finish()
    return seen.sort()
  }
}

/** Content of a sticky buffer. */
export const contains = (buffer: string, text: string): string => `${buffer}; content:"${text}"`

export const get = (uri: string, more = ''): string => `GET ${uri} HTTP/1.1\r\nHost: h\r\n${more}\r\n`

/** A response with a body. */
export function ok(body: Data, more = ''): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n`
  return Buffer.concat([Buffer.from(head), latin1(body)])
}

/** A POST of a body. */
export function post(body: Data, more = ''): Buffer {
  const head = `POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n${more}\r\n`
  return Buffer.concat([Buffer.from(head), latin1(body)])
}

function latin1(data: Data): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'latin1') : data
}

/** A request alone. */
export function request(
  name: string,
  data: Data,
  hits: readonly string[],
  misses: readonly string[] = [],
  events: readonly string[] = [],
): Probe {
  return { name, turns: [['>', data]], hits, misses, events }
}

/** A response to `GET /`. */
export function response(
  name: string,
  data: Data,
  hits: readonly string[],
  misses: readonly string[] = [],
  events: readonly string[] = [],
): Probe {
  return {
    name,
    turns: [
      ['>', get('/')],
      ['<', data],
    ],
    hits,
    misses,
    events,
  }
}

/** A test of each probe: what it makes alert, and that the same alerts come however it is cut. */
export function checkProbes(about: string, probes: readonly Probe[]): void {
  describe(about, () => {
    const engine = new ProbeEngine(probes.flatMap(({ hits = [], misses = [] }) => [...hits, ...misses]))
    afterAll(() => engine.close())
    it.each(probes.map((probe) => [probe.name, probe] as const))('%s', (_name, probe) => {
      const { turns, hits = [], misses = [], events = [], noEvents = [], port } = probe
      const own = new Set([...hits, ...misses])
      const seen = (sizes: readonly number[]): string[] =>
        engine.run(turns, sizes, port).filter((text) => own.has(text) || /^\d+:\d+$/.test(text))
      const whole = seen([])
      expect(whole.filter((text) => hits.includes(text) || events.includes(text))).toEqual(
        expect.arrayContaining([...hits, ...events]),
      )
      expect(whole.filter((text) => misses.includes(text) || noEvents.includes(text))).toEqual([])
      const length = turns.reduce((sum, [, data]) => sum + data.length, 0)
      for (const sizes of length > LONG ? LONG_CUTS : CUTS) expect(seen(sizes), `cut ${sizes}`).toEqual(whole)
    })
  })
}
