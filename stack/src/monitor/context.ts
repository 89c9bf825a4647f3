/**
 * The application's values per flow (`flow.uctx`), one store per socket. Pages of 1,024 flows are allocated when first
 * used, so an application that keeps nothing pays nothing.
 */
const PAGE_SHIFT = 10
const PAGE_SIZE = 1 << PAGE_SHIFT

export class ContextStore {
  private readonly pages: (unknown[] | undefined)[] = []

  get(row: number): unknown {
    const number = row >> PAGE_SHIFT
    // Reading behind the end would have V8 give up the machine code of every caller.
    if (number >= this.pages.length) return undefined
    const page = this.pages[number]
    return page === undefined ? undefined : page[row & (PAGE_SIZE - 1)]
  }

  clear(row: number): void {
    if (row >> PAGE_SHIFT < this.pages.length) this.set(row, undefined)
  }

  set(row: number, value: unknown): void {
    let page = this.pages[row >> PAGE_SHIFT]
    if (page === undefined) {
      if (value === undefined) return
      page = new Array<unknown>(PAGE_SIZE).fill(undefined)
      while (this.pages.length <= row >> PAGE_SHIFT) this.pages.push(undefined)
      this.pages[row >> PAGE_SHIFT] = page
    }
    page[row & (PAGE_SIZE - 1)] = value
  }
}
