/**
 * The TypeScript in the documentation: all of it compiles, and whatever is a whole program (it imports something) is run on
 * the bundled capture. A program prints what the text block after it says; a last line `…` there stands for any further ones.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as weir from '@weir/stack'
import ts from 'typescript'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'

const root = fileURLToPath(new URL('../', import.meta.url))
const capture = join(root, 'signatures/demo.pcap')
const pages = [
  'README.md',
  'stack/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

interface Block {
  readonly name: string
  readonly code: string
  readonly whole: boolean
  /** What it prints, if the page says so. */
  readonly output: string | undefined
}

const FENCE = /^```(\w+)\n(.*?)^```$\s*(?:^```text\n(.*?)^```$)?/gms

function blocks(page: string): Block[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(FENCE)]
    .filter(([, language]) => language === 'ts')
    .map(({ index, 2: code = '', 3: output }) => {
      const line = text.slice(0, index).split('\n').length
      return { name: `${page}:${line}`, code, whole: /^import /m.test(code), output }
    })
}

const all = pages.flatMap(blocks)

/** Parts of programs may use what every program has: the stack's exports, and these. */
const PRELUDE = `import * as weir from '@weir/stack'
import { ${Object.keys(weir).join(', ')} } from '@weir/stack'
import type { Flow, NewData, Stack, StreamSocket } from '@weir/stack'
declare const stack: Stack
declare const socket: StreamSocket<any>
declare const flow: Flow<any>
declare const packet: Packet
{
`

/** What the compiler says about the blocks, one line per complaint. */
function complaints(): string[] {
  const files = new Map<string, string>()
  all.forEach(({ code, whole }, i) => {
    files.set(join(root, `docs/block-${i}.ts`), whole ? code : `${PRELUDE}${code}}\n`)
  })
  const config = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile).config.compilerOptions
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config, composite: false, declaration: false, declarationMap: false, noEmit: true },
    root,
  )
  options.paths = { '@weir/stack': [join(root, 'stack/src/index.ts')] }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.getSourceFile = (name, target) => {
    const text = files.get(name)
    return text === undefined ? getSourceFile(name, target) : ts.createSourceFile(name, text, target)
  }
  host.fileExists = (name) => files.has(name) || fileExists(name)
  const program = ts.createProgram([...files.keys()], options, host)
  return [...files.keys()].flatMap((name, i) => {
    const file = program.getSourceFile(name)!
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    return found.map(
      ({ messageText }) => `${all[i]!.name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    )
  })
}

const folder = mkdtempSync(join(tmpdir(), 'weir-docs-'))
const argv = process.argv
afterEach(() => {
  process.argv = argv
  vi.restoreAllMocks()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What the program prints, given the bundled capture. */
async function run({ code }: Block, number: number): Promise<string> {
  const path = join(folder, `program-${number}.ts`)
  writeFileSync(path, code.replaceAll("'capture.pcap'", JSON.stringify(capture)))
  process.argv = [argv[0]!, path, capture]
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => {
    lines.push(words.join(' '))
  })
  await import(/* @vite-ignore */ path)
  return lines.map((line) => `${line}\n`).join('')
}

/** The same for a program with threads, which need plain JavaScript and find `@weir/stack` as it was built. */
function runThreads({ code }: Block): string {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const place = mkdtempSync(join(cache, 'weir-docs-'))
  try {
    const path = join(place, 'program.mjs')
    const { ESNext } = ts.ModuleKind
    writeFileSync(path, ts.transpile(code, { module: ESNext, target: ts.ScriptTarget.ES2022 }))
    const { stdout, stderr } = spawnSync(process.execPath, [path, capture], { encoding: 'utf8' })
    expect(stderr).toBe('')
    return stdout
  } finally {
    rmSync(place, { recursive: true })
  }
}

describe('the documentation', () => {
  it('has programs that compile', () => {
    expect(complaints()).toEqual([])
  })

  const programs = all.filter(({ whole }) => whole)
  for (const [i, block] of programs.entries()) {
    const cannot = /\bfilter:/.test(block.code) && weir.bpfUnavailable() !== ''
    it.skipIf(cannot)(`${block.name} runs`, async () => {
      const printed = block.code.includes('createWorkerPool') ? runThreads(block) : await run(block, i)
      const { output } = block
      if (output === undefined) return
      if (!output.endsWith('…\n')) return expect(printed).toBe(output)
      const beginning = output.slice(0, -2)
      expect(printed.slice(0, beginning.length)).toBe(beginning)
    })
  }

  it('has a program at the beginning of each guide', () => {
    for (const page of pages.filter((name) => !/README|cli/.test(name))) {
      expect(blocks(page)[0]?.whole, page).toBe(true)
    }
  })
})
