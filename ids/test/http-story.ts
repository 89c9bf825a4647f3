/** Everything that detection is shown of one conversation, as text, for tests that compare ways of cutting it. */
import { expect } from 'vitest'
import { ConversationPool } from '../src/http/index.js'
import {
  BUFFER_COUNT,
  type Direction,
  InspectionContext,
  type InspectionUnit,
  type InspectLimits,
} from '../src/inspect/index.js'

export type Turn = readonly [direction: Direction, data: string | Uint8Array]

/** Units and events, in order. `cuts`: lengths of segments, used round and round; none: one segment a turn. */
export function story(
  said: readonly Turn[],
  cuts: readonly number[],
  limits: Partial<InspectLimits>,
): string[] {
  const log: string[] = []
  const context = new InspectionContext<string>(
    {
      inspect: (_flow, unit) => void log.push(unitText(unit)),
      event: (_flow, direction, _service, gid, sid) => void log.push(`${direction} ${gid}:${sid}`),
    },
    limits,
    { events: true, trailer: true, wire: true },
  )
  const conversation = new ConversationPool(context).open(false)
  let next = 0
  for (const [direction, bytes] of oneEach(said)) {
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + (cuts[next++ % cuts.length] ?? bytes.length))
      // Each segment stands in an array of its own, which is overwritten afterwards.
      const segment = new Uint8Array(end - at + 6).fill(0x23)
      segment.set(bytes.subarray(at, end), 3)
      conversation.data('flow', direction, segment, 3, 3 + end - at)
      segment.fill(0x2a)
      at = end
    }
  }
  conversation.close('flow')
  expect(context.pool.inUse).toBe(0)
  return log
}

/** What one side says without an answer is one turn. */
function oneEach(said: readonly Turn[]): [Direction, Uint8Array][] {
  const turns: [Direction, Uint8Array][] = []
  for (const [direction, data] of said) {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
    const last = turns.at(-1)
    if (last?.[0] === direction) last[1] = Buffer.concat([last[1], bytes])
    else turns.push([direction, bytes])
  }
  return turns
}

function unitText({ kind, direction, service, last, buffers }: InspectionUnit): string {
  const parts: string[] = []
  for (let id = 0; id < BUFFER_COUNT; id++) {
    const end = buffers.end[id]!
    if (end < 0) continue
    const text = Buffer.from(buffers.bytes[id]!.subarray(buffers.start[id]!, end)).toString('latin1')
    parts.push(`${id} at ${buffers.base[id]}: ${text}`)
  }
  return `unit ${kind} ${direction} ${service} ${last}\n${parts.join('\n')}`
}
