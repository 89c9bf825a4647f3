/** Commands sent without waiting for the answers: what a rule says of a command's beginning holds for each. */
import { describe, expect, it } from 'vitest'
import { conversation } from '../../../test/support/conversation.js'
import { run, sids } from './harness.js'

const FTP = 21

/** A session on `port` in which the client says all of `lines` at once. */
function session(greeting: string, lines: readonly string[], port = FTP) {
  const talk = conversation({ serverPort: port }).handshake().server(`${greeting}\r\n`)
  return talk
    .client(lines.map((line) => `${line}\r\n`).join(''))
    .server('500 no\r\n')
    .close()
    .packets()
}

const ftp = (...lines: string[]) => session('220 FTP server ready', lines)
const rule = (options: string, port = FTP): string =>
  `alert tcp any any -> any ${port} (flow:to_server,established; ${options} sid:1;)`

describe('pipelined commands', () => {
  it('each begin where a rule expects a command to begin', () => {
    const anchored = rule('content:"CWD  "; depth:5; nocase;')
    expect(sids(anchored, ftp('USER a', 'PASS b', 'CWD  '))).toEqual([1])
    expect(sids(anchored, ftp('CWD  '))).toEqual([1])
    expect(sids(anchored, ftp('USER a', 'XCWD  '))).toEqual([])
  })

  it('are looked at one by one up to a limit, which is counted; the turn is searched to its end', () => {
    const lines = [...Array.from({ length: 4999 }, () => 'A'), 'CWD  ']
    const anchored = run(rule('content:"CWD  "; depth:5;'), ftp(...lines))
    expect(anchored.alerts).toEqual([])
    expect(anchored.inspector.counters.commandLimit).toBe(1)
    expect(sids(rule('content:"CWD  ";'), ftp(...lines))).toEqual([1])
    const few = run(rule('content:"CWD  "; depth:5;'), ftp(...lines.slice(-4000)))
    expect(few.alerts).toHaveLength(1)
    expect(few.inspector.counters.commandLimit).toBe(0)
  })

  it('are each looked at in turns longer than a window, wherever these are cut', () => {
    const many = Array.from({ length: 9000 }, (_, i) => `NOOP ${i}`)
    const anchored = rule('content:"CWD  "; depth:5;')
    const { alerts, inspector } = run(anchored, ftp(...many, 'CWD  ', ...many))
    expect(alerts).toHaveLength(1)
    expect(inspector.counters.commandLimit).toBe(0)
  })

  it('are one turn for rules about several of them', () => {
    const both = rule('content:"USER"; depth:4; content:"PASS";')
    expect(sids(both, ftp('USER a', 'PASS b'))).toEqual([1])
  })

  it('raise a rule once, though the turn and a command match', () => {
    expect(sids(rule('content:"PASS";'), ftp('USER a', 'PASS b', 'PASS c'))).toEqual([1])
  })

  it('of SMTP end where the mail begins', () => {
    const smtp = (...lines: string[]) => session('220 mail ESMTP', lines, 25)
    const anchored = rule('content:"EXPN root"; depth:9; nocase;', 25)
    expect(sids(anchored, smtp('EHLO x', 'EXPN root'))).toEqual([1])
    expect(
      sids(anchored, smtp('EHLO x', 'MAIL FROM:<a@b>', 'RCPT TO:<c@d>', 'DATA', 'EXPN root', '.')),
    ).toEqual([])
  })
})
