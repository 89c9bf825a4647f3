/**
 * A model of one TCP endpoint, after RFC 9293 section 3.10.7: what the simulator's connections are made of.
 *
 * In: segments, time-outs, and what the application wants to send. Out: segments, handed to `send`. The bytes themselves
 * are a function of the connection and their position, so only numbers are kept. Reacting to a segment is a step of its
 * own (`react`), so that an observer can look at the state between the two.
 */
import { TCP_FLAG } from '../../../test/support/frames.js'
import { TCP_STATE } from '../../src/index.js'

const { FIN, SYN, RST, PSH, ACK } = TCP_FLAG
const {
  CLOSED,
  LISTEN,
  SYN_SENT,
  SYN_RCVD,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  CLOSE_WAIT,
  CLOSING,
  LAST_ACK,
  TIME_WAIT,
} = TCP_STATE

export interface Segment {
  readonly seq: number
  readonly ack: number
  readonly flags: number
  readonly window: number
  readonly length: number
  /** Position of its first byte in the stream. */
  readonly offset: number
}

/** Deterministic random numbers (mulberry32). */
export class Random {
  private state: number

  constructor(seed: number) {
    this.state = seed | 0
  }

  /** From 0 to `n - 1`. */
  below(n: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * n)
  }

  /** True `n` times in a thousand. */
  chance(n: number): boolean {
    return n > 0 && this.below(1000) < n
  }
}

const WINDOW = 20_000

export class Endpoint {
  state: number = CLOSED
  /** Bytes of the peer in order. */
  received = 0
  private readonly random: Random
  private readonly send: (segment: Segment) => void
  private readonly toSend: number
  private readonly mss: number
  private iss = 0
  private una = 0
  private next = 0
  private irs = 0
  private rcvNext = 0
  /** Bytes handed to the network at least once. */
  private sent = 0
  private finSent = false
  private wantsClose: boolean
  /** The application closes without waiting for the peer to. */
  private readonly closesFirst: boolean
  private readonly early = new Map<number, number>()
  private peerFin = -1
  private owesAck = false

  constructor(
    random: Random,
    toSend: number,
    mss: number,
    closesFirst: boolean,
    send: (segment: Segment) => void,
  ) {
    this.random = random
    this.toSend = toSend
    this.mss = mss
    this.closesFirst = closesFirst
    this.wantsClose = closesFirst
    this.send = send
  }

  listen(): void {
    this.state = LISTEN
  }

  connect(isn: number): void {
    this.begin(isn)
    this.state = SYN_SENT
    this.emit(this.iss, SYN, 0)
  }

  /** Whether a timer has to run: something sent is not acknowledged. */
  get waiting(): boolean {
    return (
      this.una !== this.next && this.state !== CLOSED && this.state !== TIME_WAIT && this.state !== LISTEN
    )
  }

  get over(): boolean {
    return this.state === CLOSED || this.state === TIME_WAIT
  }

  abort(): void {
    if (this.state >= ESTABLISHED && this.state !== TIME_WAIT) {
      this.reset(this.next)
      this.close()
    }
  }

  private begin(isn: number): void {
    this.iss = isn | 0
    this.una = this.iss
    this.next = (this.iss + 1) | 0
  }

  /** The state changes; what is to be said about it comes with `react`. */
  receive(s: Segment): void {
    const { state } = this
    if (state === CLOSED) {
      if ((s.flags & RST) === 0) this.reset((s.flags & ACK) !== 0 ? s.ack : 0, s)
      return
    }
    if (state === LISTEN) {
      if ((s.flags & (SYN | ACK | RST)) === SYN) {
        this.irs = s.seq
        this.rcvNext = (s.seq + 1) | 0
        this.begin(this.random.below(2) === 0 ? this.random.below(0x7fff_ffff) : -1 - this.random.below(3000))
        this.state = SYN_RCVD
        this.owesAck = true
      } else if ((s.flags & (ACK | RST)) === ACK) this.reset(s.ack)
      return
    }
    if (state === SYN_SENT) {
      this.receiveInSynSent(s)
      return
    }
    const syn = (s.flags & SYN) !== 0
    const ahead = (s.seq - this.rcvNext) | 0
    if ((s.flags & RST) !== 0) {
      if (ahead === 0) {
        this.close()
      } else if (ahead > 0 && ahead < WINDOW) this.owesAck = true
      return
    }
    const end = (ahead + s.length + ((s.flags & FIN) !== 0 ? 1 : 0)) | 0
    if (syn || ahead >= WINDOW || (s.flags & ACK) === 0) {
      // Not acceptable, or a SYN: an acknowledgement tells the peer where we are.
      this.owesAck = true
      return
    }
    // The acknowledgement of old data counts, as with 4.4BSD and its descendants.
    if (!this.receiveAck(s)) return
    if (end < 0) this.owesAck = true
    if (this.state === CLOSED) return
    if (s.length > 0 || (s.flags & FIN) !== 0) {
      this.owesAck = true
      this.receiveData(s, ahead)
    }
  }

