/** Services: rules that name them, ports then, and files whoever carries them. */
import { type CapturedFrame, conversation, dialogue, merge } from '../../../test/support/conversation.js'
import { exchange } from '../detect/harness.js'
import { bytes, smb2Write } from '../protocol/messages.js'
import { FIRES, SILENT, table } from './table.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nthe file'
const GET = 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n'
const web = (port: number): readonly CapturedFrame[] => exchange(GET, OK, port)
const twice = conversation({ serverPort: 80 })
  .handshake()
  .client(GET)
  .server(OK)
  .client(GET.replace('/x', '/y'))
  .server(OK)
  .close()
  .packets()
const upload = exchange(
  'POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nthe file',
  OK.replace('the file', 'all fine'),
)
const MAIL =
  'From: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\ndGhlIGZpbGU=\r\n.\r\n'
const mail = conversation({ serverPort: 25 })
  .handshake()
  .server('220 smtp ready\r\n')
  .client('EHLO x\r\n')
  .server('250 ok\r\n')
  .client('MAIL FROM:<a>\r\n')
  .server('250 ok\r\n')
  .client('RCPT TO:<b>\r\n')
  .server('250 ok\r\n')
  .client('DATA\r\n')
  .server('354 go on\r\n')
  .client(MAIL)
  .server('250 ok\r\n')
  .close()
  .packets()
const ends = { client: '10.0.0.1', server: '10.0.0.2' }
const transfer = merge(
  conversation({ ...ends, clientPort: 4000, serverPort: 21, start: 1 })
    .handshake()
    .server('220 FTP ready\r\n')
    .client('PASV\r\n')
    .server('227 Entering Passive Mode (10,0,0,2,20,1).\r\n')
    .client('RETR x\r\n')
    .server('150 ok\r\n')
    .packets(),
  conversation({ ...ends, clientPort: 4001, serverPort: 5121, start: 2 })
    .handshake()
    .server('the file')
    .close('server')
    .packets(),
)
const share = dialogue([smb2Write(bytes('0123456789abcdef'), bytes('the file'))], { serverPort: 445 })
const plain = conversation({ serverPort: 7777 }).handshake().client('the file').close().packets()

table('files in place of a protocol', '3', [
  ['alert file (file_data; content:"the file"; sid:1;)', web(80), FIRES, 'in a response'],
  ['alert file (file_data; content:"the file"; sid:1;)', web(7777), FIRES, 'on any port'],
  ['alert file (file_data; content:"the file"; sid:1;)', upload, FIRES, 'in a request'],
  ['alert file (file_data; content:"the file"; sid:1;)', mail, FIRES, 'in mail, decoded'],
  ['alert file (file_data; content:"the file"; sid:1;)', transfer, FIRES, 'in a transfer by FTP'],
  ['alert file (file_data; content:"the file"; sid:1;)', share, FIRES, 'written to a share'],
  ['alert file (file_data; content:"the file"; sid:1;)', plain, SILENT, 'not in whatever else is sent'],
  [
    'alert file (file_data; content:"file"; content:"the",within 3; sid:1;)',
    web(80),
    SILENT,
    'other options hold',
  ],
])

table('a service in place of a protocol', '3', [
  ['alert http (http_uri; content:"/x"; sid:1;)', web(7777), FIRES, 'on any port'],
  [
    'alert http any any -> any 81 (http_uri; content:"/x"; sid:1;)',
    web(80),
    SILENT,
    'unless ports are given',
  ],
  ['alert http any any -> any 80 (http_uri; content:"/x"; sid:1;)', web(80), FIRES, 'unless ports are given'],
  ['alert smtp (content:"DATA"; sid:1;)', mail, FIRES, 'another service'],
  ['alert smtp (content:"GET"; sid:1;)', web(25), SILENT, 'a port makes no service'],
])

table('service', '3', [
  [
    'alert tcp any any -> any 81 (service:http; http_uri; content:"/x"; sid:1;)',
    web(7777),
    FIRES,
    'ports do not count where the service is known',
  ],
  [
    'alert tcp any any -> any 80 (service:smtp; content:"the file"; sid:1;)',
    web(80),
    SILENT,
    'a flow of another service',
  ],
  [
    'alert tcp any any -> any 7777 (service:http; content:"the file"; sid:1;)',
    plain,
    FIRES,
    'an unknown service: by ports',
  ],
  [
    'alert tcp any any -> any 7778 (service:http; content:"the file"; sid:1;)',
    plain,
    SILENT,
    'an unknown service: by ports',
  ],
  [
    'alert tcp any any -> any 80 (service:smtp, http; http_uri; content:"/x"; sid:1;)',
    web(80),
    FIRES,
    'one of several',
  ],
  [
    'alert tcp any any -> any 81 (metadata:service http; http_uri; content:"/x"; sid:1;)',
    web(80),
    SILENT,
    'metadata says nothing in Snort 3 text',
  ],
])

table('service in metadata', '2.9', [
  [
    'alert tcp any any -> any 81 (metadata:service http; content:"/x"; http_uri; sid:1;)',
    web(7777),
    FIRES,
    'ports do not count where the service is known',
  ],
  [
    'alert tcp any any -> any 80 (metadata:policy x drop, service smtp; content:"/x"; sid:1;)',
    web(80),
    FIRES,
    'by what a flow begins with its service is not known yet',
  ],
  [
    'alert tcp any any -> any 80 (metadata:policy x drop, service smtp; content:"/y"; sid:1;)',
    twice,
    SILENT,
    'a flow of another service',
  ],
  [
    'alert tcp any any -> any 80 (metadata:service smtp, service http; content:"/x"; http_uri; sid:1;)',
    web(80),
    FIRES,
    'one of several',
  ],
  ['alert tcp any any -> any 81 (content:"/x"; http_uri; sid:1;)', web(80), SILENT, 'no service: by ports'],
  [
    'alert tcp any any -> any 7777 (content:"/x"; http_uri; sid:1;)',
    web(7777),
    FIRES,
    'HTTP is known by its bytes',
  ],
])
