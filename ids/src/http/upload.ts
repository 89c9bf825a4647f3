/**
 * The parts of an upload (`multipart/form-data` and its like), each of which is file data, as in Snort.
 *
 * In: the body of a request as it is inspected, window by window. Out: windows of the parts' contents, decoded as their
 * Content-Transfer-Encoding says, to the message's `showPart`. Reused; a worker has as many as there are uploads at a time.
 */
import type { SlidingArea } from '../inspect/area.js'
import type { InspectionContext } from '../inspect/context.js'
import { SERVICE, TO_SERVER } from '../inspect/unit.js'
import { type FileOutlet, TurnPosition } from '../mail/file-body.js'
import { MimeParser } from '../mail/mime.js'

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const FIELD = ascii('Content-Type: ')
const END = ascii('\r\n\r\n')

/** Parts for which rules on the rest of the message are tried anew; to those beyond, rules on file data alone are. */
const TRIED_ANEW = 16

/** The message that the parts belong to. */
interface PartViewer<Flow> {
  showPart(flow: Flow, area: SlidingArea, anew: boolean): void
}

export class UploadParts<Flow> implements FileOutlet<Flow> {
  private readonly parser: MimeParser<Flow>
  private viewer: PartViewer<Flow> | null = null
  private flow: Flow | undefined
  private parts = 0

  constructor(context: InspectionContext<Flow>) {
    this.parser = new MimeParser(context, new TurnPosition(), this)
  }

  /** @returns false when the Content-Type `bytes[start, end)` names no boundary */
  begin(viewer: PartViewer<Flow>, bytes: Uint8Array, start: number, end: number): boolean {
    this.viewer = viewer
    this.flow = undefined
    this.parts = 0
    const { parser } = this
    parser.begin(TO_SERVER, SERVICE.HTTP)
    // A header shows nothing, so there is no flow to show it for.
    const none = undefined as Flow
    parser.feed(none, FIELD, 0, FIELD.length)
    parser.feed(none, bytes, start, end)
    parser.feed(none, END, 0, END.length)
    if (parser.multipart) return true
    this.cancel()
    return false
  }

  feed(flow: Flow, bytes: Uint8Array, start: number, end: number): void {
    this.flow = flow
    this.parser.feed(flow, bytes, start, end)
  }

  /** The body has ended. */
  finish(flow: Flow): void {
    this.parser.finish(flow)
    this.viewer = null
    this.flow = undefined
  }

  /** The message is given up: nothing more is shown. */
  cancel(): void {
    this.viewer = null
    this.parser.finish(this.flow as Flow)
    this.flow = undefined
  }

  file(flow: Flow, area: SlidingArea, sequence: number): void {
    if (this.viewer === null) return
    if (sequence === 0) this.parts++
    this.viewer.showPart(flow, area, sequence === 0 && this.parts <= TRIED_ANEW)
  }
}
