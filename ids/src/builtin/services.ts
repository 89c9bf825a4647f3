/** Events of the inspectors of services other than HTTP, by Snort 3's numbers. Only those that they can tell are here. */
import type { EventTable } from './rules.js'

export const RPC_GID = 106
export const SMTP_GID = 124
export const FTP_GID = 125
export const SSH_GID = 128
export const SMB_GID = 133
export const SSL_GID = 137
export const IMAP_GID = 141
export const POP_GID = 142
export const IEC104_GID = 151

export const RPC_EVENT = { INCOMPLETE: 4 } as const
export const SMTP_EVENT = { LONG_COMMAND: 4, UNKNOWN_COMMAND: 5, MIXED_LINE_ENDS: 18 } as const
export const FTP_EVENT = {
  INVALID_COMMAND: 2,
  LONG_PARAMETER: 3,
  MALFORMED_PARAMETER: 4,
  FORMAT_STRING: 5,
  BOUNCE: 8,
} as const
export const SSH_EVENT = { LONG_VERSION: 3, NO_VERSION: 7 } as const
export const SMB_EVENT = { MESSAGE_TYPE: 3, NO_DATA: 48 } as const
export const SSL_EVENT = { CLIENT_AFTER_SERVER: 1, SERVER_WITHOUT_CLIENT: 2 } as const
/** IMAP and POP3 alike. */
export const MAIL_EVENT = { UNKNOWN_COMMAND: 1, UNKNOWN_RESPONSE: 2 } as const
export const IEC104_EVENT = { RESERVED_U: 4, U_TYPE: 5, RESERVED_S: 6 } as const

export const SERVICE_EVENTS: readonly EventTable[] = [
  {
    gid: RPC_GID,
    inspector: 'rpc_decode',
    texts: { [RPC_EVENT.INCOMPLETE]: 'incomplete RPC segment' },
  },
  {
    gid: SMTP_GID,
    inspector: 'smtp',
    texts: {
      [SMTP_EVENT.LONG_COMMAND]: 'attempted specific command buffer overflow',
      [SMTP_EVENT.UNKNOWN_COMMAND]: 'unknown command',
      [SMTP_EVENT.MIXED_LINE_ENDS]: 'mixed LF and CRLF as end of line',
    },
  },
  {
    gid: FTP_GID,
    inspector: 'ftp_server',
    texts: {
      [FTP_EVENT.INVALID_COMMAND]: 'invalid FTP command',
      [FTP_EVENT.LONG_PARAMETER]: 'FTP command parameters were too long',
      [FTP_EVENT.MALFORMED_PARAMETER]: 'FTP command parameters were malformed',
      [FTP_EVENT.FORMAT_STRING]: 'FTP command parameters contained potential string format',
      [FTP_EVENT.BOUNCE]: 'FTP bounce attempt',
    },
    // ftp_client.bounce.
    onRequest: [FTP_EVENT.BOUNCE],
  },
  {
    gid: SSH_GID,
    inspector: 'ssh',
    texts: {
      [SSH_EVENT.LONG_VERSION]: 'server version string overflow',
      [SSH_EVENT.NO_VERSION]: 'failed to detect SSH version string',
    },
  },
  {
    gid: SMB_GID,
    inspector: 'dce_smb',
    texts: {
      [SMB_EVENT.MESSAGE_TYPE]: 'SMB - bad SMB message type',
      [SMB_EVENT.NO_DATA]: 'SMB - zero data count',
    },
  },
  {
    gid: SSL_GID,
    inspector: 'ssl',
    texts: {
      [SSL_EVENT.CLIENT_AFTER_SERVER]: 'invalid client HELLO after server HELLO detected',
      [SSL_EVENT.SERVER_WITHOUT_CLIENT]: 'invalid server HELLO without client HELLO detected',
    },
  },
  {
    gid: IMAP_GID,
    inspector: 'imap',
    texts: {
      [MAIL_EVENT.UNKNOWN_COMMAND]: 'unknown IMAP4 command',
      [MAIL_EVENT.UNKNOWN_RESPONSE]: 'unknown IMAP4 response',
    },
  },
  {
    gid: POP_GID,
    inspector: 'pop',
    texts: {
      [MAIL_EVENT.UNKNOWN_COMMAND]: 'unknown POP3 command',
      [MAIL_EVENT.UNKNOWN_RESPONSE]: 'unknown POP3 response',
    },
  },
  {
    gid: IEC104_GID,
    inspector: 'iec104',
    texts: {
      [IEC104_EVENT.RESERVED_U]: 'IEC104 APCI U reserved field contains a non-default value',
      [IEC104_EVENT.U_TYPE]: 'IEC104 APCI U message type was set to an invalid value',
      [IEC104_EVENT.RESERVED_S]: 'IEC104 APCI S reserved field contains a non-default value',
    },
  },
]
