/** Random options that read no bytes, for the fuzzer's rules: fields of packets and of HTTP heads, flows, counts. */
import { type RuleDraft, TO_CLIENT, TO_SERVER } from './naive-draft.js'
import { SERVER, transportOf } from './naive-traffic.js'

const OPTION_NAMES: Readonly<Record<number, string>> = {
  1: 'nop',
  7: 'rr',
  68: 'ts',
  131: 'lsrr',
  136: 'satid',
  137: 'ssrr',
}

function sign(draft: RuleDraft): string {
  return draft.pick(['', '', '+', '*', '!'])
}

/** An option on the one packet. TCP: with what keeps the rule from streams. */
export function writePacketTest(draft: RuleDraft): void {
  const { fields, kind } = draft.talk
  draft.aboutPacket = true
  if (kind === 'tcp') {
    const dsize = draft.chance(0.5)
    draft.push(dsize ? `dsize:${draft.test(draft.turn.bytes.length)};` : 'flow:no_stream;')
  } else if (draft.chance(0.2)) draft.push(`dsize:${draft.test(draft.turn.bytes.length)};`)
  const dash = draft.snort3 ? [] : ['-']
  const rows: string[] = [
    `ttl:${draft.test(fields.ttl, ['<>', ...dash])};`,
    `tos:${draft.pick(['', '!', '<', '>'])}${draft.near(fields.tos + 2)};`,
    `tos:${fields.tos};`,
    `id:${draft.near(fields.id)};`,
    `id:${draft.test(fields.id, ['<>'])};`,
    `fragbits:${draft.pick(['D', 'R', 'DR', 'M', 'MD'])}${sign(draft)};`,
  ]
  if (kind === 'icmp') {
    const type = draft.turn.fromClient ? 8 : 0
    const { code, id, seq } = fields.icmp
    rows.push(`itype:${draft.pick([`${type}`, `<${type + 1}`, `>${draft.near(type + 1)}`, '7<>9'])};`)
    rows.push(
      `icode:${draft.pick([`${code}`, `>${code}`, `<${code + 1}`, `${Math.max(0, code - 1)}<>${code + 1}`])};`,
    )
    rows.push(`icmp_id:${Math.max(0, draft.near(id))};`)
    rows.push(`icmp_seq:${Math.max(0, draft.near(seq))};`)
  }
  if (kind === 'udp' || kind === 'icmp') {
    const [own, other] = kind === 'udp' ? ['udp', 'icmp'] : ['icmp', 'udp']
    rows.push(`ip_proto:${draft.pick([own, own, `!${own}`, `!${other}`, '17', '<17', '>1', other])};`)
    const known = fields.ipOptions.map((type) => OPTION_NAMES[type]!)
    rows.push(`ipopts:${draft.pick([...known, ...known, 'any', 'rr', 'lsrr', 'esec'])};`)
  }
  if (kind === 'tcp') {
    const flags = draft.pick([
      'PA',
      'A',
      'AP+',
      'A+',
      'S',
      '!S',
      '*SP',
      'PA,12',
      'SF12',
      '0',
      'A,P',
      'A,P',
      'S,PA',
    ])
    const ack = draft.turn.fromClient ? 5001 : 1001
    rows.push(`flags:${flags};`, `window:${draft.pick(['65535', '!65535', '>65534', '100'])};`)
    rows.push(
      `ack:${draft.test(ack, ['<>'])};`,
      `seq:${draft.test(draft.turn.fromClient ? 1001 : 5001, ['<>'])};`,
    )
  }
  const count = 1 + draft.below(2)
  for (let i = 0; i < count; i++) {
    const option = draft.pick(rows)
    const name = option.slice(0, option.indexOf(':') + 1)
    if (!draft.options.some((known) => known.startsWith(name))) draft.push(option)
  }
}

/** Numbers about the head of a message, and tests of its fields (Snort 3). */
export function writeHeadTest(draft: RuleDraft): void {
  const { numbers, buffers } = draft.turn
  const asked = draft.asks && draft.chance(0.3) ? draft.turn.asked! : undefined
  const seen = asked ?? { numbers, buffers }
  const request = asked === undefined ? '' : ',request'
  const value = (name: string): number => seen.numbers.get(name)!
  const rows = ['http_num_headers', 'http_max_header_line', 'http_num_cookies'].map(
    (name) => `${name}:${draft.test(value(name))}${request};`,
  )
  const versions = draft.pick(['"1.1"', '"1.0"', '"1.0 1.1"', '"0.9 1.1"', '"2.0"'])
  rows.push(`http_version_match:${versions}${request};`)
  if (value('http_num_trailers') > 0) {
    rows.push(
      'http_num_trailers:=1;',
      `http_max_trailer_line:=${draft.near(value('http_max_trailer_line'))};`,
    )
  }
  const field = draft.pick(['X-Number', 'Content-Length', 'X-Ab', 'X-None'])
  const text = Buffer.from(seen.buffers.get(`http_header:field ${field.toLowerCase()}`) ?? []).toString(
    'latin1',
  )
  const number = /^\d+$/.test(text) ? Number(text) : 5
  const words = [`field ${field}`]
  const what = draft.below(3)
  if (what === 0) words.push('absent')
  else if (what === 1) words.push(`numeric ${draft.pick(['true', 'false'])}`)
  else words.push(`check ${draft.test(number)}`)
  const test = `http_header_test:${words.join(',')}${request};`
  draft.push(draft.pick([...rows, test, test]))
}

