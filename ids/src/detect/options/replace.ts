/** `replace`: remembers where the content before it was found; the packet is changed when the whole rule has matched. */
import type { Packet } from '@weir/stack'
import { BUF } from '../../inspect/buffers.js'
import { type InspectionUnit, UNIT } from '../../inspect/unit.js'
import type { ReplaceOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'

export class ReplaceEvaluator implements Evaluator {
  readonly #bytes: Uint8Array
  /** Of the last match: index in packet data. */
  #at = -1

  constructor(option: ReplaceOption) {
    this.#bytes = option.bytes
  }

  test(state: Evaluation): boolean {
    const found = state.cursorSlot === BUF.PKT_DATA || state.cursorSlot === BUF.RAW_DATA
    this.#at = found ? state.cursor - this.#bytes.length : -1
    return true
  }

  /**
   * Writes over what was found, if it is part of the current packet.
   * @param unit the one that matched last
   */
  apply(unit: InspectionUnit, packet: Packet): boolean {
    const { buffers } = unit
    const size = this.#bytes.length
    const at = this.#at
    if (at < 0) return false
    // Of a stream, the packet has the last bytes.
    const offset =
      unit.kind === UNIT.PACKET
        ? at - packet.payloadOffset
        : packet.payloadLength - (buffers.end[BUF.PKT_DATA]! - at)
    if (offset < 0 || offset + size > packet.payloadLength) return false
    const bytes = buffers.bytes[BUF.PKT_DATA]!
    const from = packet.payloadOffset + offset
    for (let i = 0; i < size; i++) if (bytes[at + i] !== packet.buffer[from + i]) return false
    return packet.overwrite(offset, this.#bytes)
  }
}
