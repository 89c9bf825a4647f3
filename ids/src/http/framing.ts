/** How messages end, and who decides it when their head is there. */
import type { HttpMessage } from './message.js'

/** How the end of the body is known. */
export const FRAMING = {
  NO_BODY: 0,
  LENGTH: 1,
  CHUNKED: 2,
  TO_CLOSE: 3,
  /** It only looked like a message: nothing is inspected. */
  NO_MESSAGE: 4,
} as const
export type FramingId = (typeof FRAMING)[keyof typeof FRAMING]

/** Told when a head is complete; answers how the end of the body is known. */
export interface HeadListener<Flow> {
  /** The head is `bytes[at, at + message.head.length)`. For LENGTH, `head.contentLength` counts. */
  headComplete(message: HttpMessage<Flow>, bytes: Uint8Array, at: number): FramingId
}
