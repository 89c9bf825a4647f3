/**
 * A stateful firewall. Rules judge the first packet of each flow; what follows passes with its flow, both ways; TCP packets
 * that belong to no connection do not pass.
 * Usage: firewall RULES INTERFACE INTERFACE   forwards between the two, as the rules say
 *        firewall RULES CAPTURE               tells what it would have let pass
 *
 * A line of RULES is `accept` or `drop`, and a libpcap expression; the first that matches counts. What no rule accepts is
 * dropped.
 */
import { readFileSync } from 'node:fs'
import {
  createStack,
  DESTINATION,
  ON_ORPHAN,
  ON_PKT_IN,
  once,
  openCapture,
  openInline,
  type Packet,
  PacketFilter,
  PRE_TCP,
  SOURCE,
} from '@weir/stack'

interface Rule {
  readonly text: string
  readonly accepts: boolean
  readonly filter: PacketFilter
  flows: number
}

function parseRule(text: string): Rule {
  const [, action, expression = ''] = /^(accept|drop)\b(.*)$/.exec(text.trim()) ?? []
  if (action === undefined) throw new Error(`not a rule: ${text}`)
  return {
    text: text.trim(),
    accepts: action === 'accept',
    filter: new PacketFilter(expression.trim()),
    flows: 0,
  }
}

const [rulesFile = '', first = '-', second] = process.argv.slice(2)
const lines = readFileSync(rulesFile, 'utf8').split('\n')
const rules = lines.filter((line) => /^[^#]*\w/.test(line)).map(parseRule)
const otherwise = parseRule('drop')

const stack = createStack({ checksums: 'verify' })
const socket = stack.monitorStream()

/** Dropped at PRE_TCP, a first packet leaves nothing behind: not even a flow. */
socket.on(once(ON_PKT_IN), PRE_TCP, (_flow, packet) => {
  const rule = rules.find(({ filter }) => filter.matches(packet)) ?? otherwise
  rule.flows++
  if (rule.accepts) return
  packet.drop()
  log(packet, rule.text)
})

socket.on(ON_ORPHAN, (packet) => {
  packet.drop()
  log(packet, 'no connection')
})

function log(packet: Packet, reason: string): void {
  const end = (which: typeof SOURCE | typeof DESTINATION, port: number): string =>
    `${packet.address(which)}:${port}`
  const from = end(SOURCE, packet.sourcePort)
  console.log(`dropped ${from} > ${end(DESTINATION, packet.destinationPort)} (${reason})`)
}

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
process.once('SIGTERM', () => stop.abort())
const source = second === undefined ? openCapture(first) : openInline({ interfaces: [first, second] })
await source.run(stack, { signal: stop.signal })
stack.finish()
for (const { text, flows } of [...rules, otherwise])
  console.log(`${String(flows).padStart(6)} flows: ${text}`)
