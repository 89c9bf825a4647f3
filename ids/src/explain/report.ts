/** An explanation as lines: text for people, JSON for programs. */
import { CAUSE_TEXT, CAUSES, type FlowVerdict, type NotLoaded, type RuleExplanation } from './findings.js'

/** Flows shown per rule unless told otherwise. */
export const DEFAULT_FLOWS = 10

const endpoint = (address: string, port: number | undefined): string => {
  if (port === undefined) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

const flowText = (flow: FlowVerdict): string => {
  const { protocol, client, clientPort, server, serverPort, service, text, notes } = flow
  const name = service === 'unknown' ? protocol : `${protocol} ${service}`
  const ends = `${endpoint(client, clientPort)} -> ${endpoint(server, serverPort)}`
  const more = notes.map((note) => `\n    ${note}`).join('')
  return `${name} ${ends} (from packet ${flow.firstPacket})\n    ${text}${more}`
}

const byCause = (flows: readonly FlowVerdict[]): string => {
  const counts = CAUSES.map((cause) => {
    const those = flows.filter((flow) => flow.cause === cause)
    if (those.length === 0) return undefined
    return `${those.length} × ${CAUSE_TEXT[cause]}${cause === 'header' ? partsText(those) : ''}`
  })
  return counts
    .filter((count) => count !== undefined)
    .reverse()
    .join(', ')
}

/** Which part of the header keeps most flows out. */
const partsText = (flows: readonly FlowVerdict[]): string => {
  const counts = new Map<string, number>()
  for (const { headerParts } of flows) {
    for (const part of headerParts ?? []) counts.set(part, (counts.get(part) ?? 0) + 1)
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  return ` (${sorted.map(([part, count]) => `${part} ${count}`).join(', ')})`
}

const listText = (counts: Readonly<Record<string, number>>): string => {
  const items = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
  return items.length === 0 ? '' : ` (${items.join(', ')})`
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** Lines without line ends; nothing in them is escaped yet. */
export const explanationText = (rule: RuleExplanation, limit: number): string[] => {
  const { gid, sid, rev, msg, position, flows, otherFlows, unfollowed, packets, wrongChecksums } = rule
  const lines = [`rule ${gid}:${sid}:${rev} "${msg}" (${position})`, rule.rule]
  for (const flow of flows.slice(0, limit)) lines.push('', flowText(flow))
  if (flows.length > limit)
    lines.push('', `… and ${plural(flows.length - limit, 'more flow')} (--flows shows more)`)
  lines.push('')
  if (flows.length === 0) {
    const others = `${plural(otherFlows, 'flow')} of others${listText(rule.otherProtocols)}`
    lines.push(`no flow of its protocol: ${plural(packets, 'packet')}, ${others}`)
  } else {
    const others =
      otherFlows === 0 ? '' : `; ${otherFlows} of other protocols${listText(rule.otherProtocols)}`
    lines.push(`${plural(flows.length, 'flow')}: ${byCause(flows)}${others}`)
  }
  const bad = Object.values(rule.undecoded).reduce((sum, count) => sum + count, 0)
  if (bad > 0) lines.push(`${plural(bad, 'packet')} of ${packets} not decoded${listText(rule.undecoded)}`)
  if (unfollowed > 0) lines.push(`${plural(unfollowed, 'flow')} not followed: too many`)
  if (wrongChecksums > 0)
    lines.push(`${plural(wrongChecksums, 'packet')} of ${packets} with wrong checksums left out: try -k none`)
  return lines.flatMap((line) => line.split('\n'))
}

export const notLoadedText = ({ gid, sid, state, text }: NotLoaded): string =>
  state === 'unknown' ? text : `rule ${gid}:${sid} is not in use: ${text}`

/** One object per flow, then one `summary` per rule; every flow, whatever the limit of the text. */
export const explanationJson = (rule: RuleExplanation): string[] => {
  const { gid, sid, rev, msg, position, flows } = rule
  const causes: Record<string, number> = {}
  for (const { cause } of flows) causes[cause] = (causes[cause] ?? 0) + 1
  const rows = flows.map(({ progress: _, ...flow }) => ({ type: 'flow', gid, sid, ...flow }))
  const summary = {
    type: 'summary',
    gid,
    sid,
    rev,
    msg,
    position,
    rule: rule.rule,
    flows: flows.length,
    causes,
    otherFlows: rule.otherFlows,
    otherProtocols: rule.otherProtocols,
    undecoded: rule.undecoded,
    unfollowed: rule.unfollowed,
    packets: rule.packets,
    wrongChecksums: rule.wrongChecksums,
  }
  return [...rows, summary].map((row) => JSON.stringify(row))
}

export const notLoadedJson = ({ gid, sid, state, text }: NotLoaded): string =>
  JSON.stringify({ type: state, gid, sid, text })
