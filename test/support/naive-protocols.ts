/**
 * Messages of SIP, SSL, DCE/RPC, DNP3 and Modbus for the fuzzer, one in each turn, with what rules are to see in them; and
 * the options that ask about them: written at random, and read for the naive evaluator.
 */
import type { RuleDraft } from './naive-draft.js'
import type { NaiveOption } from './naive-model.js'
import { BOTH, below, chance, join, pick, type Random, type Turn, turnOf } from './naive-traffic.js'

export type ProtocolKind = 'sip' | 'ssl' | 'dce' | 'dnp3' | 'modbus'
export const PROTOCOL_KINDS: readonly ProtocolKind[] = ['sip', 'ssl', 'dce', 'dnp3', 'modbus']

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1')
const big = (value: number, size: number): Buffer => {
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value, 0, size)
  return bytes
}
const little = (value: number, size: number): Buffer => Buffer.from(big(value, size)).reverse()

/** What a message is about: numbers, and words, by the option that asks for it. */
interface Facts {
  readonly [option: string]: number | string
}

function message(
  fromClient: boolean,
  bytes: Uint8Array,
  facts: Facts,
  buffers: Readonly<Record<string, Uint8Array>>,
): Turn {
  const turn = turnOf(fromClient, bytes)
  return {
    ...turn,
    buffers: new Map([...turn.buffers, ...Object.entries(buffers)]),
    facts: new Map(Object.entries(facts)),
  }
}

export function protocolTurns(random: Random, kind: ProtocolKind): Turn[] {
  switch (kind) {
    case 'sip':
      return [sipRequest(random), sipResponse(random)]
    case 'ssl':
      return sslHandshake(random)
    case 'dce':
      return dceCalls(random)
    case 'dnp3':
      return [dnp3Request(random), dnp3Response(random), dnp3Request(random), dnp3Response(random)]
    case 'modbus':
      return [modbus(random, true), modbus(random, false), modbus(random, true), modbus(random, false)]
  }
}

// ---- SIP: RFC 3261 -----------------------------------------------------------------------------------------------

const SIP_METHODS = ['INVITE', 'OPTIONS', 'BYE', 'REGISTER', 'invite']

function sip(random: Random, fromClient: boolean, line: string, facts: Facts): Turn {
  const fields = Array.from(
    { length: 1 + below(random, 3) },
    () =>
      `X-${pick(random, ['a', 'ab', 'B'])}: ${join(random, [ascii('ab'), ascii('a'), ascii('x')], 4)}\r\n`,
  )
  const header = ascii(`${fields.join('')}\r\n`)
  const body = chance(random, 0.6) ? join(random, BOTH, 8) : Buffer.alloc(0)
  const bytes = Buffer.concat([ascii(`${line}\r\n`), header, body])
  return message(fromClient, bytes, facts, {
    sip_header: header,
    ...(body.length > 0 && { sip_body: body }),
  })
}

function sipRequest(random: Random): Turn {
  const method = pick(random, SIP_METHODS)
  return sip(random, true, `${method} sip:a@b SIP/2.0`, { sip_method: method.toLowerCase() })
}

function sipResponse(random: Random): Turn {
  const code = pick(random, [100, 180, 200, 202, 404, 486])
  return sip(random, false, `SIP/2.0 ${code} ok`, { sip_stat_code: code })
}

// ---- SSL and TLS: the messages of the turn, and the version -------------------------------------------------------

const TLS = { 768: 'sslv3', 769: 'tls1.0', 770: 'tls1.1', 771: 'tls1.2' } as const

/** Two hellos of one version, and the client's key. */
function sslHandshake(random: Random): Turn[] {
  const number = pick(random, Object.keys(TLS).map(Number)) as keyof typeof TLS
  const version = big(number, 2)
  const handshake = (type: number, body: Buffer): Buffer =>
    Buffer.concat([big(type, 1), big(body.length, 3), body])
  const record = (payload: Buffer): Buffer =>
    Buffer.concat([big(22, 1), version, big(payload.length, 2), payload])
  const hello = (type: number, length: number): Buffer =>
    handshake(type, Buffer.concat([version, Buffer.alloc(length, pick(random, ['a', 'b', 'ab']))]))
  const ssl_version = TLS[number]
  const keyx = chance(random, 0.5)
  const answer = [
    hello(2, 38),
    ...(keyx ? [handshake(12, join(random, BOTH, 6))] : []),
    handshake(14, Buffer.alloc(0)),
  ]
  const seen = (fromClient: boolean, payload: Buffer, ssl_state: string): Turn =>
    message(fromClient, record(payload), { ssl_state, ssl_version }, {})
  return [
    seen(true, hello(1, 40), 'client_hello'),
    seen(false, Buffer.concat(answer), keyx ? 'server_hello server_keyx' : 'server_hello'),
    seen(true, handshake(16, join(random, BOTH, 8)), 'client_keyx'),
  ]
}

