// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the attacks are written with ${, in plain strings
import { type Case, reply } from '../traffic.js'

/** Traffic for leaks.rules. */
export const leaks: readonly Case[] = [
  {
    sid: 9012001,
    fire: reply('<p>You have an error in your SQL syntax; check the manual</p>'),
    nearMiss: reply('<p>Common SQL syntax errors</p>'),
  },
  {
    sid: 9012002,
    fire: reply("Unclosed quotation mark after the character string '1'.", {
      status: '500 Internal Server Error',
    }),
    nearMiss: reply('Unclosed quotation mark'),
  },
  {
    sid: 9012003,
    fire: reply('ORA-01756: quoted string not properly terminated'),
    nearMiss: reply('Order ORA-00042 shipped'),
  },
  {
    sid: 9012004,
    fire: reply('Warning: pg_query(): Query failed: ERROR: syntax error'),
    nearMiss: reply('<h1>pg_query() manual</h1>'),
  },
  {
    sid: 9012005,
    fire: reply('<b>Fatal error</b>:  Uncaught Error: x in <b>/var/www/a.php</b> on line <b>3</b>'),
    nearMiss: reply('<b>Fatal error</b>: please call us'),
  },
  {
    sid: 9012006,
    fire: reply('<html><title>Object reference not set</title>[HttpException (0x80004005): x]', {
      status: '500 Internal Server Error',
    }),
    nearMiss: reply('<title>How to read [HttpException] pages</title>[HttpException'),
  },
  {
    sid: 9012007,
    fire: reply('java.lang.NullPointerException\n\tat com.example.A.b(A.java:3)\n', {
      status: '500 Internal Server Error',
    }),
    nearMiss: reply('java.lang.NullPointerException\n\tat com.example.A.b(A.java:3)\n'),
  },
  {
    sid: 9012008,
    fire: reply(
      '<title>NameError // Werkzeug Debugger</title><script>var CONSOLE_MODE = false, EVALEX = true</script>',
    ),
    nearMiss: reply('<h1>Using the Werkzeug debugger</h1>'),
  },
  {
    sid: 9012009,
    fire: reply(
      '<p>You are seeing this because you have <code>DEBUG = True</code> in your Django settings file</p>',
    ),
    nearMiss: reply('<p>Set DEBUG = True in Django</p>'),
  },
  {
    sid: 9012010,
    fire: reply(
      '<html><head><title>Index of /backup</title></head><body><a href="/">Parent Directory</a></body></html>',
    ),
    nearMiss: reply('<html><head><title>Index of /r/ posts</title></head></html>'),
  },
  {
    sid: 9012011,
    fire: reply('root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n', {
      type: 'text/plain',
    }),
    nearMiss: reply('chroot:x:0:0:see the manual'),
  },
  {
    sid: 9012012,
    fire: reply(`-----BEGIN RSA PRIVATE KEY-----\n${'A'.repeat(64)}\n`, { type: 'text/plain' }),
    nearMiss: reply('<p>The file begins with -----BEGIN RSA PRIVATE KEY-----</p>'),
  },
  {
    sid: 9012013,
    fire: reply(
      '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n',
      { type: 'text/plain' },
    ),
    nearMiss: reply('aws_secret_access_key = YOUR_KEY_HERE'),
  },
  {
    sid: 9012014,
    fire: reply('APP_NAME=Shop\nAPP_KEY=base64:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n', {
      type: 'text/plain',
    }),
    nearMiss: reply('Set APP_KEY to a base64 value'),
  },
  {
    sid: 9012015,
    fire: reply('[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n', { type: 'text/plain' }),
    nearMiss: reply('<p>repositoryformatversion is a setting</p>'),
  },
  {
    sid: 9012016,
    fire: reply('<html><head><title>PHP 8.2.1 - phpinfo()</title></head></html>'),
    nearMiss: reply('<title>The phpinfo() function</title>'),
  },
  {
    sid: 9012017,
    fire: reply('-- MySQL dump 10.13  Distrib 8.0.35\n', { type: 'text/plain' }),
    nearMiss: reply('<p>Such files begin with a line of the form: -- MySQL dump 10.13</p>'),
  },
  {
    sid: 9012018,
    fire: reply('uid=0(root) gid=0(root) groups=0(root)\n', { type: 'text/plain' }),
    nearMiss: reply('uid=1000(alice) gid=1000(alice)\n', { type: 'text/plain' }),
  },
  {
    sid: 9012019,
    fire: reply('; for 16-bit app support\r\n[fonts]\r\n[extensions]\r\n', { type: 'text/plain' }),
    nearMiss: reply('; for 16-bit app support see the manual'),
  },
]
