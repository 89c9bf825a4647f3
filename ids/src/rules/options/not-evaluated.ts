/**
 * Options that Snort has and this engine does not evaluate: their names are known, a rule that uses one is disabled.
 */
import type { Dialect } from '../model.js'
import type { OptionSpec } from '../registry.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']
const SNORT2: readonly Dialect[] = ['snort2']
const SNORT3: readonly Dialect[] = ['snort3']

function rows(
  dialects: readonly Dialect[],
  section: string,
  table: Readonly<Record<string, string>>,
): OptionSpec[] {
  return Object.entries(table).map(([name, help]) => ({
    name,
    dialects,
    status: 'not-evaluated',
    argument: '[<arguments>]',
    help,
    section,
    parse: (rule, option) => {
      rule.notEvaluated(`option not evaluated: ${name}`, `option '${name}' is not evaluated`, option.at)
    },
  }))
}

/** Its modifiers are those of a content: they have something to belong to, though the rule is refused. */
const protectedContent: OptionSpec = {
  name: 'protected_content',
  dialects: SNORT2,
  status: 'not-evaluated',
  argument: '!?"hash"',
  help: 'hash of bytes in the buffer',
  section: '3.5',
  parse: (rule, option) => {
    rule.notEvaluated(
      'option not evaluated: protected_content',
      "option 'protected_content' is not evaluated",
      option.at,
    )
    const bytes = new Uint8Array(0)
    rule.startContent({ bytes, negated: false, at: option.at, ownBuffer: undefined, uricontent: false })
  },
}

export const notEvaluatedOptions: readonly OptionSpec[] = [
  protectedContent,
  ...rows(BOTH, '3.5', {
    gtp_type: 'type of the GTP message',
    gtp_info: 'information element of the GTP message',
    gtp_version: 'version of GTP',
    file_type: 'type of the file',
    appid: 'application of the flow',
    appids: 'applications of the flow',
    cip_attribute: 'attribute of the CIP message',
    cip_class: 'class of the CIP message',
    cip_conn_path_class: 'class of the CIP connection path',
    cip_instance: 'instance of the CIP message',
    cip_req: 'CIP request',
    cip_rsp: 'CIP response',
    cip_service: 'service of the CIP message',
    cip_status: 'status of the CIP message',
    enip_command: 'command of the EtherNet/IP message',
    enip_req: 'EtherNet/IP request',
    enip_rsp: 'EtherNet/IP response',
  }),
  ...rows(SNORT2, '3.5', {
    sd_pattern: 'sensitive data, counted by a preprocessor',
    http_encode: 'encodings present in HTTP data',
    hash: 'algorithm of a protected_content',
    length: 'number of bytes of a protected_content',
    activates: 'rule switched on by this one',
    activated_by: 'rule that switches this one on',
    count: 'packets a dynamic rule stays on',
    file_group: 'group of file types',
    decompress_swf: 'decompression of Flash files',
    pdf_js: 'scripts in PDF files',
  }),
  ...rows(SNORT3, 'S3', {
    file_id: 'identification of files',
    file_meta: 'identification of files',
    js_data: 'normalised JavaScript',
    vba_data: 'VBA macros',
    mms_func: 'MMS function',
    mms_data: 'MMS data',
    opcua_msg_service: 'OPC UA service',
    opcua_msg_type: 'OPC UA message type',
    opcua_node_id: 'OPC UA node',
    opcua_node_namespace_index: 'OPC UA node namespace',
    regex: 'regular expression in the multi-pattern search',
    s7commplus_content: 'S7CommPlus content',
    s7commplus_func: 'S7CommPlus function',
    s7commplus_opcode: 'S7CommPlus opcode',
    so: 'shared-object option',
    socks_address_type: 'SOCKS address type',
    socks_command: 'SOCKS command',
    socks_state: 'SOCKS state',
    socks_version: 'SOCKS version',
    socks_remote_address: 'SOCKS remote address',
    socks_remote_port: 'SOCKS remote port',
  }),
]
