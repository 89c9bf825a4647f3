/** `rpc`, `ftpbounce`, `cvs`, `stream_size`. */
import { BUF, type BufferId } from '../../inspect/buffers.js'
import type { CvsOption, FtpBounceOption, RpcOption, StreamSizeOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'
import { compileNumericTest } from './numbers.js'

const TCP = 6
const RECORD_MARK = 4
/** Up to the procedure (RFC 5531 section 9). */
const RPC_CALL = 24
const CALL = 0
const RPC_VERSION = 2

function big32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** An ONC RPC call at the beginning of the payload, behind the record mark on TCP. */
export class RpcEvaluator implements Evaluator {
  readonly #program: number
  readonly #version: number | undefined
  readonly #procedure: number | undefined

  constructor(option: RpcOption) {
    this.#program = option.program
    this.#version = option.version
    this.#procedure = option.procedure
  }

  test(state: Evaluation): boolean {
    const { buffers } = state
    if (buffers.base[BUF.PKT_DATA] !== 0) return false
    const bytes = buffers.bytes[BUF.PKT_DATA]!
    const protocol = state.flow?.protocol ?? state.packet?.protocol
    const at = buffers.start[BUF.PKT_DATA]! + (protocol === TCP ? RECORD_MARK : 0)
    if (at + RPC_CALL > buffers.end[BUF.PKT_DATA]!) return false
    return (
      big32(bytes, at + 4) === CALL &&
      big32(bytes, at + 8) === RPC_VERSION &&
      big32(bytes, at + 12) === this.#program &&
      (this.#version === undefined || big32(bytes, at + 16) === this.#version) &&
      (this.#procedure === undefined || big32(bytes, at + 20) === this.#procedure)
    )
  }
}

const SPACE = 0x20
const TAB = 9
const COMMA = 0x2c

/** `a,b,c,d` at the cursor is another address than the sender's (IPv4). */
export class FtpBounceEvaluator implements Evaluator {
  readonly #buffer: BufferId

  constructor(option: FtpBounceOption) {
    this.#buffer = option.buffer
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    const { buffers } = state
    const end = buffers.end[slot]!
    if (end < 0) return false
    const bytes = buffers.bytes[slot]!
    let at = state.origin(slot)
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++
    let address = 0
    for (let octet = 0; octet < 4; octet++) {
      let value = 0
      const first = at
      for (; at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39 && at - first < 3; at++) {
        value = value * 10 + bytes[at]! - 0x30
      }
      if (at === first || value > 255 || at >= end || bytes[at] !== COMMA) return false
      at++
      address = (address << 8) | value
    }
    return address !== state.src3
  }
}

const ENTRY = Uint8Array.from('Entry ', (char) => char.charCodeAt(0))
const SLASH = 0x2f
const LF = 10

/** An `Entry` line whose entry has no file name: what made the CVS server free memory twice. */
export class CvsEvaluator implements Evaluator {
  readonly #buffer: BufferId

  constructor(option: CvsOption) {
    this.#buffer = option.buffer
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    const { buffers } = state
    const end = buffers.end[slot]!
    const bytes = buffers.bytes[slot]!
    let at = end < 0 ? end : buffers.start[slot]!
    while (at < end) {
      let stop = at
      while (stop < end && bytes[stop] !== LF) stop++
      if (isEntry(bytes, at, stop) && isInvalid(bytes, at + ENTRY.length, stop)) return true
      at = stop + 1
    }
    return false
  }
}

function isEntry(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < ENTRY.length) return false
  for (let i = 0; i < ENTRY.length; i++) if (bytes[start + i] !== ENTRY[i]) return false
  return true
}

/** Not `/name/…` (directories: `D/name/…`). */
function isInvalid(bytes: Uint8Array, start: number, end: number): boolean {
  const slash = bytes[start] === 0x44 ? start + 1 : start
  return slash >= end || bytes[slash] !== SLASH || slash + 1 >= end || bytes[slash + 1] === SLASH
}

/** Payload bytes seen from one side, or both. */
export class StreamSizeEvaluator implements Evaluator {
  readonly #side: StreamSizeOption['side']
  readonly #test: (value: number) => boolean

  constructor(option: StreamSizeOption) {
    this.#side = option.side
    this.#test = compileNumericTest(option.test)
  }

  test(state: Evaluation): boolean {
    const { flow } = state
    if (flow === undefined || flow.protocol !== TCP) return false
    const client = this.#test(state.clientBytes)
    const server = this.#test(state.serverBytes)
    switch (this.#side) {
      case 'client':
        return client
      case 'server':
        return server
      case 'either':
        return client || server
      case 'both':
        return client && server
    }
  }
}
