/**
 * What clients say on FTP control connections that they should not (generator 125).
 *
 * In: the bytes of one turn of a client, Telnet commands taken out. Out: the numbers of its events. Commands, lengths and
 * formats are those of Snort 3's `default_ftp_server`. Called by the protocol inspector while such events are wanted.
 */
import { FTP_EVENT } from '../builtin/index.js'
import type { EventList } from '../inspect/event-list.js'
import { asciiText } from '../service/patterns.js'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const COMMANDS = words(`
  ABOR ACCT ADAT ALLO APPE AUTH CCC CDUP CEL CLNT CMD CONF CWD DELE ENC EPRT EPSV ESTA ESTP FEAT HELP LANG LIST LPRT
  LPSV MACB MAIL MDTM MIC MKD MLSD MLST MODE NLST NOOP OPTS PASS PASV PBSZ PORT PROT PWD QUIT REIN REST RETR RMD RNFR
  RNTO SDUP SITE SIZE SMNT STAT STOR STOU STRU SYST TEST TYPE USER XCUP XCRC XCWD XMAS XMD5 XMKD XPWD XRCP XRMD XRSQ
  XSEM XSEN XSHA1 XSHA256`)

/** Those whose parameter goes to the file system or a shell. */
const FORMAT_CHECKED = words(`
  ACCT ADAT ALLO APPE AUTH CEL CLNT CMD CONF CWD DELE ENC EPRT EPSV ESTP HELP LANG LIST LPRT MACB MAIL MDTM MIC MKD MLSD
  MLST MODE NLST OPTS PASS PBSZ PORT PROT REST RETR RMD RNFR RNTO SDUP SITE SIZE SMNT STAT STOR STRU TEST TYPE USER XCRC
  XCWD XMAS XMD5 XMKD XRCP XRMD XRSQ XSEM XSEN XSHA1 XSHA256`)

const DEFAULT_LENGTH = 100
const LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    [
      [0, 'ABOR CCC CDUP ESTA FEAT LPSV NOOP PASV PWD QUIT REIN XCUP XPWD'],
      [200, 'ALLO APPE CMD HELP NLST RETR RNFR STOR STOU XMKD'],
      [256, 'CWD RNTO'],
      [400, 'PORT'],
      [512, 'SIZE'],
    ] as const
  ).flatMap(([length, commands]) => commands.split(' ').map((command) => [command, length] as const)),
)

const FORMATS: ReadonlyMap<string, RegExp> = new Map([
  ['ALLO', /^\d+(?: +R +\d+)?$/i],
  ['PORT', /^\d{1,3}(?:,\d{1,3}){5}$/],
  ['EPSV', /^(?:[12]|ALL)?$/i],
  ['MACB', /^./],
  ['MDTM', /^./],
  ['MODE', /^[ASBCZ]$/i],
  ['PROT', /^[CSEP]$/i],
  ['STRU', /^[FRPO](?: .*)?$/i],
  ['TYPE', /^(?:[AE](?: +[NTC])?|I|L(?: *\d+)?)$/i],
])

const LF = 10
/** Longer lines are judged by their beginning. */
const LONGEST = 1024

/** @param client address of the client, which a PORT command should name */
export function judgeFtp(
  events: EventList,
  bytes: Uint8Array,
  start: number,
  end: number,
  client: string,
): void {
  for (let at = start; at < end; ) {
    let stop = at
    while (stop < end && bytes[stop] !== LF) stop++
    const line = asciiText(bytes, at, Math.min(stop, at + LONGEST)).replace(/\r$/, '')
    if (line !== '') judgeLine(events, line, client)
    at = stop + 1
  }
}

function judgeLine(events: EventList, line: string, client: string): void {
  const [, word, parameter] = /^(\S*)\s*(.*?)\s*$/s.exec(line) as unknown as [string, string, string]
  const command = word.toUpperCase()
  if (!COMMANDS.has(command)) {
    events.add(FTP_EVENT.INVALID_COMMAND)
    return
  }
  if (parameter.length > (LENGTHS.get(command) ?? DEFAULT_LENGTH)) events.add(FTP_EVENT.LONG_PARAMETER)
  else if (FORMATS.get(command)?.test(parameter) === false) events.add(FTP_EVENT.MALFORMED_PARAMETER)
  if (FORMAT_CHECKED.has(command) && parameter.indexOf('%') !== parameter.lastIndexOf('%'))
    events.add(FTP_EVENT.FORMAT_STRING)
  if (command === 'PORT') {
    const address = /^(\d+),(\d+),(\d+),(\d+),/.exec(parameter)
    if (address !== null && address.slice(1).join('.') !== client) events.add(FTP_EVENT.BOUNCE)
  }
}
