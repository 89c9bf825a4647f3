/** The API reference in docs/api is what the docstrings say now, and they leave nothing out. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const folder = new URL('../../docs/api/', import.meta.url)
const generator = new URL('../../scripts/api-docs.mjs', import.meta.url)
const { apiReference } = (await import(generator.href)) as {
  apiReference(): { readonly pages: ReadonlyMap<string, string>; readonly problems: readonly string[] }
}
const { pages, problems } = apiReference()

describe('the API reference', () => {
  it('is current (`npm run docs` brings it up to date)', () => {
    expect([...pages.keys()].sort()).toEqual(readdirSync(folder).sort())
    for (const [name, text] of pages) expect(readFileSync(new URL(name, folder), 'utf8'), name).toBe(text)
  })

  it('explains every exported function, constant and method, and names no type that is not exported', () => {
    expect(problems).toEqual([])
  })

  it('has everything on a page of its own concern', () => {
    expect(pages.has('other.md')).toBe(false)
    expect(pages.get('stack.md')).toContain('`monitorStream<Ctx = unknown>')
  })
})
