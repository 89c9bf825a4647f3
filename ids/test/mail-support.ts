/** Feeds conversations through turns, identification and the mail trackers, and keeps the files that come out. */
import { ConversationPool } from '../src/http/index.js'
import {
  BUF,
  type Direction,
  InspectionContext,
  type InspectionUnit,
  type InspectLimits,
  TO_CLIENT,
  TO_SERVER,
  UNIT,
} from '../src/inspect/index.js'
import { ProtocolInspector, type ProtocolSlot } from '../src/protocol/index.js'

export interface FileWindow {
  readonly direction: Direction
  readonly service: number
  readonly sequence: number
  readonly last: boolean
  readonly text: string
  readonly base: number
  readonly fresh: number
  /** Packet data; undefined when there is none. */
  readonly packet: string | undefined
}

interface Ends {
  readonly midstream: boolean
  port(side: 0 | 1): number
  address(side: 0 | 1): string
}

export class MailRecorder {
  readonly windows: FileWindow[] = []
  readonly context: InspectionContext<Ends>
  private readonly flow: Ends
  private readonly protocols: ProtocolInspector<Ends>
  private readonly slot: ProtocolSlot<Ends> = {
    service: 0,
    probes: 0,
    protocol: undefined,
    mail: undefined,
    swapped: false,
  }
  private readonly conversation

  constructor(serverPort = 25, limits: Partial<InspectLimits> = {}) {
    this.flow = {
      midstream: false,
      port: (side) => (side === 0 ? 40000 : serverPort),
      address: (side) => `10.0.0.${side + 1}`,
    }
    this.protocols = new ProtocolInspector<Ends>({ pdu: () => {} })
    this.context = new InspectionContext<Ends>({ inspect: (_flow, unit) => this.onUnit(unit) }, limits)
    this.protocols.useContext(this.context)
    this.conversation = new ConversationPool(this.context).open(false)
  }

  client(data: string | Uint8Array, pieces: readonly number[] = []): this {
    return this.feed(TO_SERVER, data, pieces)
  }

  server(data: string | Uint8Array, pieces: readonly number[] = []): this {
    return this.feed(TO_CLIENT, data, pieces)
  }

  gap(direction: Direction, length: number): this {
    this.conversation.gap(this.flow, direction, length)
    this.protocols.gap(this.flow, this.slot, direction)
    return this
  }

  close(): FileWindow[] {
    this.conversation.close(this.flow)
    this.protocols.close(this.flow, this.slot)
    return this.windows
  }

  /** Ends the flow; returns the content of each file. */
  files(): string[] {
    return contents(this.close())
  }

  private feed(direction: Direction, data: string | Uint8Array, pieces: readonly number[]): this {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
    let at = 0
    for (let next = 0; at < bytes.length; next++) {
      const length = pieces.length === 0 ? bytes.length : Math.max(1, pieces[next % pieces.length]!)
      const end = Math.min(bytes.length, at + length)
      this.conversation.data(this.flow, direction, bytes, at, end)
      at = end
    }
    return this
  }

  private onUnit(unit: InspectionUnit): void {
    if (unit.kind === UNIT.STREAM) {
      this.protocols.beforeUnit(this.flow, this.slot, unit)
      this.protocols.afterUnit(this.flow, this.slot, unit)
      return
    }
    if (unit.kind !== UNIT.FILE) return
    const { buffers } = unit
    const start = buffers.start[BUF.FILE_DATA]!
    this.windows.push({
      direction: unit.direction,
      service: unit.service,
      sequence: unit.sequence,
      last: unit.last,
      text: latin1(buffers.bytes[BUF.FILE_DATA]!, start, buffers.end[BUF.FILE_DATA]!),
      base: buffers.base[BUF.FILE_DATA]!,
      fresh: buffers.fresh[BUF.FILE_DATA]! - start,
      packet: buffers.has(BUF.PKT_DATA)
        ? latin1(buffers.bytes[BUF.PKT_DATA]!, buffers.start[BUF.PKT_DATA]!, buffers.end[BUF.PKT_DATA]!)
        : undefined,
    })
  }
}

/** Puts windows together: the new bytes of each, up to the last of a file. */
export function contents(windows: readonly FileWindow[]): string[] {
  const files: string[] = []
  for (const { sequence, text, fresh } of windows) {
    if (sequence === 0) files.push('')
    files[files.length - 1] += text.slice(fresh)
  }
  return files
}

/** An SMTP conversation that sends `mail`, as it is; the mail's last line end is part of the end mark. */
export function smtp(
  mail: string,
  pieces: readonly number[] = [],
  limits: Partial<InspectLimits> = {},
): MailRecorder {
  return new MailRecorder(25, limits)
    .server('220 mx.example.org ESMTP\r\n')
    .client('EHLO client.example.org\r\n')
    .server('250-mx.example.org\r\n250 PIPELINING\r\n')
    .client('MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n')
    .server('250 ok\r\n250 ok\r\n354 go ahead\r\n')
    .client(`${mail.replace(/(^|\n)\./g, '$1..')}\r\n.\r\n`, pieces)
    .server('250 queued\r\n')
    .client('QUIT\r\n')
    .server('221 bye\r\n')
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString('latin1')
}
