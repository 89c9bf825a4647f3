/** pcre: delimiters, flags, buffers, the cursor, negation. */
import { exchange } from '../detect/harness.js'
import { FIRES, SILENT, table } from './table.js'

table('how an expression is written', 'both', [
  ['pcre:"/a.c/";', 'xabcx', FIRES, 'anywhere'],
  ['pcre:/a.c/;', 'xabcx', FIRES, 'quotes may be left out'],
  ['pcre:"m?a.c?";', 'abc', FIRES, 'another delimiter behind m'],
  ['pcre:"m!a.c!i";', 'ABC', FIRES, 'another delimiter, and flags'],
  ['pcre:"/a\\/c/";', 'a/c', FIRES, 'an escaped delimiter'],
  ['pcre:"/a\\;c/";', 'a;c', FIRES, 'an escaped semicolon'],
  ['pcre:"/a\\x3bc/";', 'a;c', FIRES, 'a semicolon by its number'],
  ['pcre:!"/abc/";', 'abd', FIRES, 'negated'],
  ['pcre:!"/abc/";', 'abc', SILENT, 'negated'],
  ['pcre: ! "/abc/";', 'abd', FIRES, 'negated, with blanks'],
  ['pcre:"/(?P<n>a)(?P=n)/";', 'aa', FIRES, 'names of groups'],
  ['pcre:"/(a)\\1/";', 'aa', FIRES, 'a backreference'],
  ['pcre:"/(?<=a)b/";', 'ab', FIRES, 'a lookbehind'],
  ['pcre:"/a++b/";', 'aab', FIRES, 'a possessive quantifier'],
  ['pcre:"/(?i)abc/";', 'ABC', FIRES, 'inline flags'],
])

table('a quote inside', '2.9', [
  ['pcre:"/a"b/";', 'a"b', FIRES, 'an unescaped quote does not end the option'],
])

table('flags', 'both', [
  ['pcre:"/abc/";', 'ABC', SILENT, 'case matters'],
  ['pcre:"/abc/i";', 'ABC', FIRES, 'i: it does not'],
  ['pcre:"/\xe4/i";', '\xc4', SILENT, 'i: letters of ASCII only'],
  ['pcre:"/a.b/";', 'a\nb', SILENT, '. is no line end'],
  ['pcre:"/a.b/";', 'a\rb', FIRES, '… which CR is not'],
  ['pcre:"/a.b/s";', 'a\nb', FIRES, 's: . is every byte'],
  ['pcre:"/^b/";', 'a\nb', SILENT, '^ is the start'],
  ['pcre:"/^b/m";', 'a\nb', FIRES, 'm: ^ is behind every line end'],
  ['pcre:"/^b/m";', 'a\rb', SILENT, '… which CR is not'],
  ['pcre:"/a$/";', 'ba\n', FIRES, '$ is before a last line end, too'],
  ['pcre:"/a$/E";', 'ba\n', SILENT, 'E: $ is the very end'],
  ['pcre:"/a$/m";', 'a\r\nb', SILENT, 'm: $ is before LF, not before CR LF'],
  ['pcre:"/a$/m";', 'a\nb', FIRES, 'm: $ is before every line end'],
  ['pcre:"/a b c/x";', 'abc', FIRES, 'x: blanks mean nothing'],
  ['pcre:"/bc/A";', 'abc', SILENT, 'A: only where the search begins'],
  ['pcre:"/ab/A";', 'abc', FIRES, 'A: only where the search begins'],
  ['pcre:"/\\s/";', 'a\xa0b', SILENT, 'a no-break space is no blank'],
  ['pcre:"/abc/O";', 'abc', FIRES, 'O: without the limit'],
])

table('G and the cursor', '2.9', [
  ['pcre:"/a+/"; content:"b"; within:1;', 'aab', FIRES, 'greedy: the cursor stands behind the last a'],
  ['pcre:"/a+/G"; content:"a"; within:1;', 'aab', FIRES, 'ungreedy: behind the first'],
  ['pcre:"/a+/"; content:"ab"; within:2;', 'aab', SILENT, 'greedy: nothing is given back'],
])

table('the cursor', '2.9', [
  ['content:"x"; pcre:"/^abc/R";', 'xabc', FIRES, 'R: the subject begins at the cursor'],
  ['content:"x"; pcre:"/^abc/R";', 'x.abc', SILENT, 'R: … so ^ is there'],
  ['content:"x"; pcre:"/abc/R";', 'abcx', SILENT, 'R: nothing before it counts'],
  ['content:"x"; pcre:"/abc/";', 'abcx', FIRES, 'without R: from the start'],
  ['content:"x"; pcre:"/^$/R";', 'x', SILENT, 'R: an empty subject is not tried'],
  ['pcre:"/abc/R";', '..abc', FIRES, 'R without a cursor: from the start'],
  ['pcre:"/abc/"; content:"d"; within:1;', 'abcd', FIRES, 'the cursor goes behind the match'],
  ['content:"x"; pcre:!"/q/"; content:"a"; within:1;', 'xa', FIRES, 'a negated expression moves no cursor'],
  ['content:"x"; pcre:!"/^a/R";', 'xb', FIRES, 'negated and relative'],
  ['content:"x"; pcre:!"/^a/R";', 'xbxa', FIRES, 'negated and relative: the first x does it'],
  ['content:"x"; pcre:!"/^a/R";', 'xa', SILENT, 'negated and relative'],
  ['content:"x"; pcre:"/(?<=x)a/R";', 'xa', SILENT, 'R: a lookbehind does not see before the cursor'],
  ['pcre:"/ab/B"; content:"c"; within:1;', 'abc', FIRES, 'B: the bytes as they came'],
])

