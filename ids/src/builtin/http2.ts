/** Events of HTTP/2 connections, by Snort 3's numbers. Only those that can be told are here. */
import type { EventTable } from './rules.js'

export const HTTP2_GID = 121

export const HTTP2_EVENT = {
  NO_CONTINUATION: 4,
  STRAY_CONTINUATION: 5,
  BAD_HEADER_BLOCK: 6,
  BAD_PREFACE: 7,
  NO_STATUS: 9,
  BAD_SETTINGS: 11,
  LONG_PADDING: 16,
  NO_PADDING: 22,
  PROMISE_OF_CLIENT: 23,
  SHORT_PROMISE: 24,
  BAD_RESET: 28,
  WINDOW_UPDATE_LENGTH: 31,
  NO_METHOD: 33,
} as const

export const HTTP2_EVENTS: EventTable = {
  gid: HTTP2_GID,
  inspector: 'http2_inspect',
  texts: {
    4: 'missing HTTP/2 continuation frame',
    5: 'unexpected HTTP/2 continuation frame',
    6: 'HTTP/2 headers HPACK decoding error',
    7: 'HTTP/2 connection preface does not match',
    9: 'HTTP/2 response has no status code',
    11: 'error in HTTP/2 settings frame',
    16: 'HTTP/2 padding length is bigger than frame data size',
    22: 'padding flag set on HTTP/2 frame with zero length',
    23: 'HTTP/2 push promise frame in client-to-server direction',
    24: 'invalid HTTP/2 push promise frame',
    28: 'invalid HTTP/2 RST_STREAM frame',
    31: 'HTTP/2 window update frame length is not 4',
    33: 'HTTP/2 request without a method',
  },
}
