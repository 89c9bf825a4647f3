/** Actions, protocols, addresses, ports, direction, variables. */
import { describe, expect, it } from 'vitest'
import {
  formatNetwork,
  formatPorts,
  formatRule,
  type IpSet,
  type PortSet,
  Variables,
} from '../../src/rules/index.js'
import { load, one, problemOf } from './support.js'

function addresses(text: string, variables = new Variables()): IpSet {
  return variables.addresses(text, 0)
}

function shown(set: IpSet): string {
  if (set.any) return 'any'
  return [...set.include.map(formatNetwork), ...set.exclude.map((n) => `!${formatNetwork(n)}`)].join(' ')
}

function ports(text: string, variables = new Variables()): PortSet {
  return variables.ports(text, 0)
}

describe('header', () => {
  it.each(['alert', 'log', 'pass', 'drop', 'block', 'reject', 'sdrop'])('action %s', (action) => {
    expect(one(`${action} tcp any any -> any any (sid:1;)`).header.action).toBe(action)
  })

  it.each(['react', 'rewrite'])('action %s is Snort 3', (action) => {
    expect(one(`${action} tcp any any -> any any (sid:1;)`, 'snort3').header.action).toBe(action)
  })

  it.each(['activate', 'dynamic'])('action %s is not evaluated', (action) => {
    const loaded = load(`${action} tcp any any -> any any (sid:1;)`)
    expect(loaded.problems).toMatchObject([
      { kind: 'unsupported', reason: `action not evaluated: ${action}` },
    ])
  })

  it('keeps both sides and the direction', () => {
    const { header } = one('alert udp 10.0.0.1 1024: <> [10.0.0.0/8, !10.0.0.1] [53, 5353] (sid:1;)')
    expect(header).toMatchObject({ protocol: 'udp', bidirectional: true })
    expect(shown(header.source)).toBe('10.0.0.1')
    expect(formatPorts(header.sourcePorts)).toBe('1024:65535')
    expect(shown(header.destination)).toBe('10.0.0.0/8 !10.0.0.1')
    expect(formatPorts(header.destinationPorts)).toBe('[53,5353]')
  })

  it('reads tabs and several blanks', () => {
    expect(one('alert\ttcp  any any\t->  any 80(sid:1;)').header.destinationPorts.ranges).toEqual([[80, 80]])
  })

  it('ports of icmp and ip rules are read and ignored', () => {
    expect(one('alert icmp any 1 -> any 2 (sid:1;)').header.destinationPorts.any).toBe(true)
    expect(problemOf('alert ip any x -> any any (sid:1;)')).toContain('is not a port')
  })

  it.each([
    ['alrt tcp any any -> any any (sid:1;)', "1:1 unknown rule action 'alrt'; did you mean 'alert'?"],
    ['rules/web.rules', "1:1 unknown rule action 'rules/web.rules'; to read a file write: include <file>"],
    ['alert tpc any any -> any any (sid:1;)', "1:7 unknown protocol 'tpc'; did you mean 'tcp'?"],
    [
      'alert http any any -> any any (sid:1;)',
      "1:7 unknown protocol 'http'; a service in its place is Snort 3 text",
    ],
    ['alert tcp any any <- any any (sid:1;)', "1:19 '<-' is not a direction; swap the sides and write '->'"],
    ['alert tcp any any any any (sid:1;)', "1:23 the header has no '->' or '<>'"],
    ['alert tcp any -> any any (sid:1;)', '1:15 a port is missing here'],
    ['alert tcp -> any any (sid:1;)', '1:11 an address and a port are missing here'],
    ['alert tcp any any -> any (sid:1;)', '1:26 a port is missing here'],
    ['alert tcp any any 9 -> any any (sid:1;)', "1:19 unexpected '9'"],
    ['alert tcp any any -> any any any (sid:1;)', "1:30 unexpected 'any'"],
    ['alert tcp (sid:1;)', '1:11 addresses, ports and direction are missing'],
    ['alert tcp any any -> any any', "1:29 the rule has no options in '(' … ')'"],
    ['alert tcp any any -> any any (sid:1;', "1:37 the rule is not closed by ')'"],
    ['alert tcp any any -> any any (sid:1;) x', "1:39 unexpected text after ')'"],
    ['alert tcp any any -> 1.2.3.256 any (sid:1;)', "1:22 '1.2.3.256' is not an IP address or network"],
    ['alert tcp [10.0.0.1,10.0.0] any -> any any (sid:1;)', "1:21 '10.0.0' is not an IP address or network"],
    ['alert tcp any [80,99999] -> any any (sid:1;)', '1:19 port 99999 is greater than 65535'],
    ['alert tcp any any -> $NOPE any (sid:1;)', '1:22 variable $NOPE is not defined'],
    ['alert tcp any any -> any $NOPE_PORTS (sid:1;)', '1:26 variable $NOPE_PORTS is not defined'],
    ['alert tcp !any any -> any any (sid:1;)', "1:12 '!any' matches nothing and is not allowed"],
  ])('%s', (text, expected) => {
    expect(problemOf(text)).toBe(expected)
  })

  it('without protocol switches on an engine event, and says when there is no such event', () => {
    const known = load('drop ( msg:"double decoding"; gid:119; sid:2; )')
    expect(known.problems).toEqual([])
    expect(known.rules).toMatchObject([{ gid: 119, sid: 2, options: [{ kind: 'engine_event' }] }])
    const unknown = load('alert ( msg:"decoder"; gid:138; sid:48; )')
    expect(unknown.problems).toMatchObject([{ severity: 'warning', sid: 48 }])
    expect(unknown.rules).toHaveLength(1)
  })

  it.each(['alert ( msg:"x"; sid:5; )', 'alert ( msg:"x"; content:"y"; gid:119; sid:2; )'])(
    'may only be left out for that: %s',
    (text) => {
      expect(load(text).problems).toMatchObject([{ severity: 'error', kind: 'syntax' }])
    },
  )
})

