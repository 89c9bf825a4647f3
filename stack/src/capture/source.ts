/** What a packet source is: the interfaces between captures and their consumers. */

/** Receives frames, one call per frame, with plain integers only. */
export interface FrameSink {
  /**
   * One frame. `buffer[offset, offset + capturedLength)` is valid during the call only: the buffer is reused.
   * @param wireLength length on the wire, at least `capturedLength`
   * @param seconds whole seconds since 1970
   * @param nanoseconds within the second, 0 to 999,999,999
   * @param linkType libpcap link type (DLT)
   * @param interfaceIndex from 0, over all interfaces of the source
   */
  frame(
    buffer: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    seconds: number,
    nanoseconds: number,
    linkType: number,
    interfaceIndex: number,
  ): void
  /** Live sources only: no frame came for a while, it is now this time. Lets timeouts pass on a silent link. */
  idle?(seconds: number, nanoseconds: number): void
  /** A filter before this sink left a frame out, which still counts where packets are numbered. */
  skip?(): void
}

/** Totals of one source; they grow while it runs. */
export interface CaptureCounters {
  /** Frames handed to the sink. */
  frames: number
  /** Captured bytes of these frames. */
  frameBytes: number
  /** Bytes consumed from the file or pipe, before decompression; 0 for live sources. */
  bytesRead: number
  /** Live sources that can tell: frames lost because the application was too slow. */
  dropped?: number
}

/** What `PacketSource.run` takes. */
export interface RunOptions {
  /** Ends the run early, after the frame being delivered; `run` then resolves. */
  readonly signal?: AbortSignal
  /** Called now and then between chunks. `bytesTotal` is undefined when the length of the input is not known. */
  readonly onProgress?: (bytesRead: number, bytesTotal: number | undefined) => void
}

/** Where frames come from. */
export interface PacketSource {
  /** Running totals. */
  readonly counters: Readonly<CaptureCounters>
  /**
   * Delivers all frames to `sink`, in order, and resolves at the end of the input. Yields to the event loop between
   * chunks. To be called once.
   * @throws CaptureError when the input cannot be read or is damaged; whole frames before the damage have been
   *   delivered
   */
  run(sink: FrameSink, options?: RunOptions): Promise<void>
}