// ---- DCE/RPC: C706 ------------------------------------------------------------------------------------------------

const INTERFACES = ['4b324fc8-1670-01d3-1278-5a47bf6ee188', '367abb81-9844-35f1-ad32-98f038001003']
const NDR = '8a885d04-1ceb-11c9-9fe8-08002b104860'

function dceCalls(random: Random): Turn[] {
  const isLittle = chance(random, 0.7)
  const number = isLittle ? little : big
  const uuid = (text: string): Buffer => {
    const raw = Buffer.from(text.replaceAll('-', ''), 'hex')
    if (!isLittle) return raw
    const part = (from: number, to: number): Buffer => Buffer.from(raw.subarray(from, to)).reverse()
    return Buffer.concat([part(0, 4), part(4, 6), part(6, 8), raw.subarray(8)])
  }
  const pdu = (type: number, body: Buffer): Buffer => {
    const drep = Buffer.from([isLittle ? 0x10 : 0, 0, 0, 0])
    const lengths = Buffer.concat([number(16 + body.length, 2), number(0, 2), number(1, 4)])
    return Buffer.concat([Buffer.from([5, 0, type, 3]), drep, lengths, body])
  }
  const iface = pick(random, INTERFACES)
  const version = below(random, 4)
  const context = below(random, 3)
  const proposed = [
    number(context, 2),
    Buffer.from([1, 0]),
    uuid(iface),
    number(version, 2),
    number(0, 2),
    uuid(NDR),
    number(2, 4),
  ]
  const sizes = [number(4280, 2), number(4280, 2)]
  const bind = pdu(11, Buffer.concat([...sizes, number(0, 4), Buffer.from([1, 0, 0, 0]), ...proposed]))
  const result = [number(0, 2), number(0, 2), uuid(NDR), number(2, 4)]
  const port = [number(2, 2), Buffer.from([0x31, 0, 1, 0, 0, 0])]
  const ack = pdu(12, Buffer.concat([...sizes, number(1, 4), ...port, ...result]))
  const opnum = below(random, 6)
  const stub = join(random, BOTH, 12)
  const call = pdu(0, Buffer.concat([number(stub.length, 4), number(context, 2), number(opnum, 2), stub]))
  const facts = { dce_iface: iface, dce_version: version, dce_opnum: opnum, dce_little: isLittle ? 1 : 0 }
  return [turnOf(true, bind), turnOf(false, ack), message(true, call, facts, { dce_stub_data: stub })]
}

// ---- DNP3: IEEE 1815 ----------------------------------------------------------------------------------------------

const DNP3_FUNCTIONS = { confirm: 0, read: 1, write: 2, select: 3, operate: 4, response: 129 } as const
const INDICATIONS = {
  all_stations: 0x0100,
  class_1_events: 0x0200,
  need_time: 0x1000,
  device_restart: 0x8000,
  no_func_code_support: 0x0001,
  parameter_error: 0x0004,
} as const

/** One frame of the link layer around one segment with a whole fragment; nobody looks at the checksums. */
function dnp3(fromClient: boolean, fragment: Buffer, facts: Facts): Turn {
  const data = Buffer.concat([Buffer.from([0xc0]), fragment])
  const blocks: Buffer[] = []
  for (let at = 0; at < data.length; at += 16) blocks.push(data.subarray(at, at + 16), Buffer.alloc(2))
  const link = Buffer.from([0x05, 0x64, 5 + data.length, fromClient ? 0xc4 : 0x44, 1, 0, 2, 0, 0, 0])
  return message(fromClient, Buffer.concat([link, ...blocks]), facts, { dnp3_data: fragment })
}

function dnp3Request(random: Random): Turn {
  const { response: _, ...requests } = DNP3_FUNCTIONS
  const code = pick(random, Object.values(requests))
  const object = [10 + below(random, 3), below(random, 3)] as const
  const rest = Buffer.concat([Buffer.from([0xc3, code, ...object, 7, 1]), join(random, BOTH, 10)])
  return dnp3(true, rest, { dnp3_func: code, dnp3_ind: 0, dnp3_obj: `${object}` })
}

