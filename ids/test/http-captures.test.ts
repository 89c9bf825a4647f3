import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLI, createStack, ON_CONN_END, ON_GAP, ON_NEW_DATA, openCapture, SVR } from '@weir/stack'
import { describe, expect, test } from 'vitest'
import { sharedPath } from '../../test/support/shared.js'
import { type Conversation, ConversationPool } from '../src/http/index.js'
import { BUF, InspectionContext, TO_CLIENT, TO_SERVER, UNIT, type UnitSink } from '../src/inspect/index.js'

interface Inspected {
  /** Bytes other than white space that the stack delivered, and those that were new in some unit. */
  delivered: number
  inspected: number
  /** New bytes of FILE_DATA of all responses. */
  file: string
  httpFlows: number
  leaked: number
}

function visible(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let i = start; i < end; i++)
    if (bytes[i] !== 0x20 && bytes[i] !== 9 && bytes[i] !== 10 && bytes[i] !== 13) count++
  return count
}

async function inspect(path: string): Promise<Inspected> {
  const out: Inspected = { delivered: 0, inspected: 0, file: '', httpFlows: 0, leaked: 0 }
  const sink: UnitSink<null> = {
    inspect(_flow, unit) {
      const { bytes, end, fresh } = unit.buffers
      out.inspected += visible(bytes[BUF.RAW_DATA]!, fresh[BUF.RAW_DATA]!, end[BUF.RAW_DATA]!)
      if (unit.kind !== UNIT.HTTP_RESPONSE || !unit.buffers.has(BUF.FILE_DATA)) return
      const part = bytes[BUF.FILE_DATA]!.subarray(fresh[BUF.FILE_DATA]!, end[BUF.FILE_DATA]!)
      if (out.file.length < 1 << 20) out.file += Buffer.from(part).toString('latin1')
    },
  }
  const context = new InspectionContext<null>(sink, {}, { wire: true })
  const pool = new ConversationPool(context)
  const stack = createStack({ checksums: 'ignore', midstream: true, seed: 1 })
  const socket = stack.monitorStream<Conversation<null>>()
  socket.on(ON_NEW_DATA, (flow, data) => {
    flow.uctx ??= pool.open(flow.midstream)
    if (flow.uctx.waiting && flow.packets(CLI) + flow.packets(SVR) > 1) flow.uctx.confirm(null)
    out.delivered += visible(data.bytes, data.start, data.end)
    flow.uctx.data(null, data.side === SVR ? TO_SERVER : TO_CLIENT, data.bytes, data.start, data.end)
  })
  socket.on(ON_GAP, (flow, gap) => {
    flow.uctx ??= pool.open(true)
    flow.uctx.gap(null, gap.side === SVR ? TO_SERVER : TO_CLIENT, gap.length)
  })
  socket.on(ON_CONN_END, (flow) => flow.uctx?.close(null))
  await openCapture(path).run(stack)
  stack.finish()
  out.httpFlows = context.counters.httpFlows
  out.leaked = context.pool.inUse
  return out
}

const folder = sharedPath('captures', 'http')
const captures = folder === undefined ? [] : readdirSync(folder)

describe.skipIf(captures.length === 0)('captures of HTTP of many shapes (../shared/captures/http)', () => {
  test.each(captures)('%s', async (name) => {
    const seen = await inspect(join(folder!, name))
    expect(seen.leaked).toBe(0)
    // White space between messages is the one thing that is left out.
    expect(seen.inspected).toBe(seen.delivered)
    if (seen.delivered > 0) expect(seen.httpFlows).toBeGreaterThan(0)
  })
})

interface Case {
  readonly id: string
  readonly category: string
  readonly pcap: string
  readonly truth: string
  readonly evasion: string
  readonly expected: readonly { readonly sid: number }[]
  readonly suricata_expected: readonly { readonly sid: number }[] | null
}

const casesPath = sharedPath('cases', 'cases.json')
const evasions: Case[] =
  casesPath === undefined
    ? []
    : (JSON.parse(readFileSync(casesPath, 'utf8')) as Case[]).filter(
        (entry) => entry.category === 'http-evader',
      )

/** Rules 1 and 2 of every case: the EICAR file as a whole, and its beginning, in the response body. */
const has = (file: string): number[] => [
  ...(file.includes('EICAR-STANDARD-ANTIVIRUS-TEST-FILE') ? [1] : []),
  ...(file.includes('X5O!P%@AP[4') ? [2] : []),
]
const sids = (list: readonly { readonly sid: number }[] | null): number[] =>
  (list ?? []).map((entry) => entry.sid)

describe.skipIf(evasions.length === 0)('responses in disguise (../shared/cases, http-evader)', () => {
  test('what two engines see in a body is seen', async () => {
    const wrong: string[] = []
    for (const entry of evasions) {
      const seen = has((await inspect(sharedPath('cases', entry.pcap)!)).file)
      const engines = [sids(entry.expected), sids(entry.suricata_expected)]
      // Where Snort gives a message up as malformed it raises an event instead; the body is inspected here all the same.
      const right = engines.some((expected) => String(expected) === String(seen))
      const must = engines[0]!.every((sid) => seen.includes(sid))
      if (!right || !must) wrong.push(`${entry.id} ${entry.evasion}: ${seen}`)
    }
    expect(wrong).toEqual([])
  })
})
