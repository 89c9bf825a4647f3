/**
 * HTTP/2 in the clear: frames, HPACK and streams.
 *
 * In: in-order bytes of both directions from `../http` once a client has sent the preface or a server has granted an
 * upgrade. Out: the requests and responses of all streams through `HttpMessage`, so every HTTP buffer is there for them.
 */
export { Http2Connection, Http2Memory, PREFACE_LENGTH, PREFACE_REST } from './connection.js'