function dnp3Response(random: Random): Turn {
  const bits = Object.values(INDICATIONS)
  const indications = pick(random, bits) | (chance(random, 0.4) ? pick(random, bits) : 0)
  const code = DNP3_FUNCTIONS.response
  const head = Buffer.concat([Buffer.from([0xc3, code]), big(indications, 2)])
  const object = [10 + below(random, 3), below(random, 3)] as const
  const fragment = Buffer.concat([head, Buffer.from([...object, 6]), join(random, BOTH, 10)])
  return dnp3(false, fragment, { dnp3_func: code, dnp3_ind: indications, dnp3_obj: `${object}` })
}

// ---- Modbus -------------------------------------------------------------------------------------------------------

const MODBUS_FUNCTIONS = {
  read_coils: 1,
  read_holding_registers: 3,
  write_single_coil: 5,
  write_multiple_coils: 15,
} as const

function modbus(random: Random, fromClient: boolean): Turn {
  const code = pick(random, Object.values(MODBUS_FUNCTIONS))
  const unit = below(random, 4)
  const data = join(random, BOTH, 10)
  const bytes = Buffer.concat([
    big(below(random, 9), 2),
    big(0, 2),
    big(2 + data.length, 2),
    Buffer.from([unit, code]),
    data,
  ])
  return message(fromClient, bytes, { modbus_func: code, modbus_unit: unit }, { modbus_data: data })
}

// ---- Options ------------------------------------------------------------------------------------------------------

const nameOf = (names: Readonly<Record<string, number>>, code: number): string =>
  Object.entries(names).find(([, value]) => value === code)![0]

/** One option, or two, about what the turn is; it may be just something else. */
export function writeProtocolTest(draft: RuleDraft): void {
  const facts = draft.turn.facts ?? new Map<string, number | string>()
  const right = draft.chance(0.85)
  const known = (name: string, otherwise: number): number =>
    right && facts.has(name) ? (facts.get(name) as number) : otherwise
  const quoted = (list: string): string => (draft.snort3 ? `"${list}"` : list)
  switch (draft.talk.kind) {
    case 'sip': {
      const method = (right && facts.get('sip_method')) || draft.pick(SIP_METHODS)
      const code = known('sip_stat_code', draft.pick([200, 404]))
      const methods = [`${method}`, ...(draft.chance(0.3) ? [draft.pick(SIP_METHODS)] : [])].join(',')
      const codes = [draft.pick([code, Math.floor(code / 100)]), ...(draft.chance(0.3) ? [5] : [])].join(',')
      const request = draft.turn.fromClient === draft.chance(0.9)
      if (!request) draft.push(`sip_stat_code:${quoted(codes)};`)
      else
        draft.push(
          draft.chance(0.2) ? `sip_method:!${draft.pick(SIP_METHODS)};` : `sip_method:${quoted(methods)};`,
        )
      return
    }
    case 'ssl': {
      const states = ['client_hello', 'server_hello', 'client_keyx', 'server_keyx']
      const own = `${facts.get('ssl_state')}`.split(' ')
      const sign = draft.chance(0.2) ? '!' : ''
      const state = `${sign}${draft.pick(right ? own : states)}`
      draft.push(`ssl_state:${[state, ...(draft.chance(0.2) ? [draft.pick(states)] : [])].join(',')};`)
      if (!draft.chance(0.5)) return
      const version = right ? `${facts.get('ssl_version')}` : draft.pick(Object.values(TLS))
      const other = draft.chance(0.2) ? `,${draft.pick(['sslv2', 'sslv3', '!tls1.2'])}` : ''
      draft.push(`ssl_version:${draft.chance(0.2) ? '!' : ''}${version}${other};`)
      return
    }
    case 'dce': {
      const iface = right ? `${facts.get('dce_iface') ?? INTERFACES[0]}` : draft.pick(INTERFACES)
      const version = draft.chance(0.4)
        ? `${draft.pick(['=', '<', '>', '!'])}${Math.max(0, draft.near(known('dce_version', 1)))}`
        : undefined
      const words = draft.snort3
        ? [`uuid ${iface}`, ...(version === undefined ? [] : [`version ${version}`])]
        : [iface, ...(version === undefined ? [] : [version])]
      draft.push(`dce_iface:${words.join(draft.snort3 ? ', ' : ',')};`)
      if (!draft.chance(0.6)) return
      const opnum = known('dce_opnum', 3)
      const low = Math.max(0, opnum - draft.below(2))
      draft.push(
        `dce_opnum:${quoted(draft.pick([`${opnum}`, `${low}-${opnum + 1}`, `9,${opnum}`, `${opnum + 1},0-${low}`]))};`,
      )
      return
    }
    case 'dnp3': {
      const code = known('dnp3_func', 1)
      const bits = Object.keys(INDICATIONS)
      const set = known('dnp3_ind', 0x8000)
      const own = bits.filter((name) => (set & INDICATIONS[name as 'need_time']) !== 0)
      const [group, variation] = `${(right && facts.get('dnp3_obj')) || '10,0'}`.split(',')
      const indication = [
        draft.pick(own.length > 0 ? own : bits),
        ...(draft.chance(0.3) ? [draft.pick(bits)] : []),
      ]
      draft.push(
        draft.pick([
          `dnp3_func:${draft.chance(0.5) ? code : nameOf(DNP3_FUNCTIONS, code)};`,
          `dnp3_obj:${draft.snort3 ? `group ${group}, var ${variation}` : `${group},${variation}`};`,
          `dnp3_ind:${draft.snort3 ? `"${indication.join(' ')}"` : indication.join(',')};`,
        ]),
      )
      return
    }
    default: {
      const code = known('modbus_func', 3)
      draft.push(
        draft.pick([
          `modbus_func:${draft.chance(0.5) ? code : nameOf(MODBUS_FUNCTIONS, code)};`,
          `modbus_unit:${draft.near(known('modbus_unit', 1)) & 0xff};`,
        ]),
      )
    }
  }
}

