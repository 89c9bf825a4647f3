/** What is wrong in a rule is said at its place, and costs that rule alone. */
import { describe, expect, it } from 'vitest'
import { createEngine } from '../../src/detect/engine.js'
import { createEngines } from '../../src/match/index.js'
import { loadRules } from '../../src/rules/index.js'
import { load } from '../rules/support.js'
import { refused } from './table.js'

const rule = (body: string, protocol = 'tcp'): string => `alert ${protocol} any any -> any any (${body})`

refused('headers', 'both', [
  ['alert tcp any any => any any (sid:1;)', /'=>' is not a direction/, '=>'],
  ['alert tcp any any <- any any (sid:1;)', /swap the sides/, '<-'],
  ['alert tcp any any any any (sid:1;)', /has no '->' or '<>'/],
  ['alert tcp any any -> any any any (sid:1;)', /unexpected 'any'/],
  ['alert tcp [10.0.0.1 any -> any any (sid:1;)', /list is not closed by '\]'/, '[10.0.0.1'],
  ['alert tcp any [80,81 -> any any (sid:1;)', /list is not closed by '\]'/, '[80'],
  ['alert tcp 10.0.0.1] any -> any any (sid:1;)', /unexpected '\]'/, ']'],
  ['alert tcp [] any -> any any (sid:1;)', /an address is missing/],
  ['alert tcp 10.0.0.300 any -> any any (sid:1;)', /not an IP address/, '10.0.0.300'],
  ['alert tcp 10.0.0.0/33 any -> any any (sid:1;)', /not an IP address/, '10.0.0.0/33'],
  ['alert tcp !any any -> any any (sid:1;)', /'!any' matches nothing/, 'any'],
  ['alert tcp !$HOME_NET any -> any any (sid:1;)', /'!any' matches nothing/, '$HOME_NET'],
  ['alert tcp [10.1.0.0/16,!10.0.0.0/8] any -> any any (sid:1;)', /negated member of the list covers it/],
  ['alert tcp $NOWHERE any -> any any (sid:1;)', /variable \$NOWHERE is not defined/, '$NOWHERE'],
  ['alert tcp $HTTP_PORTS any -> any any (sid:1;)', /in \$HTTP_PORTS .*not an IP address/, '$HTTP_PORTS'],
  ['alert tcp any 70000 -> any any (sid:1;)', /greater than 65535/, '70000'],
  ['alert tcp any 90:80 -> any any (sid:1;)', /runs backwards/, '90:80'],
  ['alert tcp any [80,,81] -> any any (sid:1;)', /a port is missing/],
  ['alert tcp any [80,!80] -> any any (sid:1;)', /exclude each other/],
  ['alert tcp any http -> any any (sid:1;)', /not a port/, 'http'],
  ['alert tcp any any -> any any content:"x"; sid:1;)', /unexpected 'content/],
])

refused('headers', '2.9', [
  ['alert tpc any any -> any any (sid:1;)', /did you mean 'tcp'/, 'tpc'],
  ['alert http any any -> any any (sid:1;)', /Snort 3 text/, 'http'],
  ['alert tcp any -> any any (sid:1;)', /a port is missing/, '->'],
  ['alert tcp any any -> any any (sid:1;', /not closed by '\)'/],
  ['alert tcp any any -> any any (sid:1;) more', /unexpected text after '\)'/, 'more'],
])

refused('options as such', 'both', [
  [rule('contnet:"x";'), /unknown option 'contnet'; did you mean 'content'/, 'contnet'],
  [rule('content;'), /'content' needs an argument/, 'content'],
  [rule('sameip:yes;'), /takes no argument/, 'yes'],
  [rule('sid:1; sid:2;'), /only one 'sid'/, 'sid:2'],
  [rule('sid:0;'), /sid must be 1/, '0'],
  [rule('sid:many;'), /sid must be a number/, 'many'],
  [rule('sid:4294967296;'), /sid must be 1/, '4294967296'],
  [rule('gtp_type:1;'), /'gtp_type' is not evaluated/, 'gtp_type'],
  [rule('appids:"HTTP";'), /'appids' is not evaluated/, 'appids'],
])

refused('content', 'both', [
  [rule('content:x;'), /must stand in quotes/, 'x'],
  [rule('content:"";'), /pattern is empty/],
  [rule('content:"|4x|";'), /'x' is not a hex digit/, 'x|'],
  [rule('content:"|41";'), /not closed by '\|'/, '|41'],
  [rule('content:"ab",depth 1;'), /depth 1 is less than the length of the pattern, 2/, '1;'],
  [rule('content:"ab",within 1;'), /within 1 is less than the length/, '1;'],
  [rule('content:"ab",offset 70000;'), /offset must be -65535…65535/, '70000'],
  [rule('content:"ab",offset 1,within 5;'), /within cannot be combined with offset or depth/, '5;'],
  [rule('content:"ab",offset n;'), /no byte_extract or byte_math before this defines 'n'/, 'n;'],
  [rule('content:"ab",offset 1,offset 2;'), /offset is given twice/, '2;'],
  [rule(`content:"${'x'.repeat(2048)}";`), /longer than 2047 bytes/],
])

refused('content', '2.9', [
  [rule('nocase; content:"x";'), /must follow a content/, 'nocase'],
  [rule('content:"|4|";'), /a hex digit is missing/, '|'],
  [rule('content:"x"; http_uri; http_header;'), /already names a buffer/, 'http_header'],
  [rule('content:"ab"; fast_pattern; content:"c"; fast_pattern;'), /only one content/, 'fast_pattern; sid'],
  [rule('content:"ab"; offset:1; fast_pattern:only;'), /'only' is not allowed with offset/, 'fast_pattern'],
  [rule('content:!"ab"; fast_pattern:only;'), /'only' is not allowed for a negated/, 'fast_pattern'],
  [
    rule('content:!"ab"; offset:1; fast_pattern;'),
    /not allowed for a negated content with offset/,
    'fast_pattern',
  ],
  [
    rule('content:"ab"; http_cookie; fast_pattern:only;'),
    /'only' is not allowed for this buffer/,
    'fast_pattern',
  ],
  [rule('content:"abc"; fast_pattern:2,5;'), /2,5 reaches beyond the 3 bytes/, 'fast_pattern'],
  [rule('content:"ab"; depth:0;'), /depth 0 is less than the length/, '0;'],
  [rule('bufferlen:4;'), /'bufferlen' is a Snort 3 option/, 'bufferlen'],
])

refused('content', '3', [
  [rule('content:"x"; nocase;'), /'nocase' is a Snort 2.9 option/, 'nocase'],
  [rule('uricontent:"x";'), /'uricontent' is a Snort 2.9 option/, 'uricontent'],
  [rule('content:"abc",fast_pattern_offset 2,fast_pattern_length 5;'), /reaches beyond/],
  [rule('pcre:"/a/U";'), /flag U is Snort 2.9 text/, 'U'],
])

refused('numbers in the payload', 'both', [
  [rule('byte_test:5,=,1,0;'), /byte count must be 1…4, not 5/, '5,'],
  [rule('byte_test:11,=,1,0,string;'), /byte count must be 1…10/, '11'],
  [rule('byte_test:1,~,1,0;'), /'~' is not an operator/, '~'],
  [rule('byte_test:1,=,1;'), /needs <count>,<operator>,<value>,<offset>/],
  [rule('byte_test:1,=,1,0,hex;'), /need 'string'/],
  [rule('byte_test:1,=,1,0,little,big;'), /'big' contradicts 'little'/, 'big'],
  [rule('byte_jump:1,0,multiplier 0;'), /multiplier must be 1/, '0;'],
  [rule('byte_jump:1,0,align 3;'), /align must be 2 or 4/, '3;'],
  [rule('byte_extract:1,0,a; byte_extract:1,0,b; byte_extract:1,0,c;'), /at most 2 variables/, 'c;'],
  [rule('isdataat:x;'), /no byte_extract or byte_math before this/, 'x'],
  [rule('dsize:9<>5;'), /9 is greater than 5/, '9<>5'],
  [rule('base64_data;'), /needs a 'base64_decode' before it/, 'base64_data'],
  [rule('content:"ab"; replace:"a";'), /as long as its content/, '"a"'],
])

refused('packets and sessions', 'both', [
  [rule('flow:to_server,to_client;'), /'to_client' contradicts 'to_server'/, 'to_client'],
  [rule('flow:established,stateless;'), /'stateless' contradicts/, 'stateless'],
  [rule('flow:sideways;'), /'sideways' is not understood/, 'sideways'],
  [rule('flowbits:set;'), /'set' needs a name/],
  [rule('flowbits:set,a|b;'), /'\|' cannot be used with 'set'/, 'a|b'],
  [rule('flowbits:unset,a|b;'), /'\|' cannot be used with 'unset'/, 'a|b'],
  [rule('flowbits:isset,a&b|c;'), /cannot be mixed/, 'a&b|c'],
  [rule('flowbits:setx,a;'), /'setx' needs a group/],
  [rule('flowbits:noalert,a;'), /'a' is not understood/, 'a;'],
  [rule('flags:S;', 'udp'), /'flags' is for tcp rules, this is one for udp/, 'flags'],
  [rule('seq:1;', 'icmp'), /'seq' is for tcp rules/, 'seq'],
  [rule('ack:1;', 'udp'), /'ack' is for tcp rules/, 'ack'],
  [rule('window:1;', 'udp'), /'window' is for tcp rules/, 'window'],
  [rule('itype:8;'), /'itype' is for icmp rules, this is one for tcp/, 'itype'],
  [rule('icmp_id:8;', 'udp'), /'icmp_id' is for icmp rules/, 'icmp_id'],
  [rule('ip_proto:6;'), /is for rules with protocol 'ip'/, 'ip_proto'],
  [rule('ttl:256;'), /ttl must be 0…255/, '256'],
  [rule('fragbits:X;'), /unknown flag 'X'/, 'X'],
  [rule('ipopts:loose;'), /'loose' is not an IP option/, 'loose'],
  [rule('detection_filter:track by_src, count 1;'), /needs 'seconds'/],
  [rule('detection_filter:track by_src, count 0, seconds 1;'), /count must be 1/, '0,'],
  [
    rule('detection_filter:track by_me, count 1, seconds 1;'),
    /'track by_me' is not understood/,
    'track by_me',
  ],
])

refused('packets and sessions', '2.9', [
  [rule('flow:established;', 'icmp'), /only no_frag and only_frag apply to icmp/, 'flow'],
  [
    rule(
      'threshold:type limit, track by_src, count 1, seconds 1; detection_filter:track by_src, count 1, seconds 1;',
    ),
    /cannot be combined/,
    'detection_filter',
  ],
  [rule('sd_pattern:2,us_social;'), /'sd_pattern' is not evaluated/, 'sd_pattern'],
  [
    rule('protected_content:"293C9EA246FF9985DC6F62A650F78986"; hash:md5; offset:0; length:4;'),
    /'protected_content' is not evaluated/,
    'protected_content',
  ],
])

describe('expressions that do not compile', () => {
  const problems = (text: string) => {
    const { rules } = loadRules({ files: [{ path: 'a.rules', text }] })
    const { matcher, regex } = createEngines()
    const engine = createEngine({ rules, matcherEngine: matcher, regexEngine: regex })
    engine.close()
    return engine.problems.map(({ position: { line, column }, reason, message }) => ({
      at: `${line}:${column}`,
      reason,
      message,
    }))
  }

  it('are pointed at', () => {
    const text = `${rule('pcre:"/ok/"; pcre:"/a(/"; sid:1;')}\n`
    const at = text.indexOf('"/a(') + 1
    expect(problems(text)).toEqual([
      {
        at: `1:${at}`,
        reason: 'pcre: missing closing parenthesis',
        message: 'rule 1:1 cannot be evaluated: pcre /a(/: missing closing parenthesis',
      },
    ])
  })

  it('are pointed at in the line they stand in', () => {
    const text =
      'alert tcp any any -> any any (msg:"\u00e4"; \\\n  content:"x"; \\\n  pcre:"/[b-a]/"; sid:1;)\n'
    expect(problems(text)).toMatchObject([{ at: '3:8' }])
  })
})

describe('NUL bytes', () => {
  const good = (sid: number): string => `${rule(`content:"x"; sid:${sid};`)}\n`

  it.each([['snort2'], ['snort3']] as const)('cost the rule they stand in (%s)', (dialect) => {
    const bad = 'alert tcp any any -> any any (content:"a\0b"; sid:2;)\n'
    const { rules, problems } = load(`# a comment with \0 in it\n${good(1)}${bad}${good(3)}`, dialect)
    expect(rules.map(({ sid }) => sid)).toEqual([1, 3])
    expect(problems).toMatchObject([{ reason: 'NUL byte', position: { line: 3, column: 41 } }])
    expect(problems[0]!.message).toContain('|00|')
  })

  it.each([
    ['an executable', [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['UTF-16 without a mark', [...'alert tcp'].flatMap((c) => [c.charCodeAt(0), 0])],
    ['a capture', [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ])('make %s no rule file', (_, bytes) => {
    const { rules, problems } = loadRules({ files: [{ path: 'a.rules', text: Uint8Array.from(bytes) }] })
    expect(rules).toEqual([])
    expect(problems).toMatchObject([{ kind: 'file', message: 'is a binary file, not rule text' }])
  })

  it('says that a file is compressed', () => {
    const { problems } = loadRules({ files: [{ path: 'a.rules', text: Uint8Array.of(0x1f, 0x8b, 8, 0) }] })
    expect(problems).toMatchObject([{ kind: 'file', message: 'is compressed with gzip; unpack it first' }])
  })
})
