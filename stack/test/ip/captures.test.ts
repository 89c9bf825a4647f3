/** Real tunnels and fragments: the innermost packets of captures, as other decoders see them. */
import { describe, expect, it } from 'vitest'
import { sharedPath } from '../../../test/support/shared.js'
import { createStack, ON_PKT_IN, openCapture, type Packet, TUNNEL_NAME } from '../../src/index.js'

/** `tunnel depth source destination protocol` of the packets, each once, in order of appearance. */
async function packetsOf(path: string): Promise<string[]> {
  const stack = createStack({ seed: 1, maxFlows: 10_000, midstream: true })
  const lines = new Set<string>()
  const note = (p: Packet): void => {
    if (p.isFragment) return
    const tunnel = TUNNEL_NAME[p.tunnel]
    lines.add(`${tunnel} ${p.tunnelDepth} ${p.address(0)} ${p.address(1)} ${p.protocol}`)
  }
  stack.monitorRaw().on(ON_PKT_IN, note)
  stack.monitorStream().on(ON_PKT_IN, (_flow, packet) => note(packet))
  await openCapture(path).run(stack)
  stack.finish()
  return [...lines]
}

const CAPTURES: readonly [string, string][] = [
  ['tunnels/4in4.pcap', 'ip 1 10.0.0.1 10.0.0.2 17'],
  ['tunnels/4in6.pcap', 'ip 1 70.55.213.211 192.88.99.1 6'],
  ['tunnels/6in4.pcap', 'ip 1 dead::beef cafe::babe 17'],
  ['tunnels/6in6in6.pcap', 'ip 2 dead::beef cafe::babe 17'],
  ['tunnels/Teredo.pcap', 'teredo 1 fe80::8000:ffff:ffff:fffd ff02::2 58'],
  ['tunnels/vxlan.pcap', 'vxlan 1 10.0.0.1 10.0.0.2 1'],
  ['tunnels/vxlan-triple-v2.pcap', 'vxlan 3 4.4.4.4 4.4.4.9 17'],
  ['tunnels/geneve.pcap', 'geneve 1 30.0.0.1 30.0.0.2 1'],
  ['tunnels/geneve-many-options.pcap', 'geneve 1 10.0.0.226 95.217.228.176 6'],
  ['tunnels/gre-sample.pcap', 'gre 1 66.59.111.190 172.28.2.3 1'],
  ['tunnels/gre-pptp.pcap', 'gre 2 172.16.44.3 8.8.8.8 17'],
  ['tunnels/gre-within-gre.pcap', 'gre 2 10.10.25.1 192.168.1.2 1'],
  ['tunnels/gre-erspan3-dot1q.pcap', 'erspan 1 172.31.10.31 172.31.10.2 1'],
  ['tunnels/gtp7_ipv6.pcap', 'gtp 1 fe80::224c:4fff:fe43:414c ff02::1:3 17'],
  ['tunnels/gtp1_gn_normal_incl_fragmentation.pcap', 'gtp 1 10.131.47.185 79.101.110.141 6'],
  ['mixed-vlan-mpls.pcap', 'mpls 1 10.1.2.1 10.34.0.1 6'],
  ['pppoe.pcap', 'pppoe 1 fe80::c801:eff:fe88:8 ff02::16 58'],
  ['nflog-http.pcap', 'none 0 10.0.2.15 93.184.216.34 6'],
  ['ipv4/fragmented-4.pcap', 'none 0 128.32.46.142 10.0.0.1 6'],
  ['ipv4/fragmented-syn.pcap', 'none 0 192.168.1.100 10.0.0.5 6'],
]

describe('captures', () => {
  for (const [name, first] of CAPTURES) {
    const path = sharedPath('captures', name)
    it.skipIf(path === undefined)(`${name} holds ${first}`, async () => {
      expect(await packetsOf(path!)).toContain(first)
    })
  }
})
