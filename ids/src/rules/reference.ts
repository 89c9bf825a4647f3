/**
 * Reference systems: the built-in table and reference.config, which turn `reference:cve,2000-1` into a link.
 *
 * A line is `config reference: <system> <URL prefix>`.
 */
import type { RuleReference } from './model.js'
import { quote, syntaxError } from './problem.js'

const BUILT_IN: Readonly<Record<string, string>> = {
  bugtraq: 'http://www.securityfocus.com/bid/',
  cve: 'http://cve.mitre.org/cgi-bin/cvename.cgi?name=',
  arachnids: 'http://www.whitehats.com/info/IDS',
  osvdb: 'http://osvdb.org/show/osvdb/',
  mcafee: 'http://vil.nai.com/vil/content/v_',
  nessus: 'http://cgi.nessus.org/plugins/dump.php3?id=',
  url: 'http://',
  msb: 'http://technet.microsoft.com/en-us/security/bulletin/',
}

export class References {
  private readonly prefixes = new Map<string, string>()

  constructor(builtIn = true) {
    if (builtIn) for (const [system, prefix] of Object.entries(BUILT_IN)) this.define(system, prefix)
  }

  define(system: string, prefix: string): void {
    this.prefixes.set(system.toLowerCase(), prefix)
  }

  systems(): string[] {
    return [...this.prefixes.keys()]
  }

  /** The link of a reference; undefined when its system is not in the table. */
  url(reference: RuleReference): string | undefined {
    const prefix = this.prefixes.get(reference.system.toLowerCase())
    return prefix === undefined ? undefined : prefix + reference.id
  }

  /**
   * Reads what follows `config reference:`.
   * @param at offset of `text` in its statement
   * @throws RuleTextError
   */
  parse(text: string, at: number): void {
    const match = /^(\S+)\s+(\S+)$/.exec(text.trim())
    if (match === null) throw syntaxError('bad reference system', `${quote(text)} is not <system> <URL>`, at)
    this.define(match[1]!, match[2]!)
  }
}
