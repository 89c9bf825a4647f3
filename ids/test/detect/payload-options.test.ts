/** Options about bytes: rule text and what a client says on a port that is not HTTP's, against whether it alerts. */
import { describe, expect, it } from 'vitest'
import { clientSays, sids } from './harness.js'

type Row = readonly [options: string, payload: string, fires: boolean, dialect?: 'snort3']

function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [options, payload, fires, dialect] of rows) {
      it(`${options} on ${JSON.stringify(payload)}: ${fires}`, () => {
        const rule = `alert tcp any any -> any 7777 (msg:"t"; ${options} sid:1;)`
        const packets = clientSays(Buffer.from(payload, 'latin1'))
        expect(sids(rule, packets, dialect ? { dialect } : {})).toEqual(fires ? [1] : [])
      })
    }
  })
}

table('content', [
  ['content:"abc";', 'xxabcxx', true],
  ['content:"abc";', 'xxaBcxx', false],
  ['content:"aBc"; nocase;', 'xxAbCxx', true],
  ['content:"a|62 63|";', 'abc', true],
  ['content:!"abc";', 'xxabxx', true],
  ['content:!"abc";', 'xxabc', false],
  ['content:"abc"; depth:3;', 'abcx', true],
  ['content:"abc"; depth:3;', 'xabc', false],
  ['content:"abc"; offset:1;', 'abcx', false],
  ['content:"abc"; offset:1; depth:4;', 'xxabc', true],
  ['content:"abc"; offset:1; depth:3;', 'xxabc', false],
  ['content:!"abc"; depth:3;', 'xabc', true],
  ['content:!"abc"; offset:40;', 'abc', true],
  ['content:"|00 00|";', 'a\0\0b', true],
])

table('distance and within', [
  ['content:"ab"; content:"cd"; distance:0;', 'ab..cd', true],
  ['content:"ab"; content:"cd"; distance:0;', 'cdab', false],
  ['content:"ab"; content:"cd"; distance:2;', 'ab.cd', false],
  ['content:"ab"; content:"cd"; distance:2;', 'ab..cd', true],
  ['content:"ab"; content:"cd"; within:2;', 'abcd', true],
  ['content:"ab"; content:"cd"; within:2;', 'ab.cd', false],
  ['content:"ab"; content:"cd"; distance:1; within:3;', 'ab..cd', true],
  ['content:"ab"; content:"cd"; distance:1; within:2;', 'ab..cd', false],
  ['content:"ab"; content:"ba"; distance:-1;', 'aba', true],
  ['content:"ab"; content:!"cd"; within:4;', 'ab..cd', false],
  ['content:"ab"; content:!"cd"; within:3;', 'ab..cd', true],
  // A negated content that does not fit behind the cursor holds.
  ['content:"ab"; content:!"cd"; within:4;', 'xxab', true],
  ['content:"ab"; content:"cd"; within:4;', 'xxab', false],
])

table('bytes as they came', [
  // Where nothing was decoded they are packet data, and the cursor is in both.
  ['content:"ab"; rawbytes; content:"cd"; within:2;', 'abcd', true],
  ['content:"ab"; rawbytes; content:"cd"; within:2;', 'cd.ab', false],
  ['content:"ab"; content:"cd"; within:2; rawbytes;', 'xabcd', true],
])

table('retry', [
  // An expression bound to where it begins may match once more right behind its match.
  ['content:"v"; pcre:"/[ab]/AR"; byte_test:1,>,98,0,relative;', 'vbai', true],
  ['content:"v"; pcre:"/\\G[ab]/R"; byte_test:1,>,98,0,relative;', 'vbai', true],
  ['content:"v"; pcre:"/[ab]/AR"; byte_test:1,>,98,0,relative;', 'vb.ai', false],
  ['content:"v"; pcre:"/^[ab]/R"; byte_test:1,>,98,0,relative;', 'vbai', false],
  // The first match, of nothing at the start, leaves the cursor where it was: behind the second.
  ['content:"#x"; pcre:"/A*?/"; content:"xab"; distance:0;', '#xab', true],
  ['content:"#x"; pcre:"/A*?/"; content:"yab"; distance:0;', '#xab', false],
  // A content that an expression holds, too, still says where the next option begins.
  ['pcre:"/abx/i"; content:"ab", nocase; ber_skip:2;', 'ab\x02\x01\x05.abx', true, 'snort3'],
  // The first "ab" is not followed by "cd", the second is.
  ['content:"ab"; content:"cd"; within:2;', 'ab ab abcd', true],
  ['content:"ab"; content:!"cd"; within:2;', 'abcd ab', true],
  ['content:"ab"; content:!"cd"; within:2;', 'abcd abcd', false],
  ['content:"aa"; content:"b"; within:1;', 'aaab', true],
  ['content:"a"; content:"b"; within:2; content:"c"; within:1;', 'ab. a.bc', true],
  // What stands between is not relative: the first match counts.
  ['content:"ab"; content:"x"; content:"cd"; within:2; distance:0;', 'x ab abcd', false],
  ['content:"ab"; flow:established; content:"cd"; within:2;', 'ab abcd', false],
  ['content:"a"; byte_test:1,=,0x39,0,relative;', 'a1 a9', true],
  ['content:"a"; isdataat:!2,relative;', 'a.a..a.', true],
  ['content:"a"; depth:3; content:"b"; within:1;', 'a. ab', false],
])

