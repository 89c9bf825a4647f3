/**
 * Other ways of speaking the protocols that are not HTTP: lines in segments of their own, commands without waiting for
 * answers, Telnet commands among those of FTP.
 *
 * In: one conversation. Out: packets, or `undefined` where the evasion does not apply. Called by the evasion tests.
 */
import type { TestPacket } from './conversation.js'
import { saying } from './evade-http.js'
import { concat } from './frames.js'
import { isConnection, type Recorded, type Turn, turnsOf } from './recorded.js'

export type AppEvasion = (conversation: Recorded) => TestPacket[] | undefined

const LF = 0x0a

const portOf = ({ packets }: Recorded): number => packets[0]!.tcp!.destinationPort

const onPorts =
  (ports: readonly number[], rewrite: (turns: readonly Turn[]) => readonly Turn[] | undefined): AppEvasion =>
  (conversation) => {
    if (!isConnection(conversation) || !ports.includes(portOf(conversation))) return undefined
    const turns = rewrite(turnsOf(conversation))
    return turns && saying(conversation, turns)
  }

const SMTP = 25
const FTP = 21
const LINES = [FTP, SMTP, 110, 143]

/** Turns cut behind their line ends. */
function lines(turns: readonly Turn[]): Turn[] {
  return turns.flatMap(({ from, bytes }) => {
    const out: Turn[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(LF, at) + 1 || bytes.length
      out.push({ from, bytes: bytes.subarray(at, end) })
      at = end
    }
    return out
  })
}

const said = (turns: readonly Turn[], by: Turn['from']): Uint8Array =>
  concat(...turns.filter(({ from }) => from === by).map(({ bytes }) => bytes))

/** The first thing the server says, then all that the client does, then the rest. */
function pipelined(turns: readonly Turn[]): Turn[] | undefined {
  const greeted = turns[0]?.from === 'server'
  const rest = greeted ? turns.slice(1) : turns
  if (rest.filter(({ from }) => from === 'client').length < 2) return undefined
  const client = said(rest, 'client')
  const server = said(rest, 'server')
  return [
    ...(greeted ? [turns[0]!] : []),
    { from: 'client' as const, bytes: client },
    ...(server.length > 0 ? [{ from: 'server' as const, bytes: server }] : []),
  ]
}

/** Telnet's NOP behind the second letter of each command of the client. */
function telnetNops(turns: readonly Turn[]): Turn[] {
  return lines(turns).map(({ from, bytes }) => ({
    from,
    bytes:
      from === 'server' ? bytes : concat(bytes.subarray(0, 2), Uint8Array.of(0xff, 0xf1), bytes.subarray(2)),
  }))
}

export const appEvasions: readonly (readonly [string, AppEvasion, { linkType?: number }])[] = [
  ['as they are', onPorts(LINES, (turns) => turns), {}],
  ['each line in a segment', onPorts(LINES, lines), {}],
  ['commands pipelined', onPorts(LINES, pipelined), {}],
  ['Telnet commands inside those of FTP', onPorts([FTP], telnetNops), {}],
]
