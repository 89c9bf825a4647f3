/**
 * Limits of stream and HTTP inspection and the counters that show when one is reached. Nothing is dropped in silence:
 * every limit below names what happens to the bytes, and every occurrence is counted.
 */

export interface InspectLimits {
  /** New bytes per window; a message or turn that is longer is inspected in several windows. */
  readonly window: number
  /** Hand out the bytes of a turn as they come: inline, what matches is held back with the packet that completes it. */
  readonly immediate: boolean
  /** Bytes of the previous windows that a window shows again. */
  readonly lookBack: number
  /** Bytes of all buffers held for unfinished turns and messages; beyond, bytes are inspected as they come. */
  readonly bufferBudget: number
  /** Bytes of a request or response head, at most 65,536; beyond, the head is cut there and the rest is body. */
  readonly headBytes: number
  /** Header lines looked at for framing and cookies; the lines beyond are still part of the header buffers. */
  readonly headerLines: number
  /** Bytes of `http_raw_uri` and `http_uri`; beyond, both are cut. As long as a head may be unless told. */
  readonly uriBytes: number
  /** Requests waiting for their response whose method is remembered; beyond, the method is taken to be GET. */
  readonly outstandingRequests: number
  /** Bytes of a chunk-size or trailer line; beyond, the chunking is taken to be broken. */
  readonly chunkLine: number
  /** Decompressed bytes per message; beyond, the rest of the body is not decompressed. */
  readonly decompressedBytes: number
  /** Compressed bytes of a brotli body, which is decompressed in one piece, at most 98,304; the rest is dropped. */
  readonly brotliBytes: number
  /** Most decompressed bytes per compressed byte, once 64 KiB have come out. */
  readonly decompressionRatio: number
  /**
   * Read HTTP on where Snort's inspector gives a message up: behind a status line that is not one, a status line that
   * answers nothing, a transfer coding in HTTP/1.0, codings hidden among white space, and wrong checksums of compressed
   * bodies.
   */
  readonly lenientHttp: boolean
  /** Look for no services, HTTP included: streams and datagrams are bytes (Snort: neither wizard nor binder). */
  readonly rawStreams: boolean
  /** Compressed bytes of an HTTP/2 header block, at most 65,536; beyond, the direction is inspected as raw data. */
  readonly http2HeaderBlock: number
  /** CONTINUATION frames of a header block; likewise. */
  readonly http2Continuations: number
  /** Bytes of the table of HTTP/2 header fields that an encoder may ask for; likewise. */
  readonly http2Table: number
  /** Open streams of an HTTP/2 connection; of those beyond, heads are inspected and bodies are not. */
  readonly http2Streams: number
  /** Parts of one mail or upload whose content is file data; the parts beyond are part of the raw stream only. */
  readonly mailParts: number
  /** Bytes of the header of a mail or of a part; beyond, the rest is body. */
  readonly mailHeaderBytes: number
}

export const DEFAULT_LIMITS: InspectLimits = {
  // Looking at bytes twice costs: a window shows a third of its new bytes again. Together they fit a 36 KiB buffer.
  window: 24576,
  immediate: false,
  lookBack: 8192,
  bufferBudget: 256 << 20,
  headBytes: 65536,
  headerLines: 1024,
  uriBytes: 65536,
  outstandingRequests: 128,
  chunkLine: 4096,
  decompressedBytes: 16 << 20,
  decompressionRatio: 100,
  brotliBytes: 96 << 10,
  lenientHttp: false,
  rawStreams: false,
  http2HeaderBlock: 65536,
  http2Continuations: 64,
  http2Table: 65536,
  http2Streams: 128,
  mailParts: 1024,
  mailHeaderBytes: 65536,
}

/** Plain numbers, counted over the life of the inspector. */
export class InspectCounters {
  /** Units handed to detection, by kind. */
  streamUnits = 0
  requestUnits = 0
  responseUnits = 0
  fileUnits = 0
  /** Messages begun. */
  requests = 0
  responses = 0
  /** Connections that spoke HTTP/2, and streams of them. */
  http2Flows = 0
  http2Streams = 0
  /** Directions of HTTP/2 connections that could not be read to their end, for any reason. */
  http2Errors = 0
  /** Mails, and parts of them with a content of their own. */
  mails = 0
  files = 0
  /** Mail and FTP connections that went over to TLS or compression. */
  mailEncrypted = 0
  /** Conversations recognised as HTTP by content. */
  httpFlows = 0
  /** Directions that left HTTP for raw inspection: tunnels and upgrades, and bytes that do not start a message. */
  tunnels = 0
  desynchronised = 0
  gaps = 0
  /** Messages inspected although a gap, or the end of the flow, cut them short. */
  truncatedMessages = 0
  /** Limits reached. */
  headTooLong = 0
  tooManyHeaders = 0
  uriTooLong = 0
  tooManyOutstanding = 0
  chunkLineTooLong = 0
  bufferBudgetReached = 0
  decompressionLimit = 0
  http2HeaderBlockTooLong = 0
  http2TableTooLarge = 0
  /** Header blocks whose entries copied more than any ordinary ones do. */
  http2HeaderWork = 0
  http2TooManyStreams = 0
  mailTooManyParts = 0
  mailHeaderTooLong = 0
  mailTooDeep = 0
  mailCommandsLost = 0
  /** Built-in events found. */
  events = 0
  /** Malformations. */
  badContentLength = 0
  conflictingContentLength = 0
  badTransferEncoding = 0
  badChunk = 0
  badCompression = 0
}
