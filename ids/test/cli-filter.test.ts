import { bpfUnavailable, compileBpf, formatProgram } from '@weir/stack'
import { describe, expect, it } from 'vitest'
import { conversation, type TestPacket } from '../../test/support/conversation.js'
import { pcapBytes } from '../../test/support/pcap.js'
import { lines, runCli, temporaryDirectory } from './cli-support.js'

const directory = temporaryDirectory()
const RULE = 'alert tcp any any -> any any (msg:"probe"; content:"/attack"; sid:1000;)'

const connection = (port: number, start: number): TestPacket[] =>
  conversation({ clientPort: port, serverPort: 80, start })
    .handshake()
    .client('GET /attack HTTP/1.1\r\nHost: a\r\n\r\n')
    .server('HTTP/1.1 204 No Content\r\n\r\n')
    .close()
    .packets()

const capture = (): string => {
  const packets = [1001, 1002, 1003].flatMap((port, i) => connection(port, 1_700_000_000 + i))
  return directory.file('three.pcap', pcapBytes(packets))
}

const alerts = async (
  ...flags: readonly string[]
): Promise<readonly { readonly pkt_num: number; readonly src_port: number }[]> => {
  const { code, stdout } = await runCli(['-q', '--rule', RULE, '-A', 'json', ...flags])
  expect(code).toBe(0)
  return lines(stdout).map((line) => JSON.parse(line))
}

describe.skipIf(bpfUnavailable() !== '')('--bpf on captures', () => {
  it('inspects only packets that match, under their numbers in the capture', async () => {
    const file = capture()
    const all = await alerts('-r', file)
    expect(all.map((alert) => alert.src_port)).toEqual([1001, 1002, 1003])
    expect(await alerts('-r', file, '--bpf', 'port 1002')).toEqual([all[1]])
    expect(await alerts('-r', file, '--bpf', 'not (port 1002 or port 1003)')).toEqual([all[0]])
    expect(await alerts('-r', file, '--bpf', 'udp')).toEqual([])
  })

  it('counts matching packets with -n', async () => {
    const file = capture()
    expect(await alerts('-r', file, '--bpf', 'port 1003', '-n', '30')).toHaveLength(1)
    expect(await alerts('-r', file, '--bpf', 'port 1003', '-n', '3')).toHaveLength(0)
  })

  it('takes what tcpdump -ddd prints', async () => {
    const program = formatProgram(compileBpf('port 1002', 1).words)
    expect(await alerts('-r', capture(), '--bpf', program)).toHaveLength(1)
  })

  it('is refused, before anything is read, when it is wrong', async () => {
    for (const command of [['--rule', RULE], ['flows']]) {
      const { code, stderr } = await runCli([...command, '-r', capture(), '--bpf', 'prt 80'])
      expect(code).toBe(2)
      expect(stderr).toContain("--bpf: filter 'prt 80': can't parse filter expression")
    }
  })

  it('is reported for a capture it makes no sense for', async () => {
    const raw = directory.file(
      'raw.pcap',
      pcapBytes(
        connection(1001, 1_700_000_000).map((packet) => ({ ...packet, frame: packet.frame.subarray(14) })),
        { linkType: 101 },
      ),
    )
    expect(await alerts('-r', raw, '--bpf', 'port 1001')).toHaveLength(1)
    const { code, stderr } = await runCli(['-q', '--rule', RULE, '-r', raw, '--bpf', 'vlan 1'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/raw\.pcap: --bpf: filter 'vlan 1': no VLAN support for Raw IP/)
  })

  it('chooses the packets that weir flows lists', async () => {
    const { stdout } = await runCli(['flows', '-q', '--json', '-r', capture(), '--bpf', 'port 1002'])
    expect(lines(stdout)).toHaveLength(1)
  })
})