table('pcre', [
  ['pcre:"/a.c/";', 'xabcx', true],
  ['pcre:"/a.c/";', 'xaBCx', false],
  ['pcre:"/a.c/i";', 'xaBCx', true],
  ['pcre:"/a.c/";', 'a\nc', false],
  ['pcre:"/a.c/s";', 'a\nc', true],
  ['pcre:"/^b/";', 'a\nb', false],
  ['pcre:"/^b/m";', 'a\nb', true],
  ['pcre:!"/b/";', 'aac', true],
  ['pcre:!"/b/";', 'abc', false],
  ['content:"ab"; pcre:"/^cd/R";', 'abcd', true],
  ['content:"ab"; pcre:"/^cd/R";', 'ab cd', false],
  ['content:"ab"; pcre:"/cd$/R";', 'ab..cd', true],
  // The content is tried again for a relative expression.
  ['content:"ab"; pcre:"/^cd/R";', 'ab abcd', true],
  ['pcre:"/a+/"; content:"b"; within:1;', 'aa. aab', true],
  ['pcre:"/a/"; content:"b"; distance:0;', 'b..a', false],
  // An expression at the very end of the buffer has no subject.
  ['content:"ab"; pcre:"/^$/R";', 'ab', false],
  ['pcre:"/x{5}/";', 'xxxx', false],
  ['pcre:"/x{5}/";', 'xxxxx', true],
])

table('isdataat', [
  ['isdataat:3;', 'abcd', true],
  ['isdataat:3;', 'abc', false],
  ['isdataat:!3;', 'abc', true],
  ['isdataat:!3;', 'abcd', false],
  ['content:"b"; isdataat:1,relative;', 'abcd', true],
  ['content:"b"; isdataat:1,relative;', 'abc', false],
  ['content:"b"; isdataat:!0,relative;', 'ab', true],
])

table('byte_test', [
  ['byte_test:1,=,97,0;', 'abc', true],
  ['byte_test:1,!=,97,0;', 'abc', false],
  ['byte_test:2,>,0x6161,0;', 'abc', true],
  ['byte_test:2,<,0x6262,0;', 'ab', true],
  ['byte_test:2,=,0x6261,0,little;', 'ab', true],
  ['byte_test:4,>,0x7fffffff,0;', '\xff\xff\xff\xff', true],
  ['byte_test:1,&,0x80,0;', '\x81', true],
  ['byte_test:1,&,0x80,0;', '\x7f', false],
  ['byte_test:1,!&,0x80,0;', '\x7f', true],
  ['byte_test:1,^,0x61,0;', 'b', true],
  ['byte_test:1,>=,0x61,1;', 'xa', true],
  ['byte_test:1,<=,0x60,1;', 'xa', false],
  ['content:"len="; byte_test:3,>,99,0,relative,string,dec;', 'len=123', true],
  ['content:"len="; byte_test:3,>,99,0,relative,string,dec;', 'len= 12', false],
  ['content:"len="; byte_test:2,=,255,0,relative,string,hex;', 'len=ff', true],
  ['content:"len="; byte_test:4,=,255,0,relative,string,hex;', 'len=0xff', true],
  ['content:"len="; byte_test:3,=,8,0,relative,string,oct;', 'len=010', true],
  ['byte_test:3,>,0,0,string,dec;', 'abc', false],
  // Bytes that are not wholly there: the test fails, negated or not.
  ['byte_test:4,>,0,0;', 'abc', false],
  ['content:"len="; byte_test:8,=,368,0,relative,string;', 'len=368', false],
  ['byte_test:4,!=,0,0;', 'abc', false],
  ['content:"b"; byte_test:1,=,97,-2,relative;', 'ab', true],
  ['content:"b"; byte_test:1,=,97,-3,relative;', 'ab', false],
  ['byte_test:1,=,4,0,bitmask 0xf0;', '\x41', true],
])

