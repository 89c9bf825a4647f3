/** Space for normalised buffers, with a bump pointer: one per worker, emptied for every unit. */
export class Scratch {
  bytes = new Uint8Array(32 << 10)
  used = 0

  /** Empties it and makes sure that `size` bytes fit. Ranges handed out before are void. */
  reset(size: number): void {
    this.used = 0
    if (this.bytes.length < size) this.bytes = new Uint8Array(size)
  }
}
