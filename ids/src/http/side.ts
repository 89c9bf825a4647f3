/** What is known of one direction of a conversation. */
import type { StreamCollector } from '../inspect/stream.js'
import type { HttpMessage } from './message.js'

/** What a direction is doing. */
export const MODE = {
  /** Between messages, or nothing known yet: the next bytes are looked at. */
  PROBE: 0,
  /** In a message. */
  MESSAGE: 1,
  /** Not HTTP: the bytes are a raw turn. */
  RAW: 2,
} as const
export type ModeId = (typeof MODE)[keyof typeof MODE]

/** State of one direction. Messages and collectors are borrowed from the pool while they hold something. */
export class Side<Flow> {
  mode: ModeId = MODE.PROBE
  /** The last bytes ended a message: what follows need only look like one. */
  following = false
  /** The bytes of the first turn ended before it was clear what they are. */
  undecided = false
  /** Nothing but blanks has come since. */
  blanks = false
  /** They have been told of. */
  blanksTold = false
  /** How many there were, when events are wanted. */
  blankBytes = 0
  message: HttpMessage<Flow> | null = null
  /** Holds a raw turn, or bytes that have not been recognised yet. */
  collector: StreamCollector<Flow> | null = null

  reset(): void {
    this.mode = MODE.PROBE
    this.following = false
    this.blanks = false
    this.undecided = false
    this.blanksTold = false
    this.blankBytes = 0
    this.message = null
    this.collector = null
  }
}
