/**
 * Options that choose the buffer for what follows: file_data, pkt_data, base64_data, and Snort 3's sticky buffers.
 */
import { BUF } from '../../inspect/buffers.js'
import type { OptionText, RuleBuilder } from '../builder.js'
import type { Dialect } from '../model.js'
import { valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'
import { selectBuffer, sticky } from './sticky.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']
const SNORT3: readonly Dialect[] = ['snort3']

function parseBase64Data(rule: RuleBuilder, option: OptionText): void {
  if (!rule.seen.includes('base64_decode')) {
    const message = "'base64_data' needs a 'base64_decode' before it"
    throw valueError('base64_data without base64_decode', message, option.at)
  }
  selectBuffer(rule, BUF.BASE64_DATA)
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
      selectBuffer(rule, BUF.FILE_DATA)
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
  sticky('raw_data', BUF.RAW_DATA, 'what follows looks at the packet as it came', SNORT3, 'S3'),
  sticky('http_client_body', BUF.HTTP_CLIENT_BODY, 'the body of the request', SNORT3, 'S3'),
]
