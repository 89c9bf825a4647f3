/** tcpdump as the judge of filters. */
import { spawnSync } from 'node:child_process'
import { pcapPackets } from '../../../test/support/pcap.js'

export const hasTcpdump = spawnSync('tcpdump', ['--version']).status === 0

/**
 * Numbers of the packets in `capture` that tcpdump lets through, or its complaint. Packet number i must have the time i
 * seconds.
 */
export function tcpdumpMatches(capture: string, expression: string): readonly number[] | string {
  const result = spawnSync('tcpdump', ['-n', '-r', capture, '-w', '-', expression], { maxBuffer: 1 << 28 })
  if (result.status !== 0) return result.stderr.toString()
  return pcapPackets(result.stdout).map((packet) => packet.seconds)
}
