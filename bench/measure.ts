/**
 * Runs whole commands and reads the CPU time they used.
 *
 * In: a command line. Out: seconds of CPU (user + system), the same in a shell's `time`. Called by the benchmarks that
 * compare programs; timing whole processes treats both alike, whatever language they are written in.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'

export interface Command {
  readonly name: string
  readonly argv: readonly string[]
}

/**
 * CPU seconds of one run. Output is thrown away.
 * @throws Error when the command cannot be run or fails.
 */
export function cpuSeconds(command: Command): number {
  const script = 'TIMEFORMAT="weir-cpu %3U %3S"; time "$@" >/dev/null 2>&1'
  const result = spawnSync('bash', ['-c', script, 'bash', ...command.argv], { encoding: 'utf8' })
  const times = /weir-cpu ([\d.]+) ([\d.]+)/.exec(result.stderr)
  if (result.status !== 0 || times === null) {
    throw new Error(`${command.name} failed (exit ${result.status}): ${command.argv.join(' ')}`)
  }
  return Number(times[1]) + Number(times[2])
}

export function isInstalled(program: string): boolean {
  return spawnSync('bash', ['-c', `command -v ${program}`]).status === 0
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const FILE_HEADER = 24
const RECORD_HEADER = 16
const CAPTURED_LENGTH = 8
const HEAD_BYTES = 1 << 20

/** Copies the first `packets` packets of a little-endian pcap file, for measuring start-up on its own. */
export function copyHead(capture: string, packets: number, target: string): void {
  const bytes = Buffer.alloc(HEAD_BYTES)
  const file = openSync(capture, 'r')
  const size = readSync(file, bytes, 0, HEAD_BYTES, 0)
  closeSync(file)
  let end = FILE_HEADER
  for (let i = 0; i < packets && end + RECORD_HEADER <= size; i++) {
    const next = end + RECORD_HEADER + bytes.readUInt32LE(end + CAPTURED_LENGTH)
    if (next > size) break
    end = next
  }
  writeFileSync(target, bytes.subarray(0, end))
}

/** Seconds between the end of a capture and its repetition: longer than any connection is kept open. */
const PAUSE = 100_000

/**
 * Writes a little-endian pcap file twice in a row, the second time later. What the second half costs is free of start-up
 * and, where a program compiles itself while it runs, of that.
 */
export function copyTwice(capture: string, target: string): void {
  const chunk = Buffer.alloc(16 << 20)
  const input = openSync(capture, 'r')
  const output = openSync(target, 'w')
  let first = 0
  let last = 0
  for (const again of [false, true]) {
    let position = again ? FILE_HEADER : 0
    for (;;) {
      const size = readSync(input, chunk, 0, chunk.length, position)
      let at = position === 0 ? FILE_HEADER : 0
      while (at + RECORD_HEADER <= size) {
        const next = at + RECORD_HEADER + chunk.readUInt32LE(at + CAPTURED_LENGTH)
        if (next > size) break
        const seconds = chunk.readUInt32LE(at)
        if (again) chunk.writeUInt32LE(seconds + (last - first) + PAUSE, at)
        else {
          if (first === 0) first = seconds
          last = Math.max(last, seconds)
        }
        at = next
      }
      if (at === 0) break
      writeSync(output, chunk, 0, at)
      position += at
    }
  }
  closeSync(input)
  closeSync(output)
}

/** Number of packets in a little-endian pcap file. */
export function countPackets(capture: string): number {
  const chunk = Buffer.alloc(16 << 20)
  const file = openSync(capture, 'r')
  let packets = 0
  let position = FILE_HEADER
  for (;;) {
    const size = readSync(file, chunk, 0, chunk.length, position)
    let at = 0
    while (at + RECORD_HEADER <= size) {
      const next = at + RECORD_HEADER + chunk.readUInt32LE(at + CAPTURED_LENGTH)
      if (next > size) break
      packets++
      at = next
    }
    if (at === 0) break
    position += at
  }
  closeSync(file)
  return packets
}
