/** Several threads: the same events, order and counters as with one, whatever their number; and what happens on failure. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  conversation,
  fragment,
  merge,
  shuffle,
  type TestPacket,
  udpExchange,
} from '../../test/support/conversation.js'
import { ethernet, icmpFrame, ipv4, tcp, tcpFrame, udp } from '../../test/support/frames.js'
import { pcapBytes } from '../../test/support/pcap.js'
import { sharedPath } from '../../test/support/shared.js'
import { gre, vxlan } from '../../test/support/tunnels.js'
import {
  createStack,
  createWorkerPool,
  openCapture,
  type PoolOutcome,
  type StackOptionsInput,
  WorkerError,
} from '../src/index.js'

const MODULE = new URL('./support/pool-module.mjs', import.meta.url)
const work = mkdtempSync(join(tmpdir(), 'weir-workers-'))
afterAll(() => rmSync(work, { recursive: true }))

interface Item {
  readonly packet: number
  readonly flow: string
  readonly what: string
}

interface Run {
  readonly items: Item[]
  readonly outcome: PoolOutcome<number>
}

async function run(
  captures: readonly string[],
  workers: number,
  stack: StackOptionsInput = {},
  shardBy?: 'flow' | 'addresses',
): Promise<Run> {
  const options = { workers, module: MODULE, captures, stack: { seed: 5, ...stack } }
  const pool = createWorkerPool<Item, number>({ ...options, ...(shardBy === undefined ? {} : { shardBy }) })
  const items: Item[] = []
  const outcome = await pool.run({ onItem: (item) => items.push(item) })
  return { items, outcome }
}

/** What one stack without any threads counts. */
async function alone(
  captures: readonly string[],
  options: StackOptionsInput,
): Promise<Record<string, unknown>> {
  const stack = createStack({ seed: 5, ...options })
  const socket = stack.monitorStream()
  const { ON_NEW_DATA } = await import('../src/index.js')
  socket.on(ON_NEW_DATA, () => {})
  for (const path of captures) await openCapture(path).run(stack)
  stack.finish()
  return stack.counters.toJSON()
}

const at = (frame: Uint8Array, seconds: number): TestPacket => {
  return { frame, seconds, nanoseconds: 0, from: 'client' }
}

/** Flows of every kind between a few hosts: some in pieces, in tunnels, silent for long, malformed. */
function mixed(): TestPacket[] {
  const lists: TestPacket[][] = []
  for (let i = 0; i < 40; i++) {
    const hosts = { client: `10.0.0.${1 + (i % 7)}`, server: `192.0.2.${1 + (i % 3)}`, clientPort: 2000 + i }
    const six = { client: `2001:db8::${1 + (i % 7)}`, server: '2001:db8:1::9', clientPort: 2000 + i }
    const talk = conversation({ ...(i % 5 === 4 ? six : hosts), start: 1000 + i, step: 30_000, mss: 300 })
    talk.handshake().client('x'.repeat(500)).server('y'.repeat(900))
    if (i % 4 === 0) talk.skip('server', 100).server('after a hole')
    if (i % 3 === 0) talk.close()
    const packets = i % 3 === 1 ? shuffle(talk.packets(), i, 'turn') : talk.packets()
    lists.push(i % 6 === 5 ? fragment(packets, 64) : packets)
    lists.push(
      udpExchange(
        [
          ['client', 'a'],
          ['server', 'bb'],
          ['client', 'ccc'],
        ],
        { ...hosts, start: 1010 + i },
      ),
    )
  }
  const ends = { source: '10.9.0.1', destination: '10.9.0.2' }
  for (let i = 0; i < 30; i++) {
    const inner = {
      source: `10.8.0.${i % 5}`,
      destination: '10.8.1.1',
      sourcePort: 100 + i,
      destinationPort: 80,
    }
    const segment = ipv4(tcp({ ...inner, flags: 2, seq: i }), { ...inner, protocol: 6 })
    const datagram = udp({
      ...ends,
      sourcePort: 1,
      destinationPort: 4789,
      payload: vxlan(ethernet(segment), 7),
    })
    lists.push([at(ethernet(ipv4(datagram, { ...ends, protocol: 17 })), 1020 + i)])
    lists.push([at(ethernet(ipv4(gre(segment, { type: 0x0800 }), { ...ends, protocol: 47 })), 1021 + i)])
    lists.push([
      at(icmpFrame({ source: inner.source, destination: ends.source, type: 8, code: 0 }), 1022 + i),
    ])
    const bad = { ...inner, source: `10.7.0.${i}`, payload: 'x', checksum: 1 }
    lists.push([at(tcpFrame(bad), 1023 + i), at(tcpFrame({ ...bad, headerWords: 2 }), 1023 + i)])
    lists.push([at(ethernet(new Uint8Array(28), { etherType: 0x0806 }), 1023 + i)])
    lists.push([at(tcpFrame({ ...inner, source: '10.6.0.1', flags: 16, payload: 'no flow' }), 1024 + i)])
  }
  // All flows time out but those that are not over by then.
  lists.push(udpExchange([['client', 'later']], { start: 1500 }))
  lists.push(conversation({ clientPort: 9, start: 9000 }).handshake().client('late').packets())
  return merge(...lists)
}

