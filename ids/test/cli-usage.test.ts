import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../src/cli/commands.js'
import { FLAGS } from '../src/cli/flags.js'
import { buildProgram } from '../src/cli/parser.js'
import { commandReference } from '../src/cli/reference.js'
import { lines, runCli, temporaryDirectory } from './cli-support.js'

const directory = temporaryDirectory()

const GOOD = 'alert tcp any any -> any any (msg:"good"; content:"abcd"; sid:1; rev:1;)\n'
const BAD = 'alert tcp any any -> any any (msg:"bad"; contentt:"abcd"; sid:2;)\n'

/** A usage error: exit code 2, one line that names the cause, nothing on standard output. */
const expectUsage = async (argv: readonly string[], cause: string): Promise<void> => {
  const { code, stdout, stderr } = await runCli(argv)
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(lines(stderr)).toHaveLength(1)
  expect(stderr).toContain(cause)
  expect(stderr).toMatch(/^weir: /)
}

describe('usage errors', () => {
  it.each([
    [[], 'nothing to inspect: give -r FILE or -i INTERFACE'],
    [['-r', 'a', '-i', 'eth0'], '-r and -i exclude each other'],
    [['-r', 'a', '-s', '100'], '-s is for live captures'],
    [['-i', 'eth0', '-s', '3'], 'Expected a whole number, 64 to 65535'],
    [['-r', '-', '-'], 'standard input (-) can be read once only'],
    [['-r', '-', '-R', '-'], 'standard input (-) can be read once only'],
    [['-r', 'a', '-A', 'fast,json'], 'several alert formats need a directory'],
    [['-r', 'a', '-A', 'none,json', '-l', '.'], '-A none excludes other formats'],
    [['-r', 'a', '-A', 'fats'], 'Choose from fast, full, cmg, csv, json, eve, none.'],
    [['-r', 'a', '-A', ','], 'Choose from fast'],
    [['-r', 'a', '--fields', 'sid'], '--fields is for -A csv and -A json'],
    [['-r', 'a', '-A', 'csv', '--fields', 'sid,nope'], 'Unknown field nope'],
    [['-r', 'a', '-n', '0'], 'Expected a whole number'],
    [['-r', 'a', '-n', '1e3'], 'Expected a whole number'],
    [['-r', 'a', '-k', 'some'], 'Choose from all, none.'],
    [['-r', 'a', '-S', 'HOME_NET'], 'Expected NAME=VALUE.'],
    [['-r', 'a', '-L', 'dump'], 'Choose from pcap, none.'],
    [['-r', 'a', '--engine', 'regex'], 'Choose from auto, hyperscan, aho-corasick.'],
    [['-i', 'eth0', '-j', '2'], '-j is for captures'],
    [['-r', '-', '-j', '2'], 'standard input can be read once only'],
    [['-r', 'a', '-j', '99'], 'Expected a whole number, 0 to 64'],
    [['-r'], "option '-r, --read <file...>' argument missing"],
    [['-r', ''], 'It is empty.'],
    [['--strct'], "unknown option '--strct' (Did you mean --strict?)"],
    [['rules', 'chek'], "rules: no command 'chek'; did you mean 'check'?"],
    [['ruels'], "unexpected argument 'ruels'; did you mean 'rules'?"],
    [['rules'], 'rules: which one? check, stats, keywords'],
    [['rules', 'check'], 'no rule files are named'],
    [['flows'], 'nothing to read: give -r FILE'],
  ] as const)('%j', async (argv, cause) => {
    await expectUsage(argv, cause)
  })
})

