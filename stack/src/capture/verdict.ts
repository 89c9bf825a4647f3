/** What an inline source asks of its sink: the seam between forwarding and the stack. */
import type { FrameSink } from './source.js'

/** What becomes of a frame. */
export const VERDICT = {
  /** It goes on, with the bytes that now stand in the buffer: they may have been changed in place. */
  FORWARD: 0,
  /** It does not go on. */
  DROP: 1,
  /** `replacement` goes on instead. */
  REPLACE: 2,
} as const
/** What becomes of a frame. */
export type Verdict = (typeof VERDICT)[keyof typeof VERDICT]

/** Sends frames that did not come in. */
export interface FrameSender {
  /**
   * Sends a frame out of an interface. Copied, or gone, when it returns.
   * @param interfaceIndex as in `FrameSink.frame`
   * @returns whether it was sent
   */
  send(interfaceIndex: number, frame: Uint8Array): boolean
}

/**
 * A sink that decides about frames. `verdict` is read once, right after `frame` has returned, and stands for that frame
 * alone: the sink sets it for every frame. When `frame` throws, the frame is not forwarded.
 *
 * Inside `frame` the bytes of the frame may be changed in place, with a length that stays the same; checksums are the
 * sink's business, and are whole when it gets the frame, also for segments the network card was to finish.
 */
export interface InlineSink extends FrameSink {
  /** About the frame that was handed over last. */
  readonly verdict: Verdict
  /** With REPLACE, all of it is sent; copied before `frame` is called again. */
  readonly replacement?: Uint8Array | undefined
  /** Set by the source while it runs: what sends the sink's own frames. */
  sender?: FrameSender | undefined
}