describe('Snort 3 headers', () => {
  it('may leave out addresses and ports', () => {
    expect(one('alert tcp (sid:1;)', 'snort3').header).toMatchObject({
      protocol: 'tcp',
      source: { any: true },
      destinationPorts: { any: true },
    })
    expect(one('alert tcp any -> any 8 (sid:1;)', 'snort3').header.destinationPorts.ranges).toEqual([[8, 8]])
    expect(one('alert udp any <> 10.0.0.1 (sid:1;)', 'snort3').header.bidirectional).toBe(true)
  })

  it('may name a service', () => {
    const http = one('alert http (sid:1;)', 'snort3')
    expect([http.header.protocol, http.services]).toEqual(['tcp', ['http']])
    const sip = one('alert sip any any -> any any (sid:1;)', 'snort3')
    expect([sip.header.protocol, sip.services]).toEqual(['udp', ['sip']])
    expect(one('alert http (service:http; sid:1;)', 'snort3').services).toEqual(['http'])
  })

  it('may say file, which is every service that carries files', () => {
    const file = one('alert file (file_data; content:"x"; sid:1;)', 'snort3')
    expect(file.header).toMatchObject({ protocol: 'tcp', serviceOnly: true })
    expect(file.services).toEqual([
      'file',
      'http',
      'http2',
      'smtp',
      'imap',
      'pop3',
      'ftp-data',
      'netbios-ssn',
    ])
    expect(one(formatRule(file), 'snort3').services).toEqual(file.services)
    expect(problemOf('alert file (content:"x"; sid:1;)', 'snort3')).toContain("with 'file_data' only")
  })
})

