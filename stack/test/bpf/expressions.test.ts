import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CapturedFrame } from '../../../test/support/conversation.js'
import { writePcap } from '../../../test/support/pcap.js'
import { sharedPath } from '../../../test/support/shared.js'
import {
  BpfError,
  BpfFilter,
  type BpfProgram,
  bpfUnavailable,
  compileBpf,
  formatProgram,
  openCapture,
} from '../../src/index.js'
import { EXPRESSIONS } from './expressions.js'
import { hasTcpdump, tcpdumpMatches } from './tcpdump.js'
import { traffic } from './traffic.js'

const ETHERNET = 1
const unavailable = bpfUnavailable()

interface Golden {
  readonly expression: string
  /** For Ethernet, as `tcpdump -ddd` prints it. */
  readonly program: string
  /** Numbers, from 0, of the packets of `traffic()` that tcpdump 4.99.3 (libpcap 1.10.3) lets through. */
  readonly matches: readonly number[]
}

/** Made from tcpdump by `WEIR_WRITE_GOLDEN=1`. */
const GOLDEN_FILE = fileURLToPath(new URL('./golden.json', import.meta.url))

let folder = ''
let capture = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-bpf-'))
  capture = join(folder, 'traffic.pcap')
  writePcap(capture, traffic())
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function matches(program: BpfProgram, packets: readonly Required<CapturedFrame>[]): number[] {
  // Neither at the start of the buffer nor alone in it: a filter must keep to the packet.
  const buffer = new Uint8Array(300_000).fill(0xa5)
  return packets.flatMap(({ frame, wireLength }, i) => {
    buffer.set(frame, 77)
    return program.matches(buffer, 77, frame.length, wireLength) ? [i] : []
  })
}

describe('filter expressions', () => {
  it.skipIf(process.env.WEIR_WRITE_GOLDEN !== '1')('writes the golden results', () => {
    const golden = EXPRESSIONS.map((expression): Golden => {
      const found = tcpdumpMatches(capture, expression)
      if (typeof found === 'string') throw new Error(`${expression}: ${found}`)
      return { expression, program: formatProgram(compileBpf(expression, ETHERNET).words), matches: found }
    })
    writeFileSync(GOLDEN_FILE, `[\n${golden.map((entry) => JSON.stringify(entry)).join(',\n')}\n]\n`)
  })

  const golden: readonly Golden[] = existsSync(GOLDEN_FILE)
    ? JSON.parse(readFileSync(GOLDEN_FILE, 'utf8'))
    : []

  it('has golden results for every expression', () => {
    expect(golden.map((entry) => entry.expression)).toEqual(EXPRESSIONS)
  })

  it.each(golden)(
    'compiled program of "$expression" chooses what tcpdump does',
    ({ program, matches: wanted }) => {
      expect(matches(compileBpf(program, ETHERNET), traffic())).toEqual(wanted)
    },
  )

  it.skipIf(unavailable !== '')('expressions choose what tcpdump does', () => {
    for (const { expression, matches: wanted } of golden) {
      expect(matches(compileBpf(expression, ETHERNET), traffic()), expression).toEqual(wanted)
    }
  })

  it.skipIf(!hasTcpdump || unavailable !== '')('choose what the tcpdump of this machine does', () => {
    for (const expression of EXPRESSIONS) {
      const wanted = tcpdumpMatches(capture, expression)
      expect(matches(compileBpf(expression, ETHERNET), traffic()), expression).toEqual(wanted)
    }
  })

  const shared = sharedPath('captures')
  it.skipIf(!hasTcpdump || unavailable !== '' || shared === undefined)(
    'choose what tcpdump does in captures of several link types',
    async () => {
      const files = [
        [
          'mixed-vlan-mpls.pcap',
          'pppoe.pcap',
          'q-in-q.pcap',
          'vlan-qinqinq.pcap',
          'http/bro.org-filtered.pcap',
        ],
        ['linux_dlt_sll2.pcap'],
        ['raw_packets.pcap'],
        ['nflog-http.pcap'],
      ]
      for (const group of files) {
        const packets: Required<CapturedFrame>[] = []
        let linkType = -1
        for (const file of group) {
          const sink = {
            frame(
              b: Uint8Array,
              o: number,
              n: number,
              wireLength: number,
              _s: number,
              _n: number,
              link: number,
            ) {
              linkType = link
              packets.push({ frame: b.slice(o, o + n), wireLength, seconds: packets.length, nanoseconds: 0 })
            },
          }
          await openCapture(join(shared!, file)).run(sink)
        }
        const path = join(folder, 'group.pcap')
        writePcap(path, packets, { linkType })
        for (const expression of EXPRESSIONS) {
          const wanted = tcpdumpMatches(path, expression)
          const what = `${group[0]}: ${expression}`
          if (typeof wanted === 'string') {
            expect(() => compileBpf(expression, linkType), `${what}: ${wanted}`).toThrow(BpfError)
          } else {
            expect(matches(compileBpf(expression, linkType), packets), what).toEqual(wanted)
          }
        }
      }
    },
  )
})

