/**
 * Cost of HTTP inspection alone: the payloads of captures go straight into conversations, and units go nowhere.
 *
 * In: captures on the command line (Ethernet, IPv4, TCP to port 80, segments in order; others are left out). Out: CPU
 * microseconds per request and response, median and least of the rounds; reading the capture is not timed. Run by
 * people: `node bench/dist/http.js [--rounds N] CAPTURE…`.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { cpuUsage } from 'node:process'
import { parseArgs } from 'node:util'
import type { Conversation } from '../ids/dist/http/index.js'
import { median } from './measure.js'

// Not part of the library's interface, so not to be had from the package.
const built = (module: string): Promise<unknown> =>
  import(new URL(`../../ids/dist/${module}`, import.meta.url).href)
const { ConversationPool } = (await built('http/index.js')) as typeof import('../ids/dist/http/index.js')
const { InspectionContext } = (await built(
  'inspect/index.js',
)) as typeof import('../ids/dist/inspect/index.js')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '7' } },
})
if (positionals.length === 0) {
  console.error('usage: http [--rounds N] CAPTURE…')
  process.exit(2)
}

/** Integers per segment: conversation, direction (END: the conversation is over), start and end of the payload. */
const FIELDS = 4
const END = 2

interface Segments {
  readonly bytes: Uint8Array
  readonly table: Int32Array
  readonly conversations: number
  readonly payload: number
}

function segmentsOf(path: string): Segments {
  const file = readFileSync(path)
  const table: number[] = []
  const open = new Map<string, { id: number; next: [number, number] }>()
  let conversations = 0
  let payload = 0
  for (let at = 24; at + 16 <= file.length; ) {
    const frame = at + 16
    at = frame + file.readUInt32LE(at + 8)
    if (at > file.length || file.readUInt16BE(frame + 12) !== 0x0800 || file[frame + 23] !== 6) continue
    const ip = frame + 14
    const tcp = ip + (file[ip]! & 15) * 4
    const start = tcp + (file[tcp + 12]! >> 4) * 4
    const end = ip + file.readUInt16BE(ip + 2)
    const flags = file[tcp + 13]!
    const direction = file.readUInt16BE(tcp + 2) === 80 ? 0 : 1
    const [client, clientPort] = direction === 0 ? [ip + 12, tcp] : [ip + 16, tcp + 2]
    const key =
      file.toString('latin1', client, client + 4) + file.toString('latin1', clientPort, clientPort + 2)
    const sequence = file.readUInt32BE(tcp + 4)
    const opens = (flags & 2) !== 0
    if (opens && direction === 0) open.set(key, { id: conversations++, next: [-1, -1] })
    const conversation = open.get(key)
    if (conversation === undefined) continue
    if (opens) {
      conversation.next[direction] = (sequence + 1) >>> 0
    } else if (end > start && sequence === conversation.next[direction]) {
      conversation.next[direction] = (sequence + end - start) >>> 0
      table.push(conversation.id, direction, start, end)
      payload += end - start
    }
    if ((flags & 5) !== 0 && direction === 0) {
      table.push(conversation.id, END, 0, 0)
      open.delete(key)
    }
  }
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.length)
  return { bytes, table: Int32Array.from(table), conversations, payload }
}

interface Result {
  readonly requests: number
  readonly units: number
  readonly micros: number
  readonly poolPeak: number
}

function run({ bytes, table, conversations }: Segments): Result {
  let units = 0
  const context = new InspectionContext<number>({
    inspect() {
      units++
    },
  })
  const pool = new ConversationPool(context)
  const open: (Conversation<number> | null)[] = new Array<null>(conversations).fill(null)
  const before = cpuUsage()
  for (let i = 0; i < table.length; i += FIELDS) {
    const id = table[i]!
    const direction = table[i + 1]!
    if (direction === END) {
      open[id]?.close(id)
      open[id] = null
      continue
    }
    const conversation = open[id] ?? pool.open(false)
    open[id] = conversation
    conversation.data(id, direction === 0 ? 0 : 1, bytes, table[i + 2]!, table[i + 3]!)
  }
  const used = cpuUsage(before)
  return {
    requests: context.counters.requests,
    units,
    micros: used.user + used.system,
    poolPeak: context.pool.peak,
  }
}

console.log('capture             requests    units   us/pair  (least)   Gbit/s   pool KiB')
for (const path of positionals) {
  const segments = segmentsOf(path)
  const results = Array.from({ length: Number(values.rounds) }, () => run(segments))
  const { requests, units, poolPeak } = results[0]!
  const micros = median(results.map((result) => result.micros))
  const least = Math.min(...results.map((result) => result.micros))
  console.log(
    basename(path).padEnd(18),
    String(requests).padStart(9),
    String(units).padStart(8),
    (micros / requests).toFixed(2).padStart(9),
    (least / requests).toFixed(2).padStart(8),
    ((segments.payload * 8) / micros / 1000).toFixed(2).padStart(8),
    String(poolPeak >> 10).padStart(10),
  )
}
