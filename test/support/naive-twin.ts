/**
 * The fuzzer's Snort 2 rules in Snort 3 text, where the reference says that both mean the same.
 */
import type { WrittenRule } from './naive-writer.js'

const BUFFERS =
  /^(?:http_(?:uri|raw_uri|header|raw_header|cookie|raw_cookie|method|stat_code|stat_msg|client_body)|rawbytes)$/
const PCRE_BUFFERS: Readonly<Record<string, string>> = {
  U: 'http_uri',
  I: 'http_raw_uri',
  H: 'http_header',
  D: 'http_raw_header',
  C: 'http_cookie',
  K: 'http_raw_cookie',
  M: 'http_method',
  S: 'http_stat_code',
  Y: 'http_stat_msg',
  P: 'http_client_body',
}

/**
 * Where the two differ: windows that may begin before the buffer (negative numbers, variables), numbers as text at the
 * end of the buffer, the cursor that a non-relative content forgets, `byte_extract` from a cursor never set; and what
 * Snort 3 does not have.
 */
const DIFFERENT =
  /(?:distance|offset):(?:-|v)|,-|v\d|string|byte_extract|fast_pattern:only|rawbytes|ftpbounce|threshold|flowbits|metadata|uricontent|rpc|\/\w*B"/
const RELATIVE = /distance|within|relative|\/\w*R\w*"/

/** Undefined: there is none. */
export function twinOf(rule: WrittenRule, http: boolean): WrittenRule | undefined {
  if (rule.dialect !== 'snort2' || rule.options.some((option) => DIFFERENT.test(option))) return undefined
  // On a response, Snort 3 means the request answered.
  const toClient = rule.options.some((option) => /flow:.*(?:to_client|from_server)/.test(option))
  if (toClient && rule.options.some((option) => /http_(?:raw_)?uri|http_method|urilen|[UIM]"/.test(option)))
    return undefined
  const twin = new Twin(http)
  for (const [i, option] of rule.options.entries()) {
    const behind = rule.options.slice(i + 1).some((later) => RELATIVE.test(later))
    if (!twin.add(option, behind)) return undefined
  }
  return { dialect: 'snort3', header: rule.header, options: twin.options }
}

class Twin {
  readonly options: string[] = []
  private readonly http: boolean
  /** What Snort 2 looks at without a modifier, where its cursor is, and what Snort 3 looks at. */
  private sticky = 'pkt_data'
  private pointed = 'pkt_data'
  private current = 'pkt_data'

  constructor(http: boolean) {
    this.http = http
  }

  /** @param behind something behind the option counts from the cursor */
  add(option: string, behind: boolean): boolean {
    const [, name, value] = /^(\w+):?(.*?);/s.exec(option)!
    switch (name) {
      case 'content':
        return this.content(value!, option, behind)
      case 'pcre': {
        const [, letter] = /\/\w*?([UIHDCKMSYP])"$/.exec(value!) ?? []
        if (letter !== undefined && behind) return false
        const buffer = letter === undefined ? this.lookedAt(value!) : PCRE_BUFFERS[letter]!
        if (letter === undefined && !value!.startsWith('!')) this.pointed = buffer
        return this.push(
          buffer,
          `pcre:${letter === undefined ? value : value!.replace(/[UIHDCKMSYP]"$/, '"')};`,
        )
      }
      case 'file_data':
      case 'pkt_data':
        this.sticky = name
        this.pointed = name
        this.current = name
        this.options.push(option)
        return !(this.http && name === 'pkt_data')
      case 'base64_data':
        this.sticky = name
        this.pointed = name
        this.current = name
        this.options.push(option)
        return true
      case 'urilen': {
        if (behind) return false
        const buffer = value!.includes('norm') ? 'http_uri' : 'http_raw_uri'
        return this.push(buffer, `bufferlen:${value!.replace(/,\w+$/, '').replace('<>', '<=>')};`)
      }
      case 'dsize':
        this.options.push(option.replace('<>', '<=>'))
        return true
      case 'ttl':
        this.options.push(option.replace('-', '<=>'))
        return true
      case 'stream_size': {
        const [side, operator, count] = value!.split(',')
        const words: Readonly<Record<string, string>> = { client: 'to_server', server: 'to_client' }
        this.options.push(`stream_size:${operator}${count},${words[side!] ?? side};`)
        return true
      }
      case 'isdataat':
      case 'byte_test':
      case 'byte_math':
      case 'base64_decode':
        return this.push(this.lookedAt(value!), option)
      case 'byte_jump': {
        this.pointed = this.lookedAt(value!)
        return this.push(this.pointed, option)
      }
      case 'cvs':
        return this.push(this.sticky, option)
      default:
        this.options.push(option)
        return true
    }
  }

  private content(value: string, option: string, behind: boolean): boolean {
    const modifiers = option.slice(`content:${value};`.length).split(';')
    const words: string[] = []
    let buffer = this.sticky
    for (const modifier of modifiers.map((word) => word.trim()).filter((word) => word !== '')) {
      if (BUFFERS.test(modifier)) buffer = modifier
      else if (modifier.startsWith('fast_pattern:')) {
        const [from, length] = modifier.slice(13).split(',')
        words.push(`fast_pattern_offset ${from}`, `fast_pattern_length ${length}`)
      } else words.push(modifier.replace(':', ' '))
    }
    // What is not there makes Snort 2 forget the cursor.
    if (value.startsWith('!') && !RELATIVE.test(option) && behind) return false
    this.pointed = buffer
    return this.push(buffer, `content:${[value, ...words].join(', ')};`)
  }

  private lookedAt(value: string): string {
    return RELATIVE.test(value) ? this.pointed : this.sticky
  }

  private push(buffer: string, option: string): boolean {
    // Packet data is the whole message in Snort 2, the body in Snort 3.
    if (this.http && buffer === 'pkt_data') return false
    if (buffer !== this.current) this.options.push(`${buffer};`)
    this.current = buffer
    this.options.push(option)
    return true
  }
}
