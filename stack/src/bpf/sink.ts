/** Puts a filter before a sink. */
import type { FrameSink } from '../capture/source.js'
import type { BpfFilter } from './filter.js'

/**
 * Hands on the frames that match. The others are only counted, and told to the sink if it wants to know (`skip`), so
 * that its packet numbers stay those of the capture.
 */
export class FilteredSink implements FrameSink {
  /** Frames left out. */
  skippedFrames = 0
  private readonly filter: BpfFilter
  private readonly sink: FrameSink

  /** Frames that pass `filter` go to `sink`. */
  constructor(filter: BpfFilter, sink: FrameSink) {
    this.filter = filter
    this.sink = sink
  }

  /** See `FrameSink`. @throws BpfError when the expression makes no sense for a link type not met before */
  frame(
    buffer: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    seconds: number,
    nanoseconds: number,
    linkType: number,
    interfaceIndex: number,
  ): void {
    if (this.filter.matches(buffer, offset, capturedLength, wireLength, linkType)) {
      this.sink.frame(
        buffer,
        offset,
        capturedLength,
        wireLength,
        seconds,
        nanoseconds,
        linkType,
        interfaceIndex,
      )
    } else {
      this.skippedFrames++
      this.sink.skip?.()
    }
  }

  /** Passed on. */
  skip(): void {
    this.sink.skip?.()
  }

  /** Passed on. */
  idle(seconds: number, nanoseconds: number): void {
    this.sink.idle?.(seconds, nanoseconds)
  }
}
