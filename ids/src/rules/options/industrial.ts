/**
 * Options on messages of control systems: dnp3_*, modbus_*, iec104_*.
 *
 * Names and numbers are those of IEEE 1815 (DNP3), the MODBUS Application Protocol Specification 1.1b3 and
 * IEC 60870-5-101 section 7.2.1.1 (ASDU types).
 */
import { BUF } from '../../inspect/buffers.js'
import { IEC104_FORMAT } from '../../protocol/facts.js'
import { argumentParts, required, splitWord, unknownArgument } from '../arguments.js'
import type { OptionText, Part, RuleBuilder } from '../builder.js'
import type { Dialect, Dnp3IndOption, Dnp3ObjOption, MessageNumberOption } from '../model.js'
import { parseInteger } from '../numbers.js'
import { quote, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'
import { sticky } from './sticky.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']
const SNORT3: readonly Dialect[] = ['snort3']

type Names = Readonly<Record<string, number>>

/** Names in the order of their numbers, from `first` on. */
function numbered(first: number, names: string): [string, number][] {
  return names.split(/\s+/).map((name, index) => [name, first + index])
}

const DNP3_FUNCTIONS: Names = Object.fromEntries([
  ...numbered(
    0,
    `confirm read write select operate direct_operate direct_operate_nr immed_freeze immed_freeze_nr freeze_clear
    freeze_clear_nr freeze_at_time freeze_at_time_nr cold_restart warm_restart initialize_data initialize_appl
    start_appl stop_appl save_config enable_unsolicited disable_unsolicited assign_class delay_measure
    record_current_time open_file close_file delete_file get_file_info authenticate_file abort_file activate_config
    authenticate_req authenticate_err`,
  ),
  ...numbered(129, 'response unsolicited_response authenticate_resp'),
])

/** Bits of the two octets read as one big-endian number. */
const DNP3_INDICATIONS: Names = {
  all_stations: 0x0100,
  class_1_events: 0x0200,
  class_2_events: 0x0400,
  class_3_events: 0x0800,
  need_time: 0x1000,
  local_control: 0x2000,
  device_trouble: 0x4000,
  device_restart: 0x8000,
  no_func_code_support: 0x0001,
  object_unknown: 0x0002,
  parameter_error: 0x0004,
  event_buffer_overflow: 0x0008,
  already_executing: 0x0010,
  config_corrupt: 0x0020,
  reserved_2: 0x0040,
  reserved_1: 0x0080,
}

const MODBUS_FUNCTIONS: Names = Object.fromEntries([
  ...numbered(
    1,
    `read_coils read_discrete_inputs read_holding_registers read_input_registers write_single_coil
    write_single_register read_exception_status diagnostics`,
  ),
  ...numbered(11, 'get_comm_event_counter get_comm_event_log'),
  ...numbered(15, 'write_multiple_coils write_multiple_registers report_slave_id'),
  ...numbered(
    20,
    'read_file_record write_file_record mask_write_register read_write_multiple_registers read_fifo_queue',
  ),
  ['encapsulated_interface_transport', 43],
])

const IEC104_FORMATS: Names = {
  u: IEC104_FORMAT.U,
  unnumbered_control_function: IEC104_FORMAT.U,
  s: IEC104_FORMAT.S,
  numbered_supervisory_function: IEC104_FORMAT.S,
  i: IEC104_FORMAT.I,
  information_transfer_format: IEC104_FORMAT.I,
}

const IEC104_TYPES: Names = Object.fromEntries([
  ...numbered(
    1,
    `m_sp_na_1 m_sp_ta_1 m_dp_na_1 m_dp_ta_1 m_st_na_1 m_st_ta_1 m_bo_na_1 m_bo_ta_1 m_me_na_1 m_me_ta_1 m_me_nb_1
    m_me_tb_1 m_me_nc_1 m_me_tc_1 m_it_na_1 m_it_ta_1 m_ep_ta_1 m_ep_tb_1 m_ep_tc_1 m_ps_na_1 m_me_nd_1`,
  ),
  ...numbered(
    30,
    `m_sp_tb_1 m_dp_tb_1 m_st_tb_1 m_bo_tb_1 m_me_td_1 m_me_te_1 m_me_tf_1 m_it_tb_1 m_ep_td_1 m_ep_te_1 m_ep_tf_1`,
  ),
  ...numbered(45, 'c_sc_na_1 c_dc_na_1 c_rc_na_1 c_se_na_1 c_se_nb_1 c_se_nc_1 c_bo_na_1'),
  ...numbered(58, 'c_sc_ta_1 c_dc_ta_1 c_rc_ta_1 c_se_ta_1 c_se_tb_1 c_se_tc_1 c_bo_ta_1'),
  ['m_ei_na_1', 70],
  ...numbered(100, 'c_ic_na_1 c_ci_na_1 c_rd_na_1 c_cs_na_1 c_ts_na_1 c_rp_na_1 c_cd_na_1 c_ts_ta_1'),
  ...numbered(110, 'p_me_na_1 p_me_nb_1 p_me_nc_1 p_ac_na_1'),
  ...numbered(120, 'f_fr_na_1 f_sr_na_1 f_sc_na_1 f_ls_na_1 f_af_na_1 f_sg_na_1 f_dr_ta_1 f_sc_nb_1'),
])

