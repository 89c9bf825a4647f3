import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { pcapBytes, pcapPackets } from '../../test/support/pcap.js'
import { DEMO_ALERTS, demoPackets } from './demo-capture.js'
import { Detection } from './detect.js'
import { DIRECTORY, loadSignatures } from './signatures.js'

const PATH = `${DIRECTORY}demo.pcap`

describe('demo.pcap', () => {
  const packets = demoPackets()
  const bytes = pcapBytes(packets)

  it('is what demo-capture.ts makes (UPDATE_DEMO=1 writes it)', () => {
    if (process.env.UPDATE_DEMO) writeFileSync(PATH, bytes)
    expect(Buffer.compare(readFileSync(PATH), bytes)).toBe(0)
    expect(bytes.length).toBeLessThan(100_000)
  })

  it('lasts about half a minute', () => {
    const seconds = packets.at(-1)!.seconds - packets[0]!.seconds
    expect(seconds).toBeGreaterThanOrEqual(25)
    expect(seconds).toBeLessThanOrEqual(35)
  })

  it('raises exactly the alerts it was made for', () => {
    const detection = new Detection(loadSignatures().rules)
    const counts = new Map<number, number>()
    for (const sid of detection.run(pcapPackets(readFileSync(PATH))))
      counts.set(sid, (counts.get(sid) ?? 0) + 1)
    detection.close()
    expect([...counts]).toEqual(DEMO_ALERTS)
  })
})
