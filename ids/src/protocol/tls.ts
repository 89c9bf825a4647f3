/**
 * Follows the records of SSL/TLS in both directions: which handshake messages a unit holds, and which version is spoken.
 *
 * In: the new bytes of each unit. Out: bits for `ssl_state` and `ssl_version`, and whether the unit is opaque. Works byte by byte over records of any
 * split (RFC 8446 section 5.1, SSL 2.0 hellos: RFC 5246 appendix E.2) and keeps a few numbers per direction.
 */
import { SSL_EVENT } from '../builtin/index.js'
import type { Direction } from '../inspect/unit.js'
import { SSL_STATE, SSL_VERSION } from './facts.js'

const CHANGE_CIPHER_SPEC = 20
const ALERT = 21
const HANDSHAKE = 22
const APPLICATION_DATA = 23
const HEARTBEAT = 24
const RECORD_HEADER = 5
const HANDSHAKE_HEADER = 4
/** A hello's header and the version it offers. */
const HELLO = 6
const CLIENT_HELLO = 1
const SERVER_HELLO = 2
const SERVER_KEY_EXCHANGE = 12
const CLIENT_KEY_EXCHANGE = 16
const SSL2_HEADER = 7

/** Bits of the records a unit holds, by type. */
function typeBit(type: number): number {
  return 1 << (type - CHANGE_CIPHER_SPEC)
}

const ALERT_BIT = typeBit(ALERT)
const APPLICATION_BIT = typeBit(APPLICATION_DATA)
const LEGIBLE_BITS = typeBit(CHANGE_CIPHER_SPEC) | typeBit(HANDSHAKE) | typeBit(HEARTBEAT)
const BOTH_HELLOS = SSL_STATE.CLIENT_HELLO | SSL_STATE.SERVER_HELLO

function versionBit(major: number, minor: number): number {
  if (major === 0 && minor === 2) return SSL_VERSION.SSL2
  return major === 3 && minor <= 4 ? SSL_VERSION.SSL3 << minor : 0
}

class TlsSide {
  /** Bytes of the record still to come. */
  record = 0
  type = 0
  /** Bytes of the handshake message still to come. */
  message = 0
  encrypted = false
  /** The bytes do not parse: nothing is followed until the next turn. */
  lost = false
  fresh = true
  readonly header = new Uint8Array(SSL2_HEADER)
  held = 0
  readonly handshake = new Uint8Array(HELLO)
  handshakeHeld = 0

  resync(): void {
    this.record = 0
    this.message = 0
    this.held = 0
    this.handshakeHeld = 0
    this.lost = false
  }
}

export class TlsState {
  readonly #sides = [new TlsSide(), new TlsSide()] as const
  /** Handshake messages since `beginUnit`. */
  states = 0
  /** The version the server chose, or before that the one offered. */
  versions = 0
  #chosen = false
  /** Types of the records in the present unit, and the hellos of the whole flow. */
  #types = 0
  #hellos = 0
  #hellosBefore = 0

  /**
   * The unit holds nothing to look for contents in, as Snort judges it: application data behind both hellos, or an
   * alert behind any, and no handshake, change of cipher or heartbeat.
   */
  get opaque(): boolean {
    const types = this.#types
    if (types === 0 || (types & LEGIBLE_BITS) !== 0 || (this.states & SSL_STATE.UNKNOWN) !== 0) return false
    if ((types & ALERT_BIT) !== 0) return this.#hellos !== 0
    return (types & APPLICATION_BIT) !== 0 && this.#hellos === BOTH_HELLOS
  }

  /** Event (generator 137) of a hello in the unit that comes in the wrong order; 0: there is none. */
  get misplacedHello(): number {
    const { states } = this
    const before = this.#hellosBefore
    if ((states & SSL_STATE.SERVER_HELLO) !== 0 && ((before | states) & SSL_STATE.CLIENT_HELLO) === 0)
      return SSL_EVENT.SERVER_WITHOUT_CLIENT
    return (states & SSL_STATE.CLIENT_HELLO) !== 0 && (before & SSL_STATE.SERVER_HELLO) !== 0
      ? SSL_EVENT.CLIENT_AFTER_SERVER
      : 0
  }