const built = join(work, 'mixed.pcap')
writeFileSync(built, pcapBytes(mixed()))

const sharedCaptures = (): string[] => {
  const folder = sharedPath('captures')
  if (folder === undefined) return []
  return ['tcp', 'ipv4', 'tunnels', 'http'].flatMap((name) => {
    const inside = join(folder, name)
    return readdirSync(inside)
      .filter((file) => /\.pcap(ng)?(\.gz)?$/.test(file))
      .slice(0, 12)
      .map((file) => join(inside, file))
  })
}

describe('a worker pool', () => {
  it.each([
    ['flow', 'ignore'],
    ['addresses', 'verify'],
  ] as const)(
    'says the same in the same order, by %s, checksums %s, with 1, 2, 3 threads',
    async (by, checksums) => {
      const options = { checksums, midstream: by === 'addresses' }
      const one = await run([built], 1, options, by)
      expect(one.items.length).toBeGreaterThan(1000)
      for (const kind of ['timer', 'gap', 'end timeout', 'end fin', 'orphan', 'fragment', 'datagram']) {
        expect(
          one.items.some(({ what }) => what.startsWith(kind) || by === 'addresses'),
          kind,
        ).toBe(true)
      }
      expect(one.items.map((item) => item.packet)).toEqual(
        one.items.map((item) => item.packet).sort((a, b) => a - b),
      )
      for (const workers of [2, 3]) {
        const several = await run([built], workers, options, by)
        expect(several.items).toEqual(one.items)
        expect(several.outcome.counters).toEqual(one.outcome.counters)
        expect(several.outcome.results.every((flows) => flows > 0)).toBe(true)
      }
      expect(one.outcome.counters).toMatchObject({
        otherShard: 0,
        decode: { tcp_header_length: 30 },
      })
    },
  )

  it('counts what one stack counts', async () => {
    const options = { checksums: 'verify' } as const
    const { outcome } = await run([built], 3, options)
    // The module's timers and events do not count; buffers are those of ON_NEW_DATA in both.
    expect(outcome.counters).toEqual(await alone([built], options))
  })

  it('keeps what goes on between two hosts in one worker, by addresses', async () => {
    const talks = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => {
      const hosts = { client: `10.0.0.${i}`, server: '10.1.0.1' }
      return [
        conversation({ ...hosts, serverPort: 21, start: 1 + i })
          .handshake()
          .client('PASV\r\n')
          .packets(),
        conversation({ ...hosts, clientPort: 50_000, serverPort: 40_000, start: 2 + i })
          .handshake()
          .packets(),
        conversation({
          client: hosts.server,
          server: hosts.client,
          clientPort: 20,
          serverPort: 3000,
          start: 3 + i,
        })
          .handshake()
          .packets(),
      ]
    })
    const capture = join(work, 'ftp.pcap')
    writeFileSync(capture, pcapBytes(merge(...talks)))
    const hostsOf = async (by: 'flow' | 'addresses'): Promise<Set<string>[]> => {
      const sets = [new Set<string>(), new Set<string>(), new Set<string>()]
      const pool = createWorkerPool<Item>({
        workers: 3,
        module: MODULE,
        captures: [capture],
        stack: { seed: 1 },
        shardBy: by,
      })
      await pool.run({
        onItem: ({ flow }, worker) => void sets[worker].add(/10\.0\.0\.\d/.exec(flow)?.[0] ?? ''),
      })
      return sets
    }
    const byAddress = await hostsOf('addresses')
    expect(byAddress.reduce((sum, set) => sum + set.size, 0)).toBe(8)
    expect(byAddress.filter((set) => set.size > 0).length).toBeGreaterThan(1)
    expect((await hostsOf('flow')).reduce((sum, set) => sum + set.size, 0)).toBeGreaterThan(8)
  })

  it.skipIf(sharedCaptures().length === 0)('does so on real captures', async () => {
    const captures = sharedCaptures()
    const one = await run(captures, 1, { midstream: true })
    expect(one.items.length).toBeGreaterThan(5000)
    for (const workers of [2, 3]) {
      const several = await run(captures, workers, { midstream: true })
      expect(several.items).toEqual(one.items)
      expect(several.outcome.counters).toEqual(one.outcome.counters)
      expect(several.outcome.inputError).toEqual(one.outcome.inputError)
    }
  })

  it('reads a capture that is cut short to its last whole packet, and says so', async () => {
    const bytes = pcapBytes(mixed())
    const cut = join(work, 'cut.pcap')
    writeFileSync(cut, bytes.subarray(0, bytes.length - 5))
    const { outcome } = await run([cut], 2)
    expect(outcome.inputError).toMatchObject({ code: 'truncated', path: cut })
    expect(outcome.counters.packets).toBe(mixed().length - 1)
  })

  it('passes messages on, and progress', async () => {
    const pool = createWorkerPool({ workers: 2, module: MODULE, data: { greet: true }, captures: [built] })
    const messages: unknown[] = []
    let progress = 0
    await pool.run({
      onMessage: (message) => messages.push(message),
      onProgress: (bytesRead) => {
        progress = bytesRead
      },
    })
    expect(messages.sort()).toEqual(['hello from 0 of 2', 'hello from 1 of 2'])
    expect(progress).toBeGreaterThan(10_000)
    await expect(pool.run()).rejects.toThrow(/runs once/)
  })

  it.each([
    ['work', /^worker 2 of 2: no work today$/],
    ['packet', /^worker 2 of 2: cannot count beyond three$/],
    ['finish', /^worker 2 of 2: cannot finish$/],
    ['odd', /^worker 2 of 2: just a text$/],
    ['exit', /^worker 2 of 2: the thread ended early \(exit code 7\)$/],
  ])('fails cleanly when a worker does (%s)', async (when, message) => {
    const data = { fail: { when, worker: 1 } }
    const pool = createWorkerPool({ workers: 2, module: MODULE, data, captures: [built] })
    const error = await pool.run().then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(WorkerError)
    expect((error as WorkerError).message).toMatch(message)
    expect((error as WorkerError).worker).toBe(1)
  })

  it('ends its threads when the application fails, and when it is told to', async () => {
    const failing = createWorkerPool<Item>({ workers: 2, module: MODULE, captures: [built] })
    const onItem = (): void => {
      throw new Error('disk full')
    }
    await expect(failing.run({ onItem })).rejects.toThrow('disk full')
    const ended = createWorkerPool<Item>({ workers: 2, module: MODULE, captures: [built, built, built] })
    const running = ended.run()
    await ended.terminate()
    await expect(running).rejects.toThrow(WorkerError)
    const stopped = createWorkerPool<Item>({
      workers: 2,
      module: MODULE,
      captures: new Array(50).fill(built),
    })
    const { counters } = await stopped.run({ signal: AbortSignal.abort() })
    expect(counters.packets).toBeLessThan(50 * mixed().length)
  })

  it('refuses options that make no sense, before it starts anything', () => {
    expect(() => createWorkerPool({ workers: 0, module: MODULE })).toThrow(RangeError)
    expect(() => createWorkerPool({ workers: 1.5, module: MODULE })).toThrow(RangeError)
    expect(() => createWorkerPool({ workers: 1 })).toThrow(/module or an entry/)
    expect(() => createWorkerPool({ workers: 1, module: MODULE, stack: { maxFlows: -1 } })).toThrow(
      RangeError,
    )
  })

  it('says which module has no work in it', async () => {
    const module = new URL('./support/bump.ts', import.meta.url)
    const empty = join(work, 'empty.mjs')
    writeFileSync(empty, 'export const nothing = 1\n')
    const pool = createWorkerPool({ workers: 1, module: new URL(`file://${empty}`) })
    await expect(pool.run()).rejects.toThrow(/exports no function "work"/)
    const missing = createWorkerPool({ workers: 1, module: new URL(`${module.href}.absent`) })
    await expect(missing.run()).rejects.toThrow(/worker 1 of 1: /)
  })
})