const REQUEST =
  'POST /a%20b/c.php?q=%41 HTTP/1.1\r\nHost: h\r\nCookie: k=1%32\r\nX-Y: z%41\r\nContent-Length: 5\r\n\r\nbo=dy'
const RESPONSE = 'HTTP/1.1 404 Not Found\r\nServer: s\r\nContent-Length: 4\r\n\r\ntext'
const web = exchange(REQUEST, RESPONSE)

table('buffers by flag', '2.9', [
  ['flow:to_server; pcre:"/^\\/a b\\/c\\.php\\?q=A$/U";', web, FIRES, 'U: the normalised URI'],
  ['flow:to_server; pcre:"/^\\/a%20b/I";', web, FIRES, 'I: the URI as sent'],
  ['flow:to_server; pcre:"/^bo=dy$/P";', web, FIRES, 'P: the body of the request'],
  ['flow:to_server; pcre:"/^X-Y: zA/mH";', web, FIRES, 'H: the headers'],
  ['flow:to_server; pcre:"/k=1/H";', web, SILENT, 'H: … without the cookies'],
  ['flow:to_server; pcre:"/^X-Y: z%41/mD";', web, FIRES, 'D: the headers as sent'],
  ['flow:to_server; pcre:"/^k=12/C";', web, FIRES, 'C: the cookies'],
  ['flow:to_server; pcre:"/^k=1%32/K";', web, FIRES, 'K: the cookies as sent'],
  ['flow:to_server; pcre:"/^POST$/M";', web, FIRES, 'M: the method'],
  ['flow:to_client; pcre:"/^404$/S";', web, FIRES, 'S: the status code'],
  ['flow:to_client; pcre:"/^Not Found$/Y";', web, FIRES, 'Y: the status text'],
  ['flow:to_client; pcre:"/./U";', web, SILENT, 'a buffer that is not there: no match'],
  ['flow:to_client; pcre:!"/xyz/U";', web, SILENT, 'a buffer that is not there: negated, neither'],
  [
    'flow:to_server; content:"/a b"; http_uri; pcre:"/^\\/c/UR";',
    web,
    FIRES,
    'R with a buffer: from its cursor',
  ],
  [
    'flow:to_server; content:"/a b"; http_uri; pcre:"/q=A/U"; content:"/c"; http_uri; within:2;',
    web,
    FIRES,
    'expressions on HTTP buffers move no cursor',
  ],
  ['flow:to_client; file_data; pcre:"/^text$/";', web, FIRES, 'behind file_data: the body'],
  [
    'flow:to_client; file_data; pcre:"/^404/S"; content:"text"; depth:4;',
    web,
    FIRES,
    'a flag overrides file_data for that option only',
  ],
])

table('buffers by name', '3', [
  ['http_uri; pcre:"/^\\/a b\\/c\\.php\\?q=A$/";', web, FIRES, 'the normalised URI'],
  ['http_raw_uri; pcre:"/^\\/a%20b/";', web, FIRES, 'the URI as sent'],
  ['http_client_body; pcre:"/^bo=dy$/";', web, FIRES, 'the body of the request'],
  ['http_header; pcre:"/^X-Y: zA/m";', web, FIRES, 'the headers'],
  ['http_header:field x-y; pcre:"/^z%41$/";', web, FIRES, 'one header: nothing in it is decoded'],
  ['http_cookie; pcre:"/^k=12/";', web, FIRES, 'the cookies'],
  ['http_method; pcre:"/^POST$/";', web, FIRES, 'the method'],
  ['flow:to_client; http_stat_code; pcre:"/^404$/";', web, FIRES, 'the status code'],
  ['flow:to_client; http_stat_msg; pcre:"/^Not Found$/";', web, FIRES, 'the status text'],
  ['http_uri; content:"/a b"; pcre:"/^\\/c/R";', web, FIRES, 'R: from the cursor'],
  [
    'http_uri; content:"/a b"; pcre:"/q=A/"; content:"/c",within 2;',
    web,
    SILENT,
    'expressions move the cursor in every buffer',
  ],
  ['http_uri; pcre:!"/xyz/";', web, FIRES, 'negated'],
])
