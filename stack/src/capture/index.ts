/**
 * Packet sources: where frames come from, and one place they can go to.
 *
 * In: capture files (pcap, pcapng, plain or gzip; a path or standard input), or a live interface. Out: one call of
 * `FrameSink.frame` per frame, with plain integers and a buffer that is valid during the call. `PcapWriter` is the sink
 * that writes a capture; an inline source also sends frames on, as its sink decides. Called by applications, which connect a source to a stack.
 */
export { CaptureError, type CaptureErrorCode } from './error.js'
export { type OpenCaptureOptions, openCapture } from './file-source.js'
export {
  type InlineDirectionCounters,
  type InlineOptions,
  type InlineSource,
  openInline,
} from './inline.js'
export { type OpenLiveOptions, openLive } from './live.js'
export { MAX_FRAME_LENGTH } from './parser.js'
export { openRing, type RingCounters, type RingOptions, type RingSource } from './ring.js'
export { type FanoutOptions, ringUnavailable } from './ring-socket.js'
export type { CaptureCounters, FrameSink, PacketSource, RunOptions } from './source.js'
export { type FrameSender, type InlineSink, VERDICT, type Verdict } from './verdict.js'
export { PcapWriter, type PcapWriterOptions } from './writer.js'