  beginUnit(direction: Direction, turn: boolean): void {
    this.#hellosBefore = this.#hellos
    this.states = 0
    this.#types = 0
    if (turn && this.#sides[direction].lost) this.#sides[direction].resync()
  }

  /** Bytes are missing: records are looked for again at the next turn. */
  gap(direction: Direction): void {
    this.#sides[direction].lost = true
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const side = this.#sides[direction]
    let at = start
    while (at < end && !side.lost) {
      if (side.record > 0) {
        if (side.type !== 0) this.#types |= typeBit(side.type)
        const take = Math.min(side.record, end - at)
        if (side.type === HANDSHAKE && !side.encrypted) this.#handshake(side, bytes, at, at + take)
        side.record -= take
        at += take
        continue
      }
      side.header[side.held++] = bytes[at++]!
      if (side.fresh && (side.header[0]! & 0x80) !== 0) {
        if (side.held === SSL2_HEADER) this.#ssl2(side, direction)
      } else if (side.held === RECORD_HEADER) this.#recordHeader(side)
    }
    if (side.lost) this.states |= SSL_STATE.UNKNOWN
    this.#hellos |= this.states & BOTH_HELLOS
  }

  #recordHeader(side: TlsSide): void {
    const { header } = side
    const type = header[0]!
    side.held = 0
    side.fresh = false
    const length = (header[3]! << 8) | header[4]!
    if (type < CHANGE_CIPHER_SPEC || type > HEARTBEAT || header[1] !== 3 || header[2]! > 4) {
      side.lost = true
      return
    }
    side.type = type
    side.record = length
    this.#types |= typeBit(type)
    if (type === CHANGE_CIPHER_SPEC) side.encrypted = true
  }

  #ssl2(side: TlsSide, direction: Direction): void {
    const { header } = side
    const length = ((header[0]! & 0x7f) << 8) | header[1]!
    side.held = 0
    side.fresh = false
    const client = direction === 0
    if (header[2] !== (client ? 1 : 4) || length < SSL2_HEADER - 2) {
      side.lost = true
      return
    }
    side.type = 0
    side.record = length - (SSL2_HEADER - 2)
    this.states |= client ? SSL_STATE.CLIENT_HELLO : SSL_STATE.SERVER_HELLO
    this.#version(client ? versionBit(header[3]!, header[4]!) : versionBit(header[5]!, header[6]!), !client)
  }

  #handshake(side: TlsSide, bytes: Uint8Array, start: number, end: number): void {
    let at = start
    while (at < end) {
      if (side.message > 0) {
        const take = Math.min(side.message, end - at)
        side.message -= take
        at += take
        continue
      }
      const { handshake } = side
      handshake[side.handshakeHeld++] = bytes[at++]!
      if (side.handshakeHeld < HANDSHAKE_HEADER) continue
      const type = handshake[0]!
      const length = (handshake[1]! << 16) | (handshake[2]! << 8) | handshake[3]!
      const hello = (type === CLIENT_HELLO || type === SERVER_HELLO) && length >= 2
      if (side.handshakeHeld === HANDSHAKE_HEADER) {
        if (type === CLIENT_HELLO) this.states |= SSL_STATE.CLIENT_HELLO
        else if (type === SERVER_HELLO) this.states |= SSL_STATE.SERVER_HELLO
        else if (type === CLIENT_KEY_EXCHANGE) this.states |= SSL_STATE.CLIENT_KEYX
        else if (type === SERVER_KEY_EXCHANGE) this.states |= SSL_STATE.SERVER_KEYX
        if (hello) continue
        side.message = length
        side.handshakeHeld = 0
      } else if (side.handshakeHeld === HELLO) {
        this.#version(versionBit(handshake[4]!, handshake[5]!), type === SERVER_HELLO)
        side.message = length - 2
        side.handshakeHeld = 0
      }
    }
  }

  #version(bit: number, chosen: boolean): void {
    if (this.#chosen && !chosen) return
    this.versions = bit
    this.#chosen = chosen
  }
}