export function writeStreamSize(draft: RuleDraft): void {
  const turns = draft.talk.turns.slice(0, draft.talk.turns.indexOf(draft.turn) + 1)
  const side = draft.pick(['client', 'server', 'either', 'both'])
  const fromClient = side === 'client' || (side !== 'server' && draft.chance(0.5))
  const sent = turns.reduce((sum, one) => sum + (one.fromClient === fromClient ? one.bytes.length : 0), 0)
  if (draft.snort3) {
    const words = { client: 'to_server', server: 'to_client', either: 'either', both: 'both' }
    const implied = side === 'either' && draft.chance(0.5)
    draft.push(`stream_size:${draft.test(Math.max(1, sent))}${implied ? '' : `,${words[side as 'both']}`};`)
  } else {
    const operator = draft.pick(['<', '>', '=', '!=', '<=', '>='])
    draft.push(`stream_size:${side},${operator},${Math.max(0, draft.near(sent))};`)
  }
}

/** What is counted: matches from one address, to one, of one flow. All talks fit in the time. */
export function writeCount(draft: RuleDraft): void {
  const count = 1 + draft.below(3)
  const track = draft.pick([
    'by_src',
    'by_dst',
    ...(draft.snort3 && draft.talk.kind !== 'icmp' ? ['by_flow'] : []),
  ])
  const words = [`track ${track}`, `count ${count}`, `seconds ${60 + draft.below(60)}`]
  if (draft.snort3 || draft.chance(0.5)) draft.push(`detection_filter:${words.join(', ')};`)
  else draft.push(`threshold:type ${draft.pick(['limit', 'threshold', 'both'])}, ${words.join(', ')};`)
}

/**
 * What several rules do to one bit on one message comes out the same in any order, because no documentation tells the
 * order: b0 and b1 are set, b2 is toggled, b3 is set by the client's messages and unset by the server's; of a group, the
 * client's set members and the server's leave one, or none.
 */
export function writeFlowbits(draft: RuleDraft, levels: number): void {
  const level = draft.below(levels)
  const bit = (of: number): string => `l${of}${draft.pick(['b0', 'b1', 'b2', 'b3', 'ga', 'gb'])}`
  if (level > 0) {
    const test = draft.chance(0.75) ? 'isset' : 'isnotset'
    if (draft.chance(0.3)) draft.push(`flowbits:${test},${draft.pick(['any', 'all'])},g${level - 1};`)
    else {
      const names = draft.chance(0.3) ? [bit(level - 1), bit(level - 1)] : [bit(level - 1)]
      draft.push(`flowbits:${test},${names.join(draft.pick(['&', '|']))};`)
    }
  }
  if (level < levels - 1 || draft.chance(0.3)) {
    const changes = [
      `set,l${level}b0`,
      `set,l${level}b1`,
      `set,l${level}b0&l${level}b1`,
      `toggle,l${level}b2`,
    ]
    const group = `l${level}g`
    if (draft.options.includes(TO_SERVER)) {
      changes.push(`set,l${level}b3`, `set,${group}a,g${level}`, `set,${group}b,g${level}`)
    }
    if (draft.options.includes(TO_CLIENT))
      changes.push(`unset,l${level}b3`, `setx,${group}c,g${level}`, `setx,${group}c,g${level}`)
    draft.push(`flowbits:${draft.pick(changes)};`)
  }
  if (draft.chance(0.15)) draft.push('flowbits:noalert;')
}

/** Which side, which port and which address, mostly those of what is looked at. */
export function writeHeader(draft: RuleDraft): string {
  const { kind, serverPort } = draft.talk
  const ip =
    (kind === 'udp' || kind === 'icmp') && draft.options.some((option) => option.startsWith('ip_proto'))
  const protocol = ip ? 'ip' : transportOf(kind)
  const any = [protocol, 'any', 'any', '->', 'any', 'any']
  if (draft.chance(0.6)) return `alert ${any.join(' ')}`
  const addresses: readonly (readonly [string, string])[] = [
    ['any', 'any'],
    ['10.1.0.0/16', SERVER],
    ['[10.1.0.0/24,!10.1.0.4]', '!10.1.0.0/16'],
    ['!192.0.2.0/24', '[192.0.2.1,192.0.2.80]'],
    ['[10.1.0.2,10.1.0.3,10.1.0.5]', 'any'],
  ]
  const port = serverPort
  const near = draft.near(port)
  const ports =
    kind === 'icmp' || ip
      ? ['any']
      : [
          'any',
          `${port}`,
          `${port}`,
          `${near}:${near + 2}`,
          `:${near}`,
          `${near}:`,
          `!${near}`,
          `[${port - 1},${port}:${port + 1}]`,
          `![${near},9]`,
        ]
  // A rule with a direction that holds the server to a client's port makes it doubtful who of a datagram is which.
  const directed = protocol === 'udp' && draft.options.some((option) => /^flow:.*(?:to_|from_)/.test(option))
  const few = directed ? '1024:' : '[40000:40004]'
  const clientPorts = kind === 'icmp' || ip ? ['any'] : ['any', 'any', '40000:', few, '!40002']
  const [client, server] = draft.pick(addresses)
  const ends = [
    [client, draft.pick(clientPorts)],
    [server, draft.pick(ports)],
  ] as const
  const toServer = draft.chance(0.95) === draft.turn.fromClient
  const [from, to] = toServer ? ends : [ends[1], ends[0]]
  return `alert ${protocol} ${from.join(' ')} ${draft.chance(0.15) ? '<>' : '->'} ${to.join(' ')}`
}