const KEYWORDS: Readonly<Record<MessageNumberOption['keyword'], Names>> = {
  dnp3_func: DNP3_FUNCTIONS,
  modbus_func: MODBUS_FUNCTIONS,
  modbus_unit: {},
  iec104_apci_type: IEC104_FORMATS,
  iec104_asdu_func: IEC104_TYPES,
}

/** The argument without the quotes that may stand around it. */
function argument(option: OptionText): Part {
  const text = option.value!.trim()
  const at = option.valueAt + option.value!.indexOf(text)
  return /^".*"$/s.test(text) ? { text: text.slice(1, -1).trim(), at: at + 1 } : { text, at }
}

function number(part: Part, names: Names, what: string): number {
  const name = part.text.toLowerCase()
  if (Object.hasOwn(names, name)) return names[name]!
  if (!/^\d+$/.test(part.text) && Object.keys(names).length > 0) {
    throw valueError(`unknown name for ${what}`, `${what}: there is no ${quote(part.text)}`, part.at)
  }
  return parseInteger(part.text, 0, 255, what, part.at)
}

function numberOption(
  keyword: MessageNumberOption['keyword'],
  dialects: readonly Dialect[],
  text: string,
  help: string,
): OptionSpec {
  return {
    name: keyword,
    dialects,
    status: 'evaluated',
    argument: text,
    help,
    section: dialects === SNORT3 ? 'S3' : '3.5',
    parse: (rule, option) => {
      rule.push({
        kind: 'message_number',
        keyword,
        value: number(argument(option), KEYWORDS[keyword], keyword),
      })
    },
  }
}

function parseIndications(rule: RuleBuilder, option: OptionText): void {
  let bits = 0
  const { text, at } = argument(option)
  for (const part of argumentParts({ ...option, value: text.replace(/\s+/g, ','), valueAt: at })) {
    if (part.text === '') continue
    const name = part.text.toLowerCase()
    if (!Object.hasOwn(DNP3_INDICATIONS, name)) throw unknownArgument(option, part)
    bits |= DNP3_INDICATIONS[name]!
  }
  rule.push({ kind: 'dnp3_ind', bits })
}

/** 2.9: `group,variation`; Snort 3: `group N, var N`. */
function parseObject(rule: RuleBuilder, option: OptionText): void {
  let group = 0
  let variation = 0
  argumentParts(option).forEach((part, index) => {
    const { word, rest } = splitWord(part)
    if (rule.dialect === 'snort2' && rest === undefined && index < 2) {
      const value = parseInteger(word, 0, 255, 'dnp3_obj', part.at)
      if (index === 0) group = value
      else variation = value
    } else if (word === 'group') {
      const value = required(option, part, rest)
      group = parseInteger(value.text, 0, 255, 'dnp3_obj group', value.at)
    } else if (word === 'var') {
      const value = required(option, part, rest)
      variation = parseInteger(value.text, 0, 255, 'dnp3_obj var', value.at)
    } else throw unknownArgument(option, part)
  })
  rule.push({ kind: 'dnp3_obj', group, variation })
}

/** The option as text. */
export function formatIndustrialOption(
  option: MessageNumberOption | Dnp3IndOption | Dnp3ObjOption,
  dialect: Dialect,
): string {
  switch (option.kind) {
    case 'message_number': {
      const name = Object.entries(KEYWORDS[option.keyword]).find(([, value]) => value === option.value)
      return `${option.keyword}:${name?.[0] ?? option.value}`
    }
    case 'dnp3_ind': {
      const set = Object.entries(DNP3_INDICATIONS).filter(([, bit]) => (option.bits & bit) !== 0)
      const list = set.map(([name]) => name).join(',')
      return `dnp3_ind:${dialect === 'snort3' ? `"${list}"` : list}`
    }
    case 'dnp3_obj':
      return dialect === 'snort3'
        ? `dnp3_obj:group ${option.group},var ${option.variation}`
        : `dnp3_obj:${option.group},${option.variation}`
  }
}

export const industrialOptions: readonly OptionSpec[] = [
  numberOption('dnp3_func', BOTH, '<name>|<number>', 'function of the DNP3 message'),
  {
    name: 'dnp3_ind',
    dialects: BOTH,
    status: 'evaluated',
    argument: '<flag>[,<flag>…]',
    help: 'internal indications of the DNP3 response: any of them',
    section: '3.5',
    parse: parseIndications,
  },
  {
    name: 'dnp3_obj',
    dialects: BOTH,
    status: 'evaluated',
    argument: '<group>,<variation> | group <n>,var <n>',
    help: 'first object of the DNP3 message',
    section: '3.5',
    parse: parseObject,
  },
  sticky('dnp3_data', BUF.DNP3_DATA, 'what follows looks at the DNP3 application fragment'),
  numberOption('modbus_func', BOTH, '<name>|<number>', 'function of the Modbus message'),
  numberOption('modbus_unit', BOTH, '<number>', 'unit of the Modbus message'),
  sticky('modbus_data', BUF.MODBUS_DATA, 'what follows looks at the data behind the Modbus function'),
  numberOption('iec104_apci_type', SNORT3, 'u|s|i|<number>', 'format of the IEC 60870-5-104 message'),
  numberOption('iec104_asdu_func', SNORT3, '<name>|<number>', 'ASDU type of the IEC 60870-5-104 message'),
]