describe('help and version', () => {
  it('go to standard output with exit code 0', async () => {
    const help = await runCli(['--help'])
    expect(help.code).toBe(0)
    expect(help.stdout).toContain('-r, --read <file...>')
    expect(help.stdout).toContain('Examples:')
    expect(help.stderr).toBe('')
    const nested = await runCli(['rules', 'check', '-h'])
    expect(nested.stdout).toContain('Usage: weir rules check [options] [file...]')
  })

  it('shows the version of the package', async () => {
    const manifest = fileURLToPath(new URL('../package.json', import.meta.url))
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    expect((await runCli(['--version'])).stdout).toBe(`${version}\n`)
    expect((await runCli(['-V'])).stdout).toBe(`${version}\n`)
  })

  it('end quietly when their reader has gone', async () => {
    const { code, stderr } = await runCli(['--help'], {
      onStdout: () => {
        throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
      },
    })
    expect([code, stderr]).toEqual([0, ''])
  })
})

describe('tables', () => {
  it('name every flag as the parser does, and use every flag somewhere', () => {
    const program = buildProgram('0', { stdout: { write: () => {} } } as never, () => {})
    const named = new Map(program.options.map((option) => [option.attributeName(), option.flags]))
    for (const name of COMMANDS[0]!.flags) expect(named.get(name), name).toBe(FLAGS[name].spelling)
    const used = new Set(COMMANDS.flatMap(({ flags }) => flags))
    expect(Object.keys(FLAGS).filter((name) => !used.has(name as never))).toEqual([])
  })

  it('match docs/cli.md', () => {
    const path = fileURLToPath(new URL('../../docs/cli.md', import.meta.url))
    expect(existsSync(path), 'run npm run docs').toBe(true)
    expect(readFileSync(path, 'utf8'), 'run npm run docs').toBe(commandReference())
  })
})

