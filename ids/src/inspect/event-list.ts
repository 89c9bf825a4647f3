/** Events of one inspector about one thing, by number, each at most once. Reused. */
export class EventList {
  readonly sids = new Uint16Array(64)
  count = 0

  clear(): void {
    this.count = 0
  }

  add(sid: number): void {
    for (let i = 0; i < this.count; i++) if (this.sids[i] === sid) return
    if (this.count < this.sids.length) this.sids[this.count++] = sid
  }

  has(sid: number): boolean {
    for (let i = 0; i < this.count; i++) if (this.sids[i] === sid) return true
    return false
  }
}