table('byte_jump', [
  ['byte_jump:1,0; content:"end"; within:3;', '\x03...end', true],
  ['byte_jump:1,0; content:"end"; within:3;', '\x02...end', false],
  ['content:"x"; byte_jump:2,0,relative; content:"end"; within:3;', '.x\0\x02..end', true],
  ['content:"x"; byte_jump:2,0,relative,little; content:"end"; within:3;', '.x\x02\0..end', true],
  ['byte_jump:1,0,multiplier 2; content:"end"; within:3;', '\x02....end', true],
  ['byte_jump:1,0,align; content:"end"; within:3;', '\x03....end', true],
  ['byte_jump:1,0,from_beginning; content:"end"; within:3;', '\x04...end', true],
  ['byte_jump:1,0,post_offset -1; content:"end"; within:3;', '\x03..end', true],
  ['byte_jump:1,0; isdataat:!0,relative;', '\x03abc', true],
  ['byte_jump:1,0;', '\x04abc', false],
  ['byte_jump:2,0,string,dec; content:"end"; within:3;', '03...end', true],
  ['content:"x"; byte_jump:1,0,relative; content:"end"; within:3;', 'x\x09x\x01.end', true],
])

table('byte_extract', [
  ['byte_extract:1,0,n; content:"x"; offset:n; depth:1;', '\x03..x', true],
  ['byte_extract:1,0,n; content:"x"; offset:n; depth:1;', '\x02..x', false],
  ['content:"l="; byte_extract:1,0,n,relative; content:"x"; distance:n; within:1;', 'l=\x02..x', true],
  ['byte_extract:1,0,n; isdataat:n;', '\x02ab', true],
  ['byte_extract:1,0,n; isdataat:n;', '\x03ab', false],
  ['byte_extract:1,0,n; byte_test:1,=,n,1;', 'aa', true],
  ['byte_extract:1,0,n; byte_test:1,=,n,1;', 'ab', false],
  ['byte_extract:1,0,n,multiplier 2; content:"x"; offset:n; depth:1;', '\x02...x', true],
  // Every later start gives the variable another value.
  ['content:"l"; byte_extract:1,0,n,relative; content:"x"; distance:n; within:1;', 'l\x09l\x01.x', true],
])

table('base64', [
  ['base64_decode:relative; base64_data; content:"hello";', 'aGVsbG8=', true],
  ['content:"b="; base64_decode:relative; base64_data; content:"hello";', 'b=aGVsbG8= x', true],
  ['content:"b="; base64_decode:relative; base64_data; content:"hello"; depth:5;', 'b=YWhlbGxv', false],
  ['base64_decode:bytes 4,offset 2; base64_data; content:"hel"; depth:3;', '..aGVsbG8=', true],
  ['base64_decode:bytes 4,offset 2; base64_data; content:"lo";', '..aGVsbG8=', false],
  ['content:"b="; base64_decode:relative; base64_data; content:"hello";', 'b=aGV\r\n sbG8=', true],
  ['content:"b="; base64_decode:relative; base64_data; content:"hello";', 'b=aGV\r\nsbG8=', false],
  ['content:"b="; base64_decode:relative; base64_data; pcre:"/^h.l/";', 'b=aGVsbG8=', true],
  ['content:"b="; base64_decode:relative;', 'b=!', false],
])

table('Snort 3 text', [
  ['content:"ABC",nocase; content:"d",distance 0,within 1;', 'abcd', true, 'snort3'],
  ['content:"abc",depth 3;', 'xabc', false, 'snort3'],
  ['pkt_data; content:"ab"; isdataat:!0,relative;', 'ab', true, 'snort3'],
  ['raw_data; content:"ab",offset 1;', '.ab', true, 'snort3'],
  // A start before the buffer is moved to its beginning.
  ['content:"b"; content:"a",distance -9;', 'ab', true, 'snort3'],
  ['bufferlen:3;', 'abc', true, 'snort3'],
  // A number in text form is read as far as the buffer goes.
  ['content:"len="; byte_test:8,=,368,0,relative,string;', 'len=368', true, 'snort3'],
  ['content:"len="; byte_test:8,=,368,0,relative,string;', 'len=', false, 'snort3'],
  ['bufferlen:<3;', 'abc', false, 'snort3'],
  ['bufferlen:2<=>3;', 'abc', true, 'snort3'],
  ['bufferlen:2<>3;', 'abc', false, 'snort3'],
])

describe('a start before the buffer, Snort 2', () => {
  it('fails, negated or not, unless the window reaches into the buffer', () => {
    expect(
      sids('alert tcp any any -> any any (content:"b"; content:"a"; distance:-9; sid:1;)', clientSays('ab')),
    ).toEqual([])
    expect(
      sids('alert tcp any any -> any any (content:"b"; content:!"x"; distance:-9; sid:1;)', clientSays('ab')),
    ).toEqual([])
    expect(
      sids(
        'alert tcp any any -> any any (content:"b"; content:"a"; distance:-9; within:8; sid:1;)',
        clientSays('ab'),
      ),
    ).toEqual([1])
  })
})