describe('-T', () => {
  it('loads the bundled signatures and says what it found', async () => {
    const { code, stdout, stderr } = await runCli(['-T'])
    expect(code).toBe(0)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/configuration is valid: \d+ rules loaded, 0 rules skipped/)
    expect(stderr).toMatch(/Hyperscan|Aho-Corasick/i)
  })

  it('needs no input, and does not look at the one it is given', async () => {
    const rules = directory.file('a.rules', GOOD)
    const { code, stderr } = await runCli(['-T', '-R', rules, '-r', '/no/such/capture'])
    expect(code).toBe(0)
    expect(stderr).toContain('configuration is valid: 1 rule loaded')
  })

  it('says nothing with -q', async () => {
    expect(await runCli(['-T', '-q'])).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe('rules that cannot be loaded', () => {
  it('are named by file, line and column, and skipped', async () => {
    const rules = directory.file('a.rules', `# comment\n${GOOD}${BAD}`)
    const { code, stderr } = await runCli(['-T', '-R', rules])
    expect(code).toBe(0)
    expect(stderr).toContain(`${rules}:3:42: unknown option 'contentt'; did you mean 'content'?`)
    expect(stderr).toContain('1 rule loaded, 1 rule skipped')
  })

  it('end the run with exit code 3 under --strict', async () => {
    const rules = directory.file('a.rules', GOOD + BAD)
    const { code, stderr } = await runCli(['-T', '-R', rules, '--strict', '-q'])
    expect(code).toBe(3)
    expect(stderr).toContain(`${rules}:2:42:`)
    expect(stderr).toContain('1 rule could not be loaded, and --strict was given')
  })

  it('end the run with exit code 3 when nothing is left', async () => {
    const { code, stderr } = await runCli(['-T', '--rule', BAD])
    expect(code).toBe(3)
    expect(stderr).toContain('no rule could be loaded')
  })

  it('are not listed without end', async () => {
    const rules = directory.file('a.rules', GOOD + BAD.repeat(500))
    const { code, stderr } = await runCli(['-T', '-R', rules])
    expect(code).toBe(0)
    expect(lines(stderr).length).toBeLessThan(20)
    expect(stderr).toContain('… and 490 more; weir rules check FILE lists them')
  })

  it('cannot write to the terminal through their text', async () => {
    const rules = directory.file('a.rules', `${GOOD}alert tcp any any -> any any (\u001b[2Jx:"y"; sid:3;)\n`)
    const { stderr } = await runCli(['-T', '-R', rules])
    expect(stderr).not.toContain('\u001b')
  })
})

describe('files that cannot be used', () => {
  const expectConfig = async (argv: readonly string[], cause: string): Promise<void> => {
    const { code, stderr } = await runCli(argv)
    expect(code).toBe(3)
    expect(stderr).toContain(cause)
  }

  it('missing rule file', () => expectConfig(['-T', '-R', '/no/such.rules'], '/no/such.rules: no such file'))
  it('directory', () => expectConfig(['-T', '-R', directory.path], 'is a directory, not a rule file'))
  it('binary', async () => {
    const file = directory.file('x.rules', Uint8Array.of(0x7f, 0x45, 0, 0, 1, 2, 3))
    await expectConfig(['-T', '-R', file], 'is a binary file, not rule text')
  })
  it('text that is no rules', async () => {
    const file = directory.file('x.rules', 'Dear reader,\nthese are not rules.\n')
    await expectConfig(['-T', '-R', file], 'no rule could be loaded: 2 problems')
  })
  it('empty', async () => {
    await expectConfig(
      ['-T', '-R', directory.file('x.rules', '')],
      'no rule could be loaded: the rule files hold none',
    )
  })
  it('missing classification', () =>
    expectConfig(['-T', '--rule', GOOD, '--classification', '/no/c'], '/no/c: no such file'))
  it('Lua configuration', () => expectConfig(['-T', '-c', 'snort.lua'], 'Lua configuration is not read'))
  it('variable', () =>
    expectConfig(['-T', '--rule', GOOD, '-S', 'HOME_NET=10.0.0.0/99'], '-S HOME_NET=10.0.0.0/99: '))
  it('variable that is not defined', () =>
    expectConfig(['-T', '--rule', 'alert tcp $NOPE any -> any any (msg:"x"; content:"abc"; sid:1;)'], 'NOPE'))
})

describe('configuration', () => {
  it('reads snort.conf: variables, includes, filters; the rest is counted as warnings', async () => {
    directory.file('local.rules', 'alert tcp $LOCAL any -> any $PORTS_ (msg:"x"; content:"abcd"; sid:5;)\n')
    const conf = directory.file(
      'snort.conf',
      [
        'ipvar LOCAL 10.0.0.0/8',
        'portvar PORTS_ [80,8080]',
        'preprocessor stream5_global: track_tcp yes',
        'include local.rules',
        'suppress gen_id 1, sig_id 5, track by_src, ip [10.1.0.0/16,10.2.0.0/16]',
        'event_filter gen_id 1, sig_id 5, type limit, track by_src, count 1, seconds 60',
        'config checksum_mode: none',
        'rate_filter gen_id 1, sig_id 5, track by_rule, count 1, seconds 9, new_action drop, timeout 3',
        'config event_queue: max_queue 8 log 5 order_events content_length',
        'config order: pass drop alert log',
        '',
      ].join('\n'),
    )
    const { code, stderr } = await runCli(['-T', '-c', conf])
    expect(stderr).toContain('1 rule loaded, 0 rules skipped, 1 warning')
    expect(code).toBe(0)
  })

  it.each([
    ['suppress gen_id 1', 'sig_id is missing'],
    ['suppress gen_id 1, sig_id 2, track by_src', 'track and ip go together'],
    ['event_filter gen_id 1, sig_id 2, type some, track by_src, count 1, seconds 1', 'type must be'],
    ['event_filter gen_id 1, sig_id 2, type limit, track by_src, count 0, seconds 1', 'count cannot be 0'],
    ['event_filter gen_id 1, gen_id 1', 'gen_id given twice'],
    ['rate_filter gen_id 1, sig_id 2, track by_src, count 1, seconds 1, new_action no', 'new_action must'],
    ['config event_queue: max_queue 4 log 5', 'log cannot be above max_queue'],
    ['config event_queue: order_events size', 'order_events must be'],
    ['config order: alert bark', "unknown action 'bark'"],
  ])('names the mistake in "%s"', async (line, cause) => {
    const conf = directory.file('snort.conf', `${GOOD}${line}\n`)
    const { stderr } = await runCli(['-T', '-c', conf])
    expect(stderr).toContain(`${conf}:2:`)
    expect(stderr).toContain(cause)
  })

  it('finds classification.config beside the rules', async () => {
    directory.file('classification.config', 'config classification: odd-class,Very odd,4\n')
    const rules = directory.file(
      'a.rules',
      'alert tcp any any -> any any (msg:"x"; content:"abcd"; classtype:odd-class; sid:5;)\n',
    )
    const { stderr } = await runCli(['-T', '-R', rules])
    expect(stderr).toContain('1 rule loaded, 0 rules skipped, 0 warnings')
  })
})

describe('weir rules', () => {
  it('check lists every problem and sums up', async () => {
    const rules = directory.file('a.rules', GOOD + BAD.repeat(30))
    const { code, stdout } = await runCli(['rules', 'check', rules])
    expect(code).toBe(0)
    expect(lines(stdout).filter((line) => line.includes("unknown option 'contentt'"))).toHaveLength(30)
    expect(stdout).toContain('1 rule can be used, 30 problems, 0 warnings')
    expect((await runCli(['rules', 'check', rules, '--strict', '-q'])).code).toBe(3)
  })

  it('check fails when nothing loads, and passes quietly when all does', async () => {
    expect((await runCli(['rules', 'check', directory.file('b.rules', BAD)])).code).toBe(3)
    const good = directory.file('g.rules', GOOD)
    expect(await runCli(['rules', 'check', '--strict', '-q', good])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
  })

  it('counts what does not compile, in the order of the file', async () => {
    const rule = (body: string, sid: number): string => `alert tcp any any -> any any (${body} sid:${sid};)`
    const text = [rule('pcre:"/a(/";', 1), rule('nonsense;', 2), rule('content:"x";', 3)].join('\n')
    const { stdout } = await runCli(['rules', 'check', directory.file('c.rules', text)])
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(
      /c\.rules:1:36: rule 1:1 cannot be evaluated: pcre .*missing closing parenthesis$/,
    )
    expect(lines[1]).toMatch(/c\.rules:2:31: unknown option 'nonsense'$/)
    expect(lines[2]).toMatch(/c\.rules: 1 rule, 2 skipped; /)
    expect(stdout).toContain('       1  pcre: missing closing parenthesis\n')
    expect(stdout).toContain('1 rule can be used, 2 problems, 0 warnings\n')
  })

  it('check --json is one document', async () => {
    const rules = directory.file('a.rules', GOOD + BAD)
    const { stdout } = await runCli(['rules', 'check', rules, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      rules: 1,
      errors: 1,
      skipped: [{ reason: 'unknown option: contentt', count: 1 }],
      files: [{ file: rules, rules: 1, failed: 1 }],
      problems: [{ file: rules, line: 2, column: 42, severity: 'error', sid: 2 }],
    })
  })

  it('stats counts options, protocols and fast patterns', async () => {
    const rules = directory.file('a.rules', GOOD)
    const { code, stdout } = await runCli(['rules', 'stats', rules, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      rules: 1,
      byProtocol: { tcp: 1 },
      fastPatterns: { none: 0, byBuffer: { pkt_data: 1 }, byLength: { 4: 1 } },
    })
    expect((await runCli(['rules', 'stats', rules])).stdout).toContain('fast pattern length\n       1  4\n')
  })

  it('keywords lists the registry', async () => {
    const { stdout } = await runCli(['rules', 'keywords'])
    expect(stdout).toMatch(/^within:/m)
    const list = JSON.parse((await runCli(['rules', 'keywords', '--json'])).stdout) as { name: string }[]
    expect(list.map(({ name }) => name)).toContain('pcre')
  })
})
