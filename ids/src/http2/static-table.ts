/** The static table of HPACK (RFC 7541 appendix A) as bytes. */

const ENTRIES: readonly (readonly [name: string, value?: string])[] = [
  [':authority'],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset'],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language'],
  ['accept-ranges'],
  ['accept'],
  ['access-control-allow-origin'],
  ['age'],
  ['allow'],
  ['authorization'],
  ['cache-control'],
  ['content-disposition'],
  ['content-encoding'],
  ['content-language'],
  ['content-length'],
  ['content-location'],
  ['content-range'],
  ['content-type'],
  ['cookie'],
  ['date'],
  ['etag'],
  ['expect'],
  ['expires'],
  ['from'],
  ['host'],
  ['if-match'],
  ['if-modified-since'],
  ['if-none-match'],
  ['if-range'],
  ['if-unmodified-since'],
  ['last-modified'],
  ['link'],
  ['location'],
  ['max-forwards'],
  ['proxy-authenticate'],
  ['proxy-authorization'],
  ['range'],
  ['referer'],
  ['refresh'],
  ['retry-after'],
  ['server'],
  ['set-cookie'],
  ['strict-transport-security'],
  ['transfer-encoding'],
  ['user-agent'],
  ['vary'],
  ['via'],
  ['www-authenticate'],
]

/** Entries are numbered from 1. */
export const STATIC_ENTRIES = ENTRIES.length

const text = ENTRIES.map(([name, value = '']) => name + value).join('')
export const STATIC_BYTES: Uint8Array = Uint8Array.from(text, (char) => char.charCodeAt(0))
/** Entry `n`: its name is `STATIC_BYTES[STATIC_START[n], STATIC_VALUE[n])`, its value goes up to `STATIC_START[n + 1]`. */
export const STATIC_START = new Uint16Array(STATIC_ENTRIES + 2)
export const STATIC_VALUE = new Uint16Array(STATIC_ENTRIES + 1)

{
  let at = 0
  ENTRIES.forEach(([name, value = ''], index) => {
    STATIC_START[index + 1] = at
    STATIC_VALUE[index + 1] = at + name.length
    at += name.length + value.length
  })
  STATIC_START[STATIC_ENTRIES + 1] = at
}
