/**
 * What can be told of a turn by looking at its bytes alone, without following the conversation (generators 106, 125, 128).
 *
 * In: the first window of a turn, its service. Out: the numbers of its events. Called by the protocol inspector while
 * events are wanted.
 */
import { FTP_GID, RPC_EVENT, RPC_GID, SSH_EVENT, SSH_GID } from '../builtin/index.js'
import type { EventList } from '../inspect/event-list.js'
import { type Direction, SERVICE, type ServiceId, TO_CLIENT } from '../inspect/unit.js'
import { ascii, lineEnd, readBig32, startsWith } from '../service/patterns.js'
import { judgeFtp } from './ftp-events.js'
import type { FlowEnds } from './inspector.js'

const PORTMAP_PORT = 111
const RECORD_MARK = 4
const LENGTH = 0x7fff_ffff
const SSH = ascii('ssh-')
const DIGIT_1 = 0x31
const DIGIT_2 = 0x32
const DOT = 0x2e
/** Of a server's version line (Snort: ssh.max_server_version_len). */
const LONGEST_VERSION = 80

/** Generator of the events of a turn; 0: there are none. What is not quite RPC or SSH may be an attempt at them. */
export function turnEventsOf(service: ServiceId, direction: Direction, serverPort: number): number {
  if (direction === TO_CLIENT) return service === SERVICE.SSH || service === SERVICE.UNKNOWN ? SSH_GID : 0
  if (service === SERVICE.FTP) return FTP_GID
  const isRpc = service === SERVICE.SUNRPC || (service === SERVICE.UNKNOWN && serverPort === PORTMAP_PORT)
  return isRpc ? RPC_GID : 0
}

export function judgeTurn(
  events: EventList,
  gid: number,
  flow: FlowEnds,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (gid === FTP_GID) judgeFtp(events, bytes, start, end, flow.address(0))
  else if (gid === SSH_GID) judgeVersion(events, bytes, start, end)
  else if (end - start >= RECORD_MARK && (readBig32(bytes, start) & LENGTH) > end - start - RECORD_MARK)
    events.add(RPC_EVENT.INCOMPLETE)
}

function judgeVersion(events: EventList, bytes: Uint8Array, start: number, end: number): void {
  if (!startsWith(bytes, start, end, SSH)) return
  if (lineEnd(bytes, start, end, end - start) - start > LONGEST_VERSION) events.add(SSH_EVENT.LONG_VERSION)
  const major = bytes[start + SSH.length]
  if ((major !== DIGIT_1 && major !== DIGIT_2) || bytes[start + SSH.length + 1] !== DOT)
    events.add(SSH_EVENT.NO_VERSION)
}
