/**
 * Expected alerts for captures made from rules, and how an answer is graded against them.
 *
 * In: the tables beside the captures (tab-separated, one header line). Out: the rows that must alert, those that may,
 * and the differences of a run from them. Called by the oracle tests.
 */
import { readFileSync } from 'node:fs'
import { sharedPath } from './shared.js'

/** `sid<TAB>client address`: one rule on one flow. Every flow has a client address of its own. */
export type Row = string

export function row(sid: number | string, flow: string): Row {
  return `${sid}\t${client(flow)}`
}

/** The address in `address:port`; the IPv6 twin of a conversation, 2001:db8::a00:1, counts as 10.0.0.1. */
export function client(flow: string): string {
  const address = flow.slice(0, flow.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  const twin = /^2001:db8::([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  if (twin === null) return address
  const [high, low] = [Number.parseInt(twin[1]!, 16), Number.parseInt(twin[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

export function readTable(name: string): Record<string, string>[] {
  const path = sharedPath('oracle', name)
  if (path === undefined) return []
  const [head, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n')
  const columns = head!.split('\t')
  return lines.map((line) => {
    const cells = line.split('\t')
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']))
  })
}

export interface Expectation {
  /** All engines that know the rule alert: so must we. */
  readonly must: ReadonlySet<Row>
  /** Engines differ, by dialect: not graded. */
  readonly may: ReadonlySet<Row>
}

/** What every engine agrees on for the base set `http-community` or `nonhttp-community`. */
export function loadMatrix(set: string): Expectation {
  const must = new Set<Row>()
  const may = new Set<Row>()
  for (const { sid, flow, snort3_wizard, snort3_bound, suricata } of readTable(`${set}.matrix.tsv`)) {
    const agreed = snort3_wizard === '1' && snort3_bound === '1' && suricata !== '0'
    ;(agreed ? must : may).add(row(sid!, flow!))
  }
  return { must, may }
}

/**
 * The base set's rows as they must show in the `pipelined` variant, where one flow carries the requests of several
 * rules' flows.
 */
export function loadPipelined(set: string): Expectation {
  const { must, may } = loadMatrix(set)
  const clientOf = new Map(
    readTable(`${set}.flows.tsv`).map(({ sid, client: flow }) => [sid!, client(flow!)]),
  )
  const carrier = new Map<string, string>()
  for (const { flow, sids } of readTable(`${set}.pipelined.groups.tsv`)) {
    for (const sid of sids!.split(',')) carrier.set(clientOf.get(sid)!, client(flow!))
  }
  const carried = (rows: ReadonlySet<Row>): Set<Row> => {
    const out = new Set<Row>()
    for (const entry of rows) {
      const [sid, from] = entry.split('\t')
      const to = carrier.get(from!)
      if (to !== undefined) out.add(`${sid}\t${to}`)
    }
    return out
  }
  return { must: carried(must), may: carried(may) }
}

/** Rows seen by Snort 3 in a variant in either configuration: never counted as false. */
export function loadVariant(set: string, variant: string): ReadonlySet<Row> {
  const seen = new Set<Row>()
  for (const suffix of ['expected', 'expected-bound', 'unstable']) {
    for (const { sid, flow } of readTable(`${set}.${variant}.${suffix}.tsv`)) seen.add(row(sid!, flow!))
  }
  return seen
}

export interface Grade {
  readonly truePositives: number
  readonly missed: readonly Row[]
  readonly extra: readonly Row[]
  readonly recall: number
  readonly precision: number
}

/**
 * Compares alerts with an expectation. Rows of rules that were not loaded, and of flows not in the capture, are left
 * out; so are rows in `may`.
 */
export function grade(
  alerts: ReadonlySet<Row>,
  expected: Expectation,
  gradable: (sid: number, address: string) => boolean,
): Grade {
  const considered = (entry: Row): boolean => {
    const [sid, address] = entry.split('\t')
    return gradable(Number(sid), address!)
  }
  const must = [...expected.must].filter(considered)
  const missed = must.filter((entry) => !alerts.has(entry))
  const extra = [...alerts].filter((entry) => !expected.must.has(entry) && !expected.may.has(entry))
  const truePositives = must.length - missed.length
  return {
    truePositives,
    missed,
    extra,
    recall: must.length === 0 ? 1 : truePositives / must.length,
    precision: truePositives + extra.length === 0 ? 1 : truePositives / (truePositives + extra.length),
  }
}
