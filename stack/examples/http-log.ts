/**
 * Logs HTTP/1 requests: time, client, method, host and target. Usage: http-log CAPTURE
 *
 * Reads only what clients send: what servers send is not reassembled. A stream that turns out not to be HTTP, or that
 * cannot be followed any further, is stopped, which returns its memory.
 */
import { CLI, createStack, type Flow, ON_GAP, ON_NEW_DATA, openCapture, SVR, textOf } from '@weir/stack'

/** Longest head that is waited for, bytes. */
const MAX_HEAD = 16_384

interface Reader {
  /** Beginning of a head that is not complete yet. */
  head: string
  /** Bytes of the request's body still to come. */
  body: number
}

const stack = createStack()
const socket = stack.monitorStream<Reader>({ reassemble: { client: false } })

socket.on(ON_NEW_DATA, (flow, data) => {
  flow.uctx ??= { head: '', body: 0 }
  const reader = flow.uctx
  const text = textOf(data)
  reader.head += text.slice(reader.body)
  reader.body = Math.max(0, reader.body - text.length)
  while (reader.body === 0 && reader.head !== '') {
    const blank = /\r?\n\r?\n/.exec(reader.head)
    if (blank === null) {
      if (reader.head.length > MAX_HEAD || !/^\r?\n?[A-Z]{0,20}( |$)/.test(reader.head)) flow.stop()
      return
    }
    const next = blank.index + blank[0].length
    const length = request(flow, reader.head.slice(0, blank.index).trimStart())
    if (length < 0) return flow.stop()
    const rest = reader.head.slice(next)
    reader.body = Math.max(0, length - rest.length)
    reader.head = rest.slice(length)
  }
})

// Where the next request begins is anybody's guess.
socket.on(ON_GAP, (flow) => flow.stop())

/** Logs a request. @returns bytes of its body, or -1 when that cannot be told */
function request(flow: Flow, head: string): number {
  const line = /^([A-Z]+) (\S+) HTTP\/1\.[01]\r?$/m.exec(head)
  if (line === null || line.index > 0) return -1
  const header = (name: string): string | undefined =>
    new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*\\r?$`, 'im').exec(head)?.[1]
  const time = new Date(flow.lastTime / 1000).toISOString()
  const host = header('host') ?? `${flow.address(SVR)}:${flow.port(SVR)}`
  console.log(`${time} ${flow.address(CLI)} ${line[1]} ${host} ${line[2]}`)
  if (header('transfer-encoding') !== undefined || line[1] === 'CONNECT') return -1
  const length = Number(header('content-length') ?? 0)
  return Number.isSafeInteger(length) && length >= 0 ? length : -1
}

await openCapture(process.argv[2] ?? '-').run(stack)
stack.finish()
