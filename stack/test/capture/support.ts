import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type FrameSink, openCapture, type RunOptions } from '../../src/capture/index.js'

export interface Frame {
  readonly bytes: string
  readonly wireLength: number
  readonly seconds: number
  readonly nanoseconds: number
  readonly linkType: number
  readonly interfaceIndex: number
}

/** A sink that keeps copies of what it is given. */
export class Collector implements FrameSink {
  readonly frames: Frame[] = []
  frame(
    buffer: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    seconds: number,
    nanoseconds: number,
    linkType: number,
    interfaceIndex: number,
  ): void {
    const bytes = Buffer.from(buffer.subarray(offset, offset + capturedLength)).toString('latin1')
    this.frames.push({ bytes, wireLength, seconds, nanoseconds, linkType, interfaceIndex })
  }
}

export interface ReadResult {
  readonly frames: Frame[]
  readonly error: unknown
}

/** Reads a whole capture; the error, if any, is part of the result. */
export async function read(path: string, chunkSize?: number, options?: RunOptions): Promise<ReadResult> {
  const sink = new Collector()
  try {
    await openCapture(path, chunkSize === undefined ? {} : { chunkSize }).run(sink, options)
    return { frames: sink.frames, error: undefined }
  } catch (error) {
    return { frames: sink.frames, error }
  }
}

/** Number of packets of a classic pcap file in native or swapped byte order, counted without the reader under test. */
export function countPcapRecords(path: string): number {
  const file = readFileSync(path)
  const little = file[0] === 0xd4 || file[0] === 0x4d
  let count = 0
  for (let at = 24; at + 16 <= file.length; count++) {
    const captured = little ? file.readUInt32LE(at + 8) : file.readUInt32BE(at + 8)
    at += 16 + captured
    if (at > file.length) break
  }
  return count
}

/**
 * Runs a script in a process of its own (standard input and live capture need one) with `openCapture`, `openLive` and
 * `print` in scope; gives what it prints, as JSON.
 */
export function runInChild(
  script: string,
  input: readonly Uint8Array[] = [],
  keepInputOpen = false,
): Promise<string> {
  const root = new URL('../../../', import.meta.url)
  const whole = `
    const { createServer } = await import('vite')
    const server = await createServer({ configFile: false, root: ${JSON.stringify(root.pathname)}, logLevel: 'silent',
      server: { middlewareMode: true, watch: null }, optimizeDeps: { noDiscovery: true } })
    const { openCapture, openLive } = await server.ssrLoadModule('/stack/src/capture/index.ts')
    const print = (value) => console.log(JSON.stringify(value))
    ${script}
    await server.close()
    process.exit(0)`
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', whole], { cwd: root, stdio: 'pipe' })
    let output = ''
    let errors = ''
    child.stdout.on('data', (text) => {
      output += text
    })
    child.stderr.on('data', (text) => {
      errors += text
    })
    child.on('close', () => (output === '' ? reject(new Error(errors)) : resolve(output)))
    for (const piece of input) child.stdin.write(piece)
    if (!keepInputOpen) child.stdin.end()
  })
}