describe('filters for several link types', () => {
  const raw = (frame: Uint8Array): Uint8Array => frame.subarray(14)

  it.skipIf(unavailable !== '')('compile a program for each', () => {
    const filter = new BpfFilter('tcp dst port 80')
    const { frame } = traffic()[0]!
    const LINUX_RAW = 101
    for (let round = 0; round < 2; round++) {
      expect(filter.matches(frame, 0, frame.length, frame.length, ETHERNET)).toBe(true)
      expect(filter.matches(raw(frame), 0, frame.length - 14, frame.length - 14, LINUX_RAW)).toBe(true)
      expect(filter.matches(raw(frame), 0, frame.length - 14, frame.length - 14, ETHERNET)).toBe(false)
    }
  })

  it.skipIf(unavailable !== '')('say which link type an expression makes no sense for', () => {
    const filter = new BpfFilter('vlan 100')
    expect(() => filter.program(101)).toThrow(/filter 'vlan 100': no VLAN support for Raw IP/)
  })

  it('keep a compiled program to one link type', () => {
    const filter = new BpfFilter('1\n6 0 0 65535\n')
    const bytes = new Uint8Array(20)
    expect(filter.matches(bytes, 0, 20, 20, 101)).toBe(true)
    expect(() => filter.matches(bytes, 0, 20, 20, ETHERNET)).toThrow(/one link type/)
  })
})

describe('what is no filter', () => {
  it.skipIf(unavailable !== '')('is refused in the words of libpcap', () => {
    expect(() => compileBpf('tcp prt 80', ETHERNET)).toThrow(
      "filter 'tcp prt 80': can't parse filter expression",
    )
    expect(() => compileBpf('port 99999', ETHERNET)).toThrow(/illegal port number 99999/)
    expect(() => compileBpf('inbound', ETHERNET)).toThrow(/filter 'inbound': .*what only a kernel knows/)
    expect(() => compileBpf('ip broadcast', ETHERNET)).toThrow(/netmask not known/)
    expect(compileBpf('ip broadcast', ETHERNET, { netmask: 0xffffff00 }).length).toBeGreaterThan(1)
    try {
      compileBpf('nonsense and', ETHERNET)
    } catch (error) {
      expect((error as BpfError).code).toBe('expression')
    }
  })

  it.each([
    ['2\n6 0 0 1\n', /begins with the number of its lines, not '2'/],
    ['1\n6 0 0 1 0\n', /line 2: not a BPF instruction/],
    ['1\n6 0 256 1\n', /line 2: not a BPF instruction/],
    ['1\n6 0 0 4294967296\n', /line 2: not a BPF instruction/],
    ['1\n48 0 0 4294963248\n', /what only a kernel knows/],
    ['1\n21 0 0 0\n', /jumps out of the program/],
  ])('is refused as a program: %j', (text, message) => {
    // One field too many does not look like a program at all to the expression parser.
    expect(() => compileBpf(text, ETHERNET)).toThrow(text.includes('1 0\n') ? BpfError : message)
  })
})
