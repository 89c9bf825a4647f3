/**
 * Options that choose the buffer for what follows: file_data, pkt_data, base64_data, and Snort 3's sticky buffers.
 */
import { BUF, type BufferId } from '../../inspect/buffers.js'
import type { OptionText, RuleBuilder } from '../builder.js'
import type { Dialect } from '../model.js'
import { valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']
const SNORT3: readonly Dialect[] = ['snort3']

function select(rule: RuleBuilder, buffer: BufferId): void {
  rule.sticky = buffer
  rule.push({ kind: 'set_buffer', buffer })
}

function parseBase64Data(rule: RuleBuilder, option: OptionText): void {
  if (!rule.seen.includes('base64_decode')) {
    const message = "'base64_data' needs a 'base64_decode' before it"
    throw valueError('base64_data without base64_decode', message, option.at)
  }
  select(rule, BUF.BASE64_DATA)
}

function sticky(name: string, buffer: BufferId, help: string, dialects = SNORT3, section = 'S3'): OptionSpec {
  return {
    name,
    dialects,
    status: 'evaluated',
    argument: '',
    help,
    section,
    parse: (rule) => select(rule, buffer),
  }
}

/** A Snort 3 HTTP buffer whose argument narrows it (a field, a part of the URI, the request): not evaluated. */
function httpSticky(name: string, buffer: BufferId, argument: string, help: string): OptionSpec {
  return {
    name,
    dialects: SNORT3,
    status: 'evaluated',
    argument,
    help,
    section: 'S3',
    parse: (rule, option) => {
      if (option.value !== undefined && option.value !== '') {
        const word = /^[\w-]+/.exec(option.value)?.[0] ?? ''
        rule.notEvaluated(
          `option not evaluated: ${name} ${word}`.trimEnd(),
          `${name}: the argument '${option.value.slice(0, 60)}' is not evaluated`,
          option.valueAt,
        )
      }
      select(rule, buffer)
    },
  }
}

export const bufferOptions: readonly OptionSpec[] = [
  sticky('pkt_data', BUF.PKT_DATA, 'what follows looks at the packet or stream again', BOTH, '3.5.27'),
  {
    name: 'file_data',
    dialects: BOTH,
    status: 'evaluated',
    argument: '[mime]',
    help: 'what follows looks at the decoded body',
    section: '3.5.28',
    parse: (rule, option) => {
      const value = option.value?.toLowerCase() ?? ''
      if (value !== '' && value !== 'mime') {
        throw valueError(
          'bad argument of file_data',
          "file_data takes no argument but 'mime'",
          option.valueAt,
        )
      }
      select(rule, BUF.FILE_DATA)
    },
  },
  {
    name: 'base64_data',
    dialects: BOTH,
    status: 'evaluated',
    argument: '',
    help: 'what follows looks at the bytes base64_decode produced',
    section: '3.5.30',
    parse: parseBase64Data,
  },
  sticky('raw_data', BUF.RAW_DATA, 'what follows looks at the packet as it came'),
  httpSticky(
    'http_uri',
    BUF.HTTP_URI,
    '[request|scheme|host|port|path|query|fragment]',
    'the normalised URI',
  ),
  httpSticky(
    'http_raw_uri',
    BUF.HTTP_RAW_URI,
    '[request|scheme|host|port|path|query|fragment]',
    'the URI as sent',
  ),
  httpSticky('http_header', BUF.HTTP_HEADER, '[request, field <name>]', 'the headers'),
  httpSticky(
    'http_raw_header',
    BUF.HTTP_RAW_HEADER,
    '[request, field <name>]',
    'the headers, not normalised',
  ),
  httpSticky('http_cookie', BUF.HTTP_COOKIE, '[request]', 'the cookies'),
  httpSticky('http_raw_cookie', BUF.HTTP_RAW_COOKIE, '[request]', 'the cookies, not normalised'),
  httpSticky('http_method', BUF.HTTP_METHOD, '[request]', 'the method'),
  httpSticky(
    'http_stat_code',
    BUF.HTTP_STAT_CODE,
    '[with_body|with_trailer]',
    'the status code of the response',
  ),
  httpSticky(
    'http_stat_msg',
    BUF.HTTP_STAT_MSG,
    '[with_body|with_trailer]',
    'the status text of the response',
  ),
  sticky('http_client_body', BUF.HTTP_CLIENT_BODY, 'the body of the request'),
]
