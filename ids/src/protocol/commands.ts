/**
 * Where the commands of a turn begin, for protocols of commands in lines. Several may be sent without waiting for the
 * answers; what a rule says of the beginning of a command holds for each of them.
 *
 * In: what a client says in one turn. Out: the index of the next command. Called by detection.
 */
import { type Direction, SERVICE, type ServiceId, TO_SERVER } from '../inspect/unit.js'

const LF = 0x0a

/** The turn may hold several commands. */
export function hasCommands(service: ServiceId, direction: Direction): boolean {
  return (
    direction === TO_SERVER &&
    (service === SERVICE.FTP || service === SERVICE.POP3 || service === SERVICE.SMTP)
  )
}

/** Commands of SMTP that others may follow in the same turn: of a mail, or of what comes behind DATA, nothing is one. */
const SMTP_COMMANDS = new Set(['EHLO', 'HELO', 'MAIL', 'RCPT', 'RSET', 'VRFY', 'EXPN', 'NOOP', 'HELP'])

/** Index behind the command at `start`, where the next one begins; -1 when there is none. */
export function nextCommand(service: ServiceId, bytes: Uint8Array, start: number, end: number): number {
  if (service === SERVICE.SMTP && !SMTP_COMMANDS.has(wordAt(bytes, start, end))) return -1
  const lineEnd = bytes.indexOf(LF, start)
  return lineEnd < 0 || lineEnd + 1 >= end ? -1 : lineEnd + 1
}

function wordAt(bytes: Uint8Array, start: number, end: number): string {
  let word = ''
  for (let i = start; i < end && i < start + 4; i++) word += String.fromCharCode(bytes[i]! & 0xdf)
  return word
}
