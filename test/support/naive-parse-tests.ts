/**
 * The options that read no bytes, read for the naive evaluator: fields of packets and of HTTP heads, flows, counts.
 */
import type { FlowbitsOption } from '../../ids/src/rules/model.js'
import { argumentOf, holds, matchOf, type NaiveOption, numericTest } from './naive-model.js'

const IP_PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, gre: 47 }
const FLAG_BITS: Readonly<Record<string, number>> = {
  F: 1,
  S: 2,
  R: 4,
  P: 8,
  A: 16,
  U: 32,
  E: 64,
  2: 64,
  C: 128,
  1: 128,
  0: 0,
}
const FRAGMENT_BITS: Readonly<Record<string, number>> = { M: 1, D: 2, R: 4 }
const IP_OPTIONS: Readonly<Record<string, number>> = {
  eol: 0,
  nop: 1,
  rr: 7,
  ts: 68,
  sec: 130,
  lsrr: 131,
  lsrre: 132,
  esec: 133,
  satid: 136,
  ssrr: 137,
}
const VERSIONS: Readonly<Record<string, number>> = { '0.9': 9, '1.0': 10, '1.1': 11, '2.0': 20 }

/** Options on the flow and on counts, which read no bytes. */
export function readSession(name: string, value: string, words: readonly string[]): NaiveOption | undefined {
  switch (name) {
    case 'flow': {
      const among = <T extends string>(known: readonly T[]): T | undefined =>
        known.find((word) => words.includes(word))
      const toClient = words.includes('to_client') || words.includes('from_server')
      const toServer = words.includes('to_server') || words.includes('from_client')
      return {
        kind: 'flow',
        direction: toServer ? 'to_server' : toClient ? 'to_client' : undefined,
        state: among(['established', 'not_established', 'stateless']),
        stream: among(['no_stream', 'only_stream']),
        frag: among(['no_frag', 'only_frag']),
      }
    }
    case 'flowbits': {
      const names = words[1] === undefined ? [] : words[1].split(/[&|]/)
      return {
        kind: 'flowbits',
        action: words[0] as FlowbitsOption['action'],
        names,
        combine: value.includes('|') ? 'any' : 'all',
        group: words[2],
      }
    }
    case 'detection_filter':
    case 'threshold':
      return {
        kind: name,
        type: argumentOf(words, 'type') as 'limit' | undefined,
        track: argumentOf(words, 'track') as 'by_src',
        count: Number(argumentOf(words, 'count')),
        seconds: Number(argumentOf(words, 'seconds')),
      }
    default:
      return undefined
  }
}

/** Options on the fields of a packet, or of the head of an HTTP message. */
export function readHeaderTest(name: string, value: string, words: readonly string[]): NaiveOption {
  switch (name) {
    case 'sameip':
      return { kind: 'sameip' }
    case 'flags': {
      const letters = (text: string): number =>
        [...text].reduce((sum, letter) => sum | (FLAG_BITS[letter] ?? 0), 0)
      const [tested, ignored = ''] = words as [string, string?]
      return {
        kind: 'flags',
        flags: letters(tested),
        ignore: letters(ignored),
        match: matchOf(tested),
      }
    }
    case 'fragbits':
      return {
        kind: 'fragbits',
        bits: [...value].reduce((sum, letter) => sum | (FRAGMENT_BITS[letter] ?? 0), 0),
        match: matchOf(value),
      }
    case 'ipopts':
      return { kind: 'ipopts', option: value === 'any' ? 'any' : IP_OPTIONS[value]! }
    case 'ip_proto': {
      const [, op, protocol] = /^([!<>]?)(.*)$/.exec(value)!
      const lo = IP_PROTOCOLS[protocol!] ?? Number(protocol)
      const test = { op: op === '!' ? '!=' : op === '' ? '=' : (op as '<' | '>'), lo, hi: lo } as const
      return { kind: 'header_number', field: 'ip_proto', test }
    }
    case 'ttl':
    case 'tos':
    case 'id':
    case 'seq':
    case 'ack':
    case 'window':
    case 'itype':
    case 'icode':
    case 'icmp_id':
    case 'icmp_seq':
      return { kind: 'header_number', field: name, test: numericTest(value, 'exclusive') }
    case 'http_num_headers':
    case 'http_num_cookies':
    case 'http_num_trailers':
    case 'http_max_header_line':
    case 'http_max_trailer_line': {
      const test = numericTest(words[0]!, 'exclusive')
      const what = `${words.includes('request') ? 'request ' : ''}${name}`
      return { kind: 'http_number', what, holds: (found) => holds(test, found) }
    }
    case 'http_version_match': {
      const versions = words[0]!.replaceAll('"', '').split(' ')
      const what = `${words.includes('request') ? 'request ' : ''}http_version`
      return {
        kind: 'http_number',
        what,
        holds: (found) => versions.some((version) => VERSIONS[version] === found),
      }
    }
    case 'http_header_test':
    case 'http_trailer_test': {
      const check = argumentOf(words, 'check')
      const numeric = argumentOf(words, 'numeric')
      const request = words.includes('request') ? 'request ' : ''
      return {
        kind: 'http_field_test',
        buffer: `${request}${name.slice(0, -5)}:field ${argumentOf(words, 'field')!.toLowerCase()}`,
        check: check === undefined ? undefined : numericTest(check, 'exclusive'),
        numeric: numeric === undefined ? undefined : numeric === 'true',
        absent: words.includes('absent'),
      }
    }
    default:
      throw new Error(`the naive reader does not know ${name}`)
  }
}