  private receiveInSynSent(s: Segment): void {
    const acks = (s.flags & ACK) !== 0
    if (acks && s.ack !== this.next) {
      if ((s.flags & RST) === 0) this.reset(s.ack)
      return
    }
    if ((s.flags & RST) !== 0) {
      if (acks) {
        this.close()
      }
      return
    }
    if ((s.flags & SYN) === 0 || !acks) return
    this.irs = s.seq
    this.rcvNext = (s.seq + 1) | 0
    this.una = s.ack
    this.state = ESTABLISHED
    this.owesAck = true
  }

  private receiveAck(s: Segment): boolean {
    const progress = (s.ack - this.una) | 0
    if (((s.ack - this.next) | 0) > 0) {
      this.owesAck = true
      return false
    }
    if (progress > 0) this.una = s.ack
    if (this.state === SYN_RCVD && this.una === this.iss) return false
    if (this.state === SYN_RCVD) this.state = ESTABLISHED
    if (this.finSent && this.una === this.next) {
      if (this.state === FIN_WAIT_1) this.state = FIN_WAIT_2
      else if (this.state === CLOSING) this.state = TIME_WAIT
      else if (this.state === LAST_ACK) this.close()
    }
    return true
  }

  private receiveData(s: Segment, ahead: number): void {
    if (this.peerFin < 0 && (s.flags & FIN) !== 0) this.peerFin = s.offset + s.length
    if (s.length > 0) {
      const known = this.early.get(s.offset) ?? 0
      if (ahead > 0) this.early.set(s.offset, Math.max(known, s.length))
      else this.received = Math.max(this.received, s.offset + s.length)
      for (let grew = true; grew; ) {
        grew = false
        for (const [offset, length] of this.early) {
          if (offset > this.received) continue
          this.early.delete(offset)
          this.received = Math.max(this.received, offset + length)
          grew = true
        }
      }
    }
    const fin = this.peerFin >= 0 && this.received >= this.peerFin
    this.rcvNext = (this.irs + 1 + this.received + (fin ? 1 : 0)) | 0
    if (!fin) return
    if (this.state === ESTABLISHED) this.state = CLOSE_WAIT
    else if (this.state === FIN_WAIT_1) this.state = CLOSING
    else if (this.state === FIN_WAIT_2) this.state = TIME_WAIT
  }

  /** What the endpoint and its application do next: acknowledge, send, close. */
  react(): void {
    const { state } = this
    if (state === SYN_RCVD) {
      if (this.owesAck) this.emit(this.iss, SYN | ACK, 0)
      this.owesAck = false
      return
    }
    if (state === CLOSED || state === LISTEN || state === SYN_SENT) return
    if (state === CLOSE_WAIT && !this.closesFirst) this.wantsClose = true
    const before = this.next
    this.sendNew()
    // A segment with data has acknowledged as well.
    if (this.owesAck && this.next === before) this.emit(this.next, ACK, 0)
    this.owesAck = false
  }

  private sendNew(): void {
    if (this.state !== ESTABLISHED && this.state !== CLOSE_WAIT) return
    let flight = (this.next - this.una) | 0
    while (this.sent < this.toSend && flight < 6 * this.mss) {
      const length = Math.min(1 + this.random.below(this.mss), this.toSend - this.sent)
      const from = this.next
      const offset = this.sent
      this.next = (this.next + length) | 0
      this.sent += length
      flight += length
      // Now and then the FIN goes with the last data.
      if (this.sent === this.toSend && this.wantsClose && this.random.chance(500)) {
        this.closeWith(from, length, offset)
        return
      }
      this.emit(from, ACK | PSH, length, offset)
    }
    if (this.sent === this.toSend && this.wantsClose) this.closeWith(this.next, 0, this.sent)
  }

  private closeWith(seq: number, length: number, offset: number): void {
    this.finSent = true
    this.next = (this.next + 1) | 0
    this.state = this.state === CLOSE_WAIT ? LAST_ACK : FIN_WAIT_1
    this.emit(seq, ACK | FIN, length, offset)
  }

  /** The retransmission timer: repeats from the first unacknowledged number on, cut anew. */
  timeout(): void {
    if (!this.waiting) return
    if (this.state === SYN_SENT || this.state === SYN_RCVD) {
      this.emit(this.iss, this.state === SYN_SENT ? SYN : SYN | ACK, 0)
      return
    }
    const offset = (this.una - this.iss - 1) | 0
    const left = this.sent - offset
    if (left > 0) {
      const length = Math.min(1 + this.random.below(2 * this.mss), left)
      const all = length === left && this.finSent
      this.emit(this.una, ACK | PSH | (all ? FIN : 0), length, offset)
    } else if (this.finSent) this.emit(this.una, ACK | FIN, 0, offset)
  }

  private close(): void {
    this.state = CLOSED
    this.una = this.next
  }

  private reset(seq: number, answered?: Segment): void {
    const flags = answered !== undefined && (answered.flags & ACK) === 0 ? RST | ACK : RST
    const length =
      answered === undefined ? 0 : answered.length + ((answered.flags & (SYN | FIN)) !== 0 ? 1 : 0)
    this.send({
      seq,
      ack: flags === RST ? 0 : (answered!.seq + length) | 0,
      flags,
      window: 0,
      length: 0,
      offset: 0,
    })
  }

  private emit(seq: number, flags: number, length: number, offset = 0): void {
    const ack = (flags & ACK) !== 0 ? this.rcvNext : 0
    this.send({ seq, ack, flags, window: WINDOW, length, offset })
  }
}
