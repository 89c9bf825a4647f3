import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BUF } from '../../ids/src/inspect/buffers.js'
import type { ContentOption, Rule } from '../../ids/src/rules/index.js'
import { CASES, loadSignatures, RULE_FILES } from './signatures.js'

const { rules, problems } = loadSignatures()
const fileOf = (rule: Rule): string => basename(rule.position.file, '.rules')

/** Buffers that Snort 2.9 searches with its multi-pattern matcher; a fast pattern elsewhere is an error there. */
const SEARCHED: readonly number[] = [
  BUF.PKT_DATA,
  BUF.FILE_DATA,
  BUF.HTTP_URI,
  BUF.HTTP_HEADER,
  BUF.HTTP_CLIENT_BODY,
]

describe('signature files', () => {
  it('load without a single problem', () => {
    expect(problems).toEqual([])
    expect(rules.length).toBeGreaterThanOrEqual(130)
  })

  it('use each sid once, in the local range and in the block of their file', () => {
    const sids = rules.map((rule) => rule.sid)
    expect(new Set(sids).size).toBe(sids.length)
    expect(Math.min(...sids)).toBeGreaterThan(1_000_000)
    for (const name of RULE_FILES) {
      const blocks = rules
        .filter((rule) => `${fileOf(rule)}.rules` === name)
        .map((rule) => Math.floor(rule.sid / 1000))
      expect(new Set(blocks).size, name).toBe(1)
    }
  })

  it('have one case each, in the table of the same name', () => {
    for (const [name, cases] of Object.entries(CASES)) {
      const inFile = rules.filter((rule) => fileOf(rule) === name).map((rule) => rule.sid)
      expect(
        cases.map((entry) => entry.sid),
        name,
      ).toEqual(inFile)
    }
    expect(Object.keys(CASES).map((name) => `${name}.rules`)).toEqual(RULE_FILES)
  })

  it.each(rules.map((rule) => [rule.sid, rule] as const))('%i is well described', (_sid, rule) => {
    expect(rule.msg).toMatch(/^WEIR [A-Z][A-Z-]+ \S/)
    expect(rule.classText, 'classtype').toBeDefined()
    expect(rule.references.length).toBeGreaterThan(0)
    for (const { system, id } of rule.references) {
      if (system === 'cve') expect(id).toMatch(/^\d{4}-\d{4,}$/)
      else expect([system, id]).toEqual(['url', expect.stringMatching(/^[\w.-]+\.[a-z]{2,}(?:\/|$)/)])
    }
    expect(rule.services).toEqual(['http'])
    expect(rule.metadata.map(([key]) => key)).toContain('created_at')
    expect(rule.rev).toBe(1)
  })

  it.each(rules.map((rule) => [rule.sid, rule] as const))(
    '%i has a fast pattern worth searching for',
    (_sid, rule) => {
      const marked = rule.options.filter(
        (option): option is ContentOption => option.kind === 'content' && option.fastPattern !== undefined,
      )
      expect(marked).toHaveLength(1)
      const [{ bytes, buffer, negated }] = marked as [ContentOption]
      expect(negated).toBe(false)
      expect(bytes.length).toBeGreaterThanOrEqual(4)
      expect(SEARCHED).toContain(buffer)
    },
  )

  it('have messages that tell them apart', () => {
    const messages = rules.map((rule) => rule.msg)
    expect(new Set(messages).size).toBe(messages.length)
  })
})
