/** `preprocessor stream5_tcp` and `frag3_engine` of snort.conf: what they make of the stack, and what they report. */
import { createStack, type TcpPolicy } from '@weir/stack'
import { describe, expect, it } from 'vitest'
import { loadRules, Variables } from 'weir'
import { newStreamSettings, stackOptionsOf } from '../src/config/index.js'
import { takePreprocessor } from '../src/config/stream.js'

/** The stack's options for the lines, and the problems of the load. */
function read(...lines: string[]) {
  const settings = newStreamSettings()
  const variables = new Variables()
  const { problems } = loadRules({
    files: [{ path: 'snort.conf', text: `ipvar SERVERS [10.1.0.0/16,192.0.2.7]\n${lines.join('\n')}\n` }],
    variables,
    directive: (directive) => takePreprocessor(directive, settings, variables),
  })
  const options = stackOptionsOf(settings)
  // They are options a stack takes.
  createStack({ ...options, maxFlows: 16 })
  return { ...options, problems: problems.map(({ severity, message }) => `${severity}: ${message}`) }
}

describe('stream5_tcp', () => {
  it('is bsd when nothing is said, as in Snort', () => {
    expect(read().tcp?.policy).toBe('bsd')
    expect(read('preprocessor stream5_tcp').tcp?.policy).toBe('bsd')
  })

  it.each([
    ['linux', 'linux'],
    ['old-linux', 'old-linux'],
    ['old_linux', 'old-linux'],
    ['win2003', 'win2003'],
    ['win2k3', 'win2003'],
    ['hpux', 'hpux11'],
    ['hpux10', 'hpux10'],
    ['macos', 'macos'],
    ['Vista', 'vista'],
  ] as const)('policy %s', (name, policy: TcpPolicy) => {
    expect(read(`preprocessor stream5_tcp: policy ${name}`).tcp?.policy).toBe(policy)
  })

  it('binds policies to networks, lists of them and variables', () => {
    const { tcp, problems } = read(
      'preprocessor stream5_tcp: policy windows',
      'preprocessor stream5_tcp: bind_to 10.0.0.0/8, policy linux',
      'preprocessor stream5_tcp: policy first, bind_to [2001:db8::/32,172.16.0.1]',
      'preprocessor stream5_tcp: bind_to $SERVERS, policy solaris',
    )
    expect(problems).toEqual([])
    expect(tcp?.policy).toBe('windows')
    expect(tcp?.targets).toEqual([
      { network: '10.0.0.0/8', policy: 'linux' },
      { network: '2001:db8:0:0:0:0:0:0/32', policy: 'first' },
      { network: '172.16.0.1', policy: 'first' },
      { network: '10.1.0.0/16', policy: 'solaris' },
      { network: '192.0.2.7', policy: 'solaris' },
    ])
  })

  it('sets the limits, and says what of the line means nothing here', () => {
    const { tcp, outOfOrder, timeouts, problems } = read(
      'preprocessor stream5_tcp: policy windows, detect_anomalies, require_3whs 180, overlap_limit 10, \\',
      '  small_segments 3 bytes 150, timeout 190, max_window 100000, max_queued_bytes 5000, max_queued_segs 7, \\',
      '  ports client 21 22 23, ports both 80 443',
    )
    expect(problems).toEqual(['warning: stream5_tcp: not used: detect_anomalies, require_3whs, ports'])
    expect(tcp).toEqual({
      policy: 'windows',
      targets: [],
      timestamps: 'check',
      doubtful: 'wait',
      maxWindow: 100_000,
      overlapLimit: 10,
      smallSegments: { count: 3, bytes: 150 },
    })
    expect([outOfOrder, timeouts]).toEqual([
      { acrossSides: true, sideBytes: 5000, sideSegments: 7 },
      { established: 190 },
    ])
    expect(problems).toEqual(['warning: stream5_tcp: not used: detect_anomalies, require_3whs, ports'])
  })

  it.each([
    ['policy os2', "no policy 'os2'"],
    ['timeout soon', 'timeout cannot be soon'],
    ['overlap_limit 256', 'overlap_limit cannot be 256'],
    ['small_segments many', "small_segments takes 'COUNT bytes SIZE'"],
    ['policy bsd, policy linux', 'policy given twice'],
    ['bind_to [10.0.0.0/8,!10.1.0.0/16], policy bsd', 'bind_to takes no exceptions'],
  ])('reports "%s"', (settings, message) => {
    expect(read(`preprocessor stream5_tcp: ${settings}`).problems.join()).toContain(message)
  })
})

describe('frag3_engine', () => {
  it('sets policies of networks and the timeout', () => {
    const { defrag, problems } = read(
      'preprocessor frag3_engine: policy windows detect_anomalies overlap_limit 10 timeout 180',
      'preprocessor frag3_engine: policy bsd-right bind_to [10.2.0.0/16,10.1.0.0/16]',
    )
    expect(defrag).toEqual({
      policy: 'windows',
      timeout: 180,
      overlapLimit: 10,
      targets: [
        { network: '10.2.0.0/16', policy: 'bsd-right' },
        { network: '10.1.0.0/16', policy: 'bsd-right' },
      ],
    })
    expect(problems).toEqual(['warning: frag3_engine: not used: detect_anomalies'])
  })
})

it('other preprocessors are not taken', () => {
  expect(read('preprocessor http_inspect: global').problems).toEqual([
    "warning: 'preprocessor http_inspect' is not used",
  ])
})
