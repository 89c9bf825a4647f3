/**
 * Rule classes: the built-in table and classification.config.
 *
 * A line is `config classification: <name>,<text>,<priority>`.
 */
import { toInteger } from './numbers.js'
import { quote, syntaxError, valueError } from './problem.js'

export interface Classification {
  readonly name: string
  readonly text: string
  /** 1 = most urgent. */
  readonly priority: number
}

const BUILT_IN: readonly (readonly [name: string, text: string, priority: number])[] = [
  ['not-suspicious', 'Not Suspicious Traffic', 3],
  ['unknown', 'Unknown Traffic', 3],
  ['bad-unknown', 'Potentially Bad Traffic', 2],
  ['attempted-recon', 'Attempted Information Leak', 2],
  ['successful-recon-limited', 'Information Leak', 2],
  ['successful-recon-largescale', 'Large Scale Information Leak', 2],
  ['attempted-dos', 'Attempted Denial of Service', 2],
  ['successful-dos', 'Denial of Service', 2],
  ['attempted-user', 'Attempted User Privilege Gain', 1],
  ['unsuccessful-user', 'Unsuccessful User Privilege Gain', 1],
  ['successful-user', 'Successful User Privilege Gain', 1],
  ['attempted-admin', 'Attempted Administrator Privilege Gain', 1],
  ['successful-admin', 'Successful Administrator Privilege Gain', 1],
  ['rpc-portmap-decode', 'Decode of an RPC Query', 2],
  ['shellcode-detect', 'Executable Code was Detected', 1],
  ['string-detect', 'A Suspicious String was Detected', 3],
  ['suspicious-filename-detect', 'A Suspicious Filename was Detected', 2],
  ['suspicious-login', 'An Attempted Login Using a Suspicious Username was Detected', 2],
  ['system-call-detect', 'A System Call was Detected', 2],
  ['tcp-connection', 'A TCP Connection was Detected', 4],
  ['trojan-activity', 'A Network Trojan was Detected', 1],
  ['unusual-client-port-connection', 'A Client was Using an Unusual Port', 2],
  ['network-scan', 'Detection of a Network Scan', 3],
  ['denial-of-service', 'Detection of a Denial of Service Attack', 2],
  ['non-standard-protocol', 'Detection of a Non-Standard Protocol or Event', 2],
  ['protocol-command-decode', 'Generic Protocol Command Decode', 3],
  ['web-application-activity', 'Access to a Potentially Vulnerable Web Application', 2],
  ['web-application-attack', 'Web Application Attack', 1],
  ['misc-activity', 'Misc activity', 3],
  ['misc-attack', 'Misc Attack', 2],
  ['icmp-event', 'Generic ICMP event', 3],
  ['inappropriate-content', 'Inappropriate Content was Detected', 1],
  ['policy-violation', 'Potential Corporate Privacy Violation', 1],
  ['default-login-attempt', 'Attempt to Login By a Default Username and Password', 2],
  ['sdf', 'Sensitive Data was Transmitted Across the Network', 2],
  ['file-format', 'Known malicious file or file based exploit', 1],
  ['malware-cnc', 'Known malware command and control traffic', 1],
  ['client-side-exploit', 'Known client side exploit attempt', 1],
]

export class Classifications {
  private readonly byName = new Map<string, Classification>()

  /** @param builtIn begin with the well-known classes, so that alerts have a class without a configuration file */
  constructor(builtIn = true) {
    if (builtIn) for (const [name, text, priority] of BUILT_IN) this.define({ name, text, priority })
  }

  /** A class defined again takes the new text and priority. */
  define(classification: Classification): void {
    this.byName.set(classification.name.toLowerCase(), classification)
  }

  find(name: string): Classification | undefined {
    return this.byName.get(name) ?? this.byName.get(name.toLowerCase())
  }

  all(): Classification[] {
    return [...this.byName.values()]
  }

  /**
   * Reads what follows `config classification:`.
   * @param at offset of `text` in its statement
   * @throws RuleTextError
   */
  parse(text: string, at: number): void {
    const first = text.indexOf(',')
    const last = text.lastIndexOf(',')
    if (first < 0 || first === last) {
      throw syntaxError('bad classification', `${quote(text)} is not <name>,<text>,<priority>`, at)
    }
    const name = text.slice(0, first).trim()
    const priority = toInteger(text.slice(last + 1).trim())
    if (name === '') throw syntaxError('bad classification', 'the class has no name', at)
    if (Number.isNaN(priority) || priority < 1) {
      const message = `${quote(text.slice(last + 1).trim())} is not a priority`
      throw valueError('bad classification', message, at + last + 1)
    }
    this.define({ name, text: text.slice(first + 1, last).trim(), priority })
  }
}
