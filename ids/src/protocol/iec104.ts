/**
 * IEC 60870-5-104: application protocol data units out of a TCP stream.
 *
 * In: in-order bytes. Out: one message per APDU; the facts hold its format (information, supervisory, unnumbered) and,
 * for the information format, the type of its ASDU. Bounded: one APDU (257 bytes) per direction.
 */
import { IEC104_EVENT, IEC104_GID } from '../builtin/index.js'
import type { Direction } from '../inspect/unit.js'
import { FACTS, IEC104_FORMAT, type ProtocolFacts } from './facts.js'
import { type FrameFormat, FrameParser } from './frames.js'
import type { MessageListener } from './message-parser.js'

const START = 0x68
/** Start and length. */
const UNCOUNTED = 2
/** Control octets, which every APDU has. */
const CONTROL = 4
const ASDU_TYPE = UNCOUNTED + CONTROL
const IEC104_PORT = 2404

export const IEC104_FRAME: FrameFormat = {
  header: UNCOUNTED,
  longest: UNCOUNTED + 255,
  length(bytes, start) {
    const counted = bytes[start + 1]!
    return bytes[start] === START && counted >= CONTROL ? UNCOUNTED + counted : -1
  },
}

/** The unnumbered control functions STARTDT, STOPDT and TESTFR, act and con; on its own port any APDU. */
export function looksLikeIec104(bytes: Uint8Array, start: number, end: number, port: number): boolean {
  if (end - start < UNCOUNTED + CONTROL) return false
  const length = IEC104_FRAME.length(bytes, start)
  if (length < 0 || length > end - start) return false
  if (port === IEC104_PORT) return true
  if (length !== UNCOUNTED + CONTROL) return false
  const control = bytes[start + 2]!
  if ((control & 3) !== 3 || (bytes[start + 3]! | bytes[start + 4]! | bytes[start + 5]!) !== 0) return false
  const command = control >> 2
  return command !== 0 && command <= 32 && (command & (command - 1)) === 0
}

const NO_DATA = new Uint8Array(0)

export class Iec104Connection extends FrameParser {
  constructor() {
    super(IEC104_FRAME)
  }

  protected frame<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    facts: ProtocolFacts,
    listener: MessageListener<Flow>,
  ): void {
    const control = bytes[start + UNCOUNTED]!
    facts.kind = FACTS.IEC104
    facts.unit =
      (control & 1) === 0 ? IEC104_FORMAT.I : (control & 3) === 1 ? IEC104_FORMAT.S : IEC104_FORMAT.U
    const typed = facts.unit === IEC104_FORMAT.I && end - start > ASDU_TYPE
    facts.code = typed ? bytes[start + ASDU_TYPE]! : -1
    if (facts.unit !== IEC104_FORMAT.I) judgeControl(flow, direction, bytes, start, end, listener)
    listener.message(flow, direction, bytes, start, end, undefined, NO_DATA, 0, 0)
  }
}

/** The control octets of a frame without data: what is to be zero, and one function at a time. */
function judgeControl<Flow>(
  flow: Flow,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  listener: MessageListener<Flow>,
): void {
  const control = bytes[start + UNCOUNTED]!
  const rest = bytes[start + UNCOUNTED + 1]! | bytes[start + UNCOUNTED + 2]! | bytes[start + UNCOUNTED + 3]!
  let sid: number
  if ((control & 3) === 1) {
    if (control === 1 && bytes[start + UNCOUNTED + 1] === 0) return
    sid = IEC104_EVENT.RESERVED_S
  } else if (rest !== 0) sid = IEC104_EVENT.RESERVED_U
  else {
    const command = control >> 2
    if (command !== 0 && (command & (command - 1)) === 0) return
    sid = IEC104_EVENT.U_TYPE
  }
  listener.event(flow, direction, IEC104_GID, sid, bytes, start, end)
}