describe('addresses', () => {
  it.each([
    ['any', 'any'],
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/255.255.0.0', '10.1.0.0/16'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['!10.0.0.0/8', '!10.0.0.0/8'],
    ['!!10.0.0.0/8', '10.0.0.0/8'],
    ['[10.0.0.1,10.0.0.2]', '10.0.0.1 10.0.0.2'],
    ['[ 10.0.0.1 , 10.0.0.2 ]', '10.0.0.1 10.0.0.2'],
    ['![10.0.0.1,10.0.0.2]', '!10.0.0.1 !10.0.0.2'],
    ['[10.0.0.0/8,!10.0.0.1]', '10.0.0.0/8 !10.0.0.1'],
    ['[10.0.0.0/8,![10.0.0.1,!10.0.0.2]]', '10.0.0.0/8 10.0.0.2 !10.0.0.1'],
    ['[any,!10.0.0.1]', '!10.0.0.1'],
    ['[10.0.0.1,any]', 'any'],
    ['[10.0.0.1,10.0.0.1]', '10.0.0.1'],
    ['2001:db8::1', '2001:db8:0:0:0:0:0:1'],
    ['2001:db8::/32', '2001:db8:0:0:0:0:0:0/32'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['$HOME_NET', 'any'],
  ])('%s', (text, expected) => {
    expect(shown(addresses(text))).toBe(expected)
  })

  it.each([
    ['1.2.3', 'not an IP address'],
    ['1.2.3.4.5', 'not an IP address'],
    ['1.2.3.4/33', 'not an IP address'],
    ['1.2.3.4/255.0.255.0', 'not an IP address'],
    ['2001:db8::/129', 'not an IP address'],
    ['1:2:3', 'not an IP address'],
    ['1::2::3', 'not an IP address'],
    ['1:2:3:4:5:6:7:8:9', 'not an IP address'],
    ['12345::', 'not an IP address'],
    ['example.com', 'not an IP address'],
    ['[10.0.0.1', "not closed by ']'"],
    ['[10.0.0.1]x', "unexpected 'x'"],
    ['[]', 'an address is missing'],
    ['[10.0.0.1,]', 'an address is missing'],
    ['!', 'an address is missing'],
    ['!any', "'!any' matches nothing"],
    ['[10.0.0.0/8,!any]', "'!any' matches nothing"],
    ['!$HOME_NET', "'!any' matches nothing"],
    ['[10.1.0.0/16,!10.0.0.0/8]', 'a negated member of the list covers it'],
    ['[10.0.0.1,!10.0.0.1]', 'a negated member of the list covers it'],
    [`${'['.repeat(40)}10.0.0.1${']'.repeat(40)}`, 'nest deeper than 32'],
  ])('%s: %s', (text, message) => {
    expect(() => addresses(text)).toThrow(message)
  })

  it('long lists take linear time', () => {
    const list = Array.from(
      { length: 20_000 },
      (_, i) => `10.${i >> 8}.${i & 255}.${i % 2 === 0 ? '1' : '0/24'}`,
    )
    const text = `[${list.map((item, i) => (i % 2 === 0 ? item : `!${item}`)).join(',')}]`
    const set = addresses(text)
    expect(set.include.length).toBe(10_000)
    expect(set.exclude.length).toBe(10_000)
  })
})

describe('ports', () => {
  it.each([
    ['any', 'any'],
    ['80', '80'],
    ['1:3', '1:3'],
    ['1024:', '1024:65535'],
    [':1023', '0:1023'],
    ['0:65535', 'any'],
    ['!80', '[0:79,81:65535]'],
    ['!!80', '80'],
    ['!1:3', '[0,4:65535]'],
    ['[80,8080]', '[80,8080]'],
    ['[ 80 , 8080 ]', '[80,8080]'],
    ['[80,81,82]', '80:82'],
    ['[1:10,5:20]', '1:20'],
    ['[8000:8010,!8005]', '[8000:8004,8006:8010]'],
    ['![80,443]', '[0:79,81:442,444:65535]'],
    ['[!80,!443]', '[0:79,81:442,444:65535]'],
    ['[80,[81,[82]]]', '80:82'],
    ['[1:100,![10,20:30]]', '[1:9,11:19,31:100]'],
    ['[any,!80]', '[0:79,81:65535]'],
    ['$SHELLCODE_PORTS', '[0:79,81:65535]'],
    ['[$FTP_PORTS,22]', '[21:22,2100,3535]'],
    ['!$SSH_PORTS', '[0:21,23:65535]'],
    ['$ORACLE_PORTS', '1024:65535'],
  ])('%s', (text, expected) => {
    expect(formatPorts(ports(text))).toBe(expected)
  })

  it('HTTP_PORTS and FILE_DATA_PORTS have their stock values', () => {
    expect(ports('$HTTP_PORTS').ranges).toContainEqual([8080, 8080])
    expect(ports('$FILE_DATA_PORTS').ranges).toContainEqual([110, 110])
    expect(ports('$FILE_DATA_PORTS').ranges).toContainEqual([80, 81])
  })

  it.each([
    ['x', 'is not a port'],
    ['80-90', 'is not a port'],
    ['1:2:3', 'is not a port'],
    [':', 'is not a port'],
    ['-1', 'is not a port'],
    ['90:80', 'runs backwards'],
    ['65536', 'greater than 65535'],
    ['!any', "'!any' matches nothing"],
    ['[80,!any]', "'!any' matches nothing"],
    ['[80,!80]', 'exclude each other'],
    ['[80', "not closed by ']'"],
    ['[80]9', "unexpected '9'"],
    ['[80,,81]', 'a port is missing'],
    ['', 'a port is missing'],
  ])('%s: %s', (text, message) => {
    expect(() => ports(text)).toThrow(message)
  })
})

describe('variables', () => {
  it('nest, also negated', () => {
    const variables = new Variables({ A: '10.0.0.0/8', B: '[$A,!10.9.0.0/16]', P: '[80,81]' })
    expect(shown(addresses('$B', variables))).toBe('10.0.0.0/8 !10.9.0.0/16')
    expect(shown(addresses('[192.0.2.0/24,!$A]', variables))).toBe('192.0.2.0/24 !10.0.0.0/8')
    expect(formatPorts(ports('[$P,443]', variables))).toBe('[80:81,443]')
  })

  it('have Snort defaults and forms', () => {
    const variables = new Variables({ A: '10.0.0.1' })
    expect(shown(addresses('$(A)', variables))).toBe('10.0.0.1')
    expect(shown(addresses('$(B:-10.0.0.2)', variables))).toBe('10.0.0.2')
    expect(() => addresses('$(B:?set-it)', variables)).toThrow('set-it')
    expect(variables.substitute('$A/x/$(B:-y)', 0)).toBe('10.0.0.1/x/y')
  })

  it('that are wrong are named with their value', () => {
    const variables = new Variables({ A: '[10.0.0.1,nope]' })
    expect(() => addresses('$A', variables)).toThrow("in $A ('[10.0.0.1,nope]'): 'nope' is not an IP address")
  })

  it('that refer to each other are an error', () => {
    const variables = new Variables({ A: '$B', B: '$C', C: '[10.0.0.1,$A]' })
    expect(() => addresses('$A', variables)).toThrow('$A → $B → $C → $A')
    expect(() => variables.substitute('$A', 0)).toThrow('refer to each other')
  })

  it('that double each other thirty times do not blow up', () => {
    const doubled = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`V${i}`, i === 0 ? '80' : `[$V${i - 1},$V${i - 1}]`]),
    )
    expect(formatPorts(ports('$V29', new Variables(doubled)))).toBe('80')
    const texts = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`V${i}`, i === 0 ? '' : `$V${i - 1}$V${i - 1}`]),
    )
    expect(new Variables(texts).substitute('$V29', 0)).toBe('')
    expect(() => new Variables({ ...texts, V0: 'x' }).substitute('$V29', 0)).toThrow(
      'more than 4096 characters',
    )
  })

  it('may be pinned against later definitions', () => {
    const variables = new Variables()
    variables.pin('HOME_NET', '10.0.0.0/8')
    variables.define('HOME_NET', '192.0.2.0/24')
    expect(shown(addresses('$HTTP_SERVERS', variables))).toBe('10.0.0.0/8')
  })

  it('defined in a rule file count from there on', () => {
    const loaded = load(
      [
        'alert tcp any any -> any $MINE (sid:1;)',
        'portvar MINE [80,81]',
        'ipvar NET 10.0.0.0/8',
        'var OTHER $NET',
        'alert tcp $OTHER any -> any $MINE (sid:2;)',
        'portvar MINE 99',
        'alert tcp any any -> any $MINE (sid:3;)',
      ].join('\n'),
    )
    expect(loaded.problems.map((p) => p.reason)).toEqual(['undefined variable $MINE'])
    expect(loaded.rules.map((rule) => formatPorts(rule.header.destinationPorts))).toEqual(['80:81', '99'])
    expect(shown(loaded.rules[0]!.header.source)).toBe('10.0.0.0/8')
  })

  it('that are no list of their kind are refused where they stand', () => {
    expect(problemOf('portvar MINE 80,x')).toContain('unexpected')
    expect(problemOf('ipvar NET nope')).toBe("1:11 'nope' is not an IP address or network")
    expect(problemOf('ipvar NET')).toContain('needs a name and a value')
  })

  it('equal headers share one object', () => {
    const { rules } = load(
      ['1', '2'].map((sid) => `alert tcp $HOME_NET any -> any 80 (sid:${sid};)`).join('\n'),
    )
    expect(rules[0]!.header).toBe(rules[1]!.header)
  })
})