/** Numbers and words of a message; undefined = it is none, or has no such thing. */
export type FactOf = (name: string) => number | string | undefined

/** An option of this file as a condition; undefined for all others. */
export function readProtocolTest(name: string, value: string): NaiveOption | undefined {
  const list = value.replaceAll('"', '').split(/[,\s]+/)
  const when = (holds: (of: FactOf) => boolean): NaiveOption => ({ kind: 'message_fact', holds })
  switch (name) {
    case 'sip_method': {
      const negated = value.startsWith('!')
      const methods = list.map((method) => method.replace('!', '').toLowerCase())
      return when((of) => of(name) !== undefined && methods.includes(`${of(name)}`) !== negated)
    }
    case 'sip_stat_code':
      return when((of) => {
        const code = `${of(name) ?? ''}`
        return code !== '' && list.some((one) => one === code || one === code[0])
      })
    case 'ssl_state':
    case 'ssl_version':
      // Any of the named ones, or any of the negated ones not.
      return when((of) => {
        if (of(name) === undefined) return false
        const has = `${of(name)}`.split(' ')
        return list.some((one) => (one.startsWith('!') ? !has.includes(one.slice(1)) : has.includes(one)))
      })
    case 'dce_iface': {
      const [, uuid, op, number] = /([0-9a-f-]{36})(?:,\s*(?:version\s+)?([<>=!])(\d+))?/.exec(value)!
      return when((of) => {
        if (of(name) !== uuid) return false
        const version = Number(of('dce_version'))
        const to = Number(number)
        return (
          op === undefined ||
          { '<': version < to, '>': version > to, '=': version === to, '!': version !== to }[op]!
        )
      })
    }
    case 'dce_opnum':
      return when((of) =>
        list.some((one) => {
          const [low, high = low] = one.split('-').map(Number)
          const opnum = of(name)
          return typeof opnum === 'number' && opnum >= low! && opnum <= high!
        }),
      )
    case 'dnp3_func':
      return when((of) => of(name) === (DNP3_FUNCTIONS[value as 'read'] ?? Number(value)))
    case 'dnp3_ind': {
      const bits = list.reduce((sum, one) => sum | INDICATIONS[one as 'need_time'], 0)
      return when((of) => (Number(of(name) ?? 0) & bits) !== 0)
    }
    case 'dnp3_obj': {
      const object = value.match(/\d+/g)!.join(',')
      return when((of) => of(name) === object)
    }
    case 'modbus_func':
      return when((of) => of(name) === (MODBUS_FUNCTIONS[value as 'read_coils'] ?? Number(value)))
    case 'modbus_unit':
      return when((of) => of(name) === Number(value))
    default:
      return undefined
  }
}
