/** content, its modifiers, buffers and pcre: every form, both dialects. */
import { describe, expect, it } from 'vitest'
import { BUF, partSlot } from '../../src/inspect/buffers.js'
import type { ContentOption, PcreOption, RuleOption } from '../../src/rules/index.js'
import { bytes, options, pointsAt, problem } from './support.js'

function content(body: string, dialect: 'snort2' | 'snort3' = 'snort2'): ContentOption {
  return options(body, dialect).findLast((option) => option.kind === 'content') as ContentOption
}

function pcre(body: string, dialect: 'snort2' | 'snort3' = 'snort2'): PcreOption {
  return options(body, dialect).findLast((option) => option.kind === 'pcre') as PcreOption
}

describe('content literal', () => {
  it.each([
    ['"abc"', 'abc'],
    ['"|41 42 43|"', 'ABC'],
    ['"|414243|"', 'ABC'],
    ['"a|0D 0a|b"', 'a\r\nb'],
    ['"a\\"b\\;c\\:d\\\\e"', 'a"b;c:d\\e'],
    ['"a\\|b"', 'a|b'],
    ['"|00||01|"', '\x00\x01'],
    ['"a:b"', 'a:b'],
    ['" "', ' '],
  ])('%s', (literal, expected) => {
    expect(content(`content:${literal}`).bytes).toEqual(bytes(expected))
    expect(content(`content:${literal}`, 'snort3').bytes).toEqual(bytes(expected))
  })

  it('a blank between hex digits means nothing in Snort 2, and ends a byte in Snort 3', () => {
    expect(content('content:"|4 1|"').bytes).toEqual(bytes('A'))
    expect(content('content:"|d a|"', 'snort3').bytes).toEqual(bytes('\r\n'))
  })

  it('may be negated, with blanks around the sign', () => {
    expect(content('content:!"a"').negated).toBe(true)
    expect(content('content: ! "a"').negated).toBe(true)
    expect(content('content:"!a"').negated).toBe(false)
  })

  it('holds bytes, not characters', () => {
    expect(content('content:"é"').bytes).toEqual(bytes('\xc3\xa9'))
  })

  it('takes 2047 bytes and no more', () => {
    expect(content(`content:"${'a'.repeat(2047)}"`).bytes.length).toBe(2047)
    expect(problem(`content:"${'a'.repeat(2048)}"`)).toMatch(/longer than 2047/)
  })

  it.each([
    ['content:"|4|"', '|"', 'a hex digit is missing'],
    ['content:"|4g|"', 'g|"', "'g' is not a hex digit"],
    ['content:"a|41"', '|41"', "hex bytes are not closed by '|'"],
    ['content:"abc', '"abc', 'the quoted text is not closed'],
    ['content:abc', 'abc', 'must stand in quotes'],
    ['content:""', '""', 'the pattern is empty'],
    ['content:"a" b', 'b', 'unexpected text after the pattern'],
    ['content:"a", casenot', 'casenot', "'casenot' is not understood"],
    ['content', 'content', "'content' needs an argument"],
  ])('%s is wrong at the right place', (body, place, message) => {
    expect(problem(body)).toContain(message)
    expect(pointsAt(body)).toMatch(new RegExp(`^${place.replace(/[|\\]/g, '\\$&')}`))
  })
})

describe('content modifiers', () => {
  it('stand alone in Snort 2.9', () => {
    expect(content('content:"abc"; nocase; offset:4; depth:20')).toMatchObject({
      nocase: true,
      relative: false,
      offset: 4,
      depth: 20,
    })
    expect(content('content:"a"; content:"abc"; distance:-3; within:10')).toMatchObject({
      relative: true,
      offset: -3,
      depth: 10,
    })
  })

  it('stand after commas in Snort 3, and in Snort 2.9 too', () => {
    for (const dialect of ['snort2', 'snort3'] as const) {
      expect(content('content:"abc",nocase, offset 4 ,depth 20', dialect)).toMatchObject({
        nocase: true,
        offset: 4,
        depth: 20,
      })
      expect(content('content:"a"; content:"abc",distance 0,within 3', dialect)).toMatchObject({
        relative: true,
        offset: 0,
        depth: 3,
      })
    }
    expect(content('content:"a",http_uri').buffer).toBe(BUF.HTTP_URI)
  })

  it('are relative with within alone and with distance alone', () => {
    expect(content('content:"ab"; within:5')).toMatchObject({ relative: true, offset: 0, depth: 5 })
    expect(content('content:"ab"; distance:0')).toMatchObject({ relative: true, offset: 0, depth: undefined })
  })

  it('may name a variable extracted before', () => {
    expect(content('byte_extract:2,0,len; content:"abc"; distance:0; within:len')).toMatchObject({
      depth: 'len',
    })
    expect(content('byte_extract:2,0,len; content:"abc"; offset:len; depth:len')).toMatchObject({
      offset: 'len',
      depth: 'len',
    })
    expect(problem('content:"abc"; within:len; byte_extract:2,0,len')).toContain('before this defines')
  })

  it('belong to the content before them even when other options stand between', () => {
    expect(content('content:"a"; pcre:"/x/"; nocase').nocase).toBe(true)
  })

  it('take 0 as no limit in Snort 3 only', () => {
    expect(content('content:"a",depth 0', 'snort3').depth).toBeUndefined()
    expect(problem('content:"a"; depth:0')).toContain('less than the length')
  })

  it.each([
    ['nocase', "'nocase' must follow a content"],
    ['http_uri', "'http_uri' must follow a content"],
    ['content:"abc"; depth:2', 'depth 2 is less than the length of the pattern, 3'],
    ['content:"abc"; within:2', 'within 2 is less than the length of the pattern, 3'],
    ['content:"a"; offset:1; distance:1', 'distance cannot be combined with offset or depth'],
    ['content:"a"; within:5; depth:5', 'depth cannot be combined with distance or within'],
    ['content:"a"; offset:1; within:5', 'within cannot be combined with offset or depth'],
    ['content:"a"; offset:1; offset:2', 'offset is given twice'],
    ['content:"a"; offset:65536', 'offset must be -65535…65535'],
    ['content:"a"; depth:x', 'no byte_extract or byte_math before this'],
    ['content:"a"; depth', "'depth' needs an argument"],
    ['content:"a"; nocase:1', "'nocase' takes no argument"],
    ['content:"a"; http_uri; http_header', 'the content already names a buffer'],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })

  it('of Snort 2.9 are refused in Snort 3 text, and say so', () => {
    expect(problem('content:"a"; nocase', 'snort3')).toContain("'nocase' is a Snort 2.9 option")
    expect(problem('content:"a",http_uri', 'snort3')).toContain("'http_uri' is not understood")
  })
})

describe('fast_pattern', () => {
  it.each([
    ['content:"abc"; fast_pattern', { only: false, slice: undefined }],
    ['content:"abc"; fast_pattern:only', { only: true, slice: undefined }],
    ['content:"abcdef"; fast_pattern:1,3', { only: false, slice: [1, 3] }],
    ['content:"abc",fast_pattern', { only: false, slice: undefined }],
  ])('%s', (body, expected) => {
    expect(content(body).fastPattern).toEqual(expected)
  })

  it.each([
    ['content:"abc",fast_pattern', { only: false, slice: undefined }],
    [
      'content:"abcdef",fast_pattern,fast_pattern_offset 1,fast_pattern_length 3',
      { only: false, slice: [1, 3] },
    ],
    ['content:"abcdef",fast_pattern_offset 2', { only: false, slice: [2, 4] }],
    ['content:"abcdef",fast_pattern_length 2,fast_pattern', { only: false, slice: [0, 2] }],
  ])('Snort 3: %s', (body, expected) => {
    expect(content(body, 'snort3').fastPattern).toEqual(expected)
  })

  it.each([
    ['content:"abc"; fast_pattern; content:"def"; fast_pattern', 'only one content'],
    ['content:"abc"; fast_pattern:1,3', 'reaches beyond'],
    ['content:"abc"; fast_pattern:1,0', 'reaches beyond'],
    ['content:"abc"; fast_pattern:only; offset:3', "'only' is not allowed with offset"],
    ['content:"abc"; fast_pattern:only; distance:3', "'only' is not allowed with offset"],
    ['content:!"abc"; fast_pattern:only', "'only' is not allowed for a negated content"],
    ['content:!"abc"; offset:1; fast_pattern', 'not allowed for a negated content with offset'],
    ['content:"abc"; http_cookie; fast_pattern:only', "'only' is not allowed for this buffer"],
    ['content:"abc"; fast_pattern:never', "'never' is not understood"],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })

  it('is ignored, with a warning, where Snort 2.9 forbids it and others do not', () => {
    const body = 'content:"abc"; http_method; fast_pattern'
    expect(problem(body)).toContain('Snort 2.9 forbids it for this buffer')
    expect(content(body).fastPattern).toBeUndefined()
  })
})

describe('buffers', () => {
  it.each([
    ['http_uri', BUF.HTTP_URI],
    ['http_raw_uri', BUF.HTTP_RAW_URI],
    ['http_header', BUF.HTTP_HEADER],
    ['http_raw_header', BUF.HTTP_RAW_HEADER],
    ['http_cookie', BUF.HTTP_COOKIE],
    ['http_raw_cookie', BUF.HTTP_RAW_COOKIE],
    ['http_method', BUF.HTTP_METHOD],
    ['http_stat_code', BUF.HTTP_STAT_CODE],
    ['http_stat_msg', BUF.HTTP_STAT_MSG],
    ['http_client_body', BUF.HTTP_CLIENT_BODY],
  ])('%s is a modifier in Snort 2.9 and sticky in Snort 3', (name, buffer) => {
    expect(content(`content:"a"; ${name}`).buffer).toBe(buffer)
    expect(options(`content:"a"; ${name}; content:"b"`).at(-1)).toMatchObject({ buffer: BUF.PKT_DATA })
    expect(options(`${name}; content:"a"; content:"b"`, 'snort3')).toMatchObject([
      { kind: 'set_buffer', buffer },
      { kind: 'content', buffer },
      { kind: 'content', buffer },
    ])
  })

  it('uricontent looks at the URI', () => {
    expect(content('uricontent:"/a"; nocase; depth:9').buffer).toBe(BUF.HTTP_URI)
    expect(problem('uricontent:"/a"', 'snort3')).toContain('is a Snort 2.9 option')
  })

  it('rawbytes looks at the packet, but not for uricontent', () => {
    expect(content('content:"a"; rawbytes').buffer).toBe(BUF.RAW_DATA)
    expect(content('uricontent:"a"; rawbytes').buffer).toBe(BUF.HTTP_URI)
  })

  it('file_data, pkt_data and base64_data are sticky in both', () => {
    for (const dialect of ['snort2', 'snort3'] as const) {
      const body = 'file_data; content:"a"; base64_decode; base64_data; content:"b"; pkt_data; content:"c"'
      const buffers = options(body, dialect)
        .filter((option): option is ContentOption => option.kind === 'content')
        .map((option) => option.buffer)
      expect(buffers).toEqual([BUF.FILE_DATA, BUF.BASE64_DATA, BUF.PKT_DATA])
    }
    expect(options('file_data:mime; content:"a"').at(-1)).toMatchObject({ buffer: BUF.FILE_DATA })
  })

  it('a Snort 2.9 modifier overrides a sticky buffer for one content only', () => {
    const all = options('file_data; content:"a"; content:"b"; http_header; content:"c"')
    expect(all.map((option) => (option as ContentOption).buffer)).toEqual([
      BUF.FILE_DATA,
      BUF.FILE_DATA,
      BUF.HTTP_HEADER,
      BUF.FILE_DATA,
    ])
  })

  it('relative options of Snort 2.9 look where the content before them looked', () => {
    const last = (body: string) => options(body).at(-1) as RuleOption & { buffer: number }
    expect(last('content:"a"; http_uri; isdataat:9,relative').buffer).toBe(BUF.HTTP_URI)
    expect(last('content:!"a"; http_client_body; isdataat:9,relative').buffer).toBe(BUF.HTTP_CLIENT_BODY)
    expect(last('content:"a"; http_uri; isdataat:9').buffer).toBe(BUF.PKT_DATA)
    expect(last('content:"a"; http_header; byte_test:1,>,2,0,relative').buffer).toBe(BUF.HTTP_HEADER)
    expect(last('content:"a"; http_header; base64_decode:relative').buffer).toBe(BUF.HTTP_HEADER)
    expect(last('content:"a"; http_uri; pcre:"/x/R"').buffer).toBe(BUF.HTTP_URI)
    expect(last('content:"a"; http_uri; content:"b"; isdataat:9,relative').buffer).toBe(BUF.PKT_DATA)
    expect(last('file_data; content:"b"; isdataat:9,relative').buffer).toBe(BUF.FILE_DATA)
    expect(last('content:"a"; fast_pattern:only; http_uri; isdataat:9,relative').buffer).toBe(BUF.PKT_DATA)
    expect(last('content:"a"; pcre:"/x/U"; isdataat:9,relative').buffer).toBe(BUF.PKT_DATA)
    expect(last('content:"a"; isdataat:9,relative,rawbytes').buffer).toBe(BUF.RAW_DATA)
  })

  it('raw_data is Snort 3', () => {
    expect(options('raw_data; content:"a"', 'snort3').at(-1)).toMatchObject({ buffer: BUF.RAW_DATA })
    expect(problem('raw_data; content:"a"')).toContain('is a Snort 3 option')
  })

  it.each([
    ['base64_data; content:"a"', "'base64_data' needs a 'base64_decode' before it"],
    ['base64_decode; base64_decode', "a rule may have only one 'base64_decode'"],
    ['file_data:gzip', "no argument but 'mime'"],
    ['pkt_data:x', "'pkt_data' takes no argument"],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })

  it('Snort 3 parts of messages share the slots of a rule', () => {
    const body =
      'http_header:field Host; content:"a"; http_uri:path; content:"b"; http_header: field host; content:"c"'
    const buffers = options(body, 'snort3').flatMap((option) =>
      option.kind === 'content' ? [option.buffer] : [],
    )
    expect(buffers).toEqual([partSlot(0), partSlot(1), partSlot(0)])
    expect(options('http_param:"Id",nocase; content:"a"', 'snort3')[0]).toMatchObject({
      part: { name: 'param', field: bytes('Id'), nocase: true },
    })
  })

  it('Snort 3 buffers of requests mean the request answered, on responses', () => {
    const [, uri, content, status] = options(
      'flow:to_client; http_uri; content:"a"; http_stat_code; content:"200"',
      'snort3',
    )
    expect(uri).toMatchObject({ buffer: partSlot(0), part: { name: 'uri', request: true } })
    expect(content).toMatchObject({ buffer: partSlot(0) })
    expect(status).toMatchObject({ buffer: BUF.HTTP_STAT_CODE })
  })

  it.each([
    ['http_header:field', 'needs a value'],
    ['http_header:field a b', 'is not the name of a header'],
    ['http_header:path', "'path' is not understood"],
    ['http_method:field host', "'field host' is not understood"],
    ['http_param:""', 'needs the name of a parameter'],
    ['http_num_headers:x', 'must be a number'],
    ['http_version_match:"1.2"', 'is not one of'],
    ['http_header_test:numeric true', "needs 'field <name>'"],
    ['http_header_test:field a,numeric maybe', 'is not understood'],
    ['sha256:"aa",length 1', 'the hash must have 32 bytes'],
    [`md5:"${'00'.repeat(16)}"`, "needs 'length <n>'"],
    [Array.from({ length: 9 }, (_, i) => `http_header:field h${i}`).join('; '), 'at most 8 different parts'],
  ])('Snort 3 %s: %s', (body, message) => {
    expect(problem(body, 'snort3')).toContain(message)
  })

  it('base64_decode takes bytes, offset and relative in any order', () => {
    expect(options('base64_decode:relative, offset 3,bytes 12')).toMatchObject([
      { kind: 'base64_decode', bytes: 12, offset: 3, relative: true },
    ])
    expect(options('base64_decode')).toMatchObject([{ bytes: undefined, offset: 0, relative: false }])
    expect(problem('base64_decode:bytes')).toContain("'bytes' needs a value")
    expect(problem('base64_decode:bytes 0')).toContain('must be 1…65535')
  })
})

describe('pcre', () => {
  it('reads pattern and flags', () => {
    expect(pcre('pcre:"/a.b/ismxAEGO"')).toEqual({
      kind: 'pcre',
      buffer: BUF.PKT_DATA,
      pattern: 'a.b',
      flags: {
        caseless: true,
        dotAll: true,
        multiline: true,
        extended: true,
        anchored: true,
        dollarEndOnly: true,
        ungreedy: true,
      },
      negated: false,
      relative: false,
      ignoreLimits: true,
      movesCursor: true,
    })
  })

  it('takes other delimiters and unescaped ones inside', () => {
    expect(pcre('pcre:"m?a/b?i"').pattern).toBe('a/b')
    expect(pcre('pcre:"/a/b/i"').pattern).toBe('a/b')
  })

  it('ends at the last quote and at an unescaped semicolon only', () => {
    expect(pcre('pcre:"/a"b/"').pattern).toBe('a"b')
    expect(pcre('pcre:"/a\\;b/"').pattern).toBe('a\\;b')
    expect(pcre('pcre:"/a;b/"', 'snort3').pattern).toBe('a;b')
    expect(problem('pcre:"/a;b/"')).toContain('not closed')
  })

  it('may be negated', () => {
    expect(pcre('pcre:!"/a/"')).toMatchObject({ negated: true, movesCursor: false })
  })

  it('R is relative', () => {
    expect(pcre('content:"x"; pcre:"/^a/R"')).toMatchObject({ relative: true, movesCursor: true })
  })

  it.each([
    ['U', BUF.HTTP_URI],
    ['I', BUF.HTTP_RAW_URI],
    ['P', BUF.HTTP_CLIENT_BODY],
    ['H', BUF.HTTP_HEADER],
    ['D', BUF.HTTP_RAW_HEADER],
    ['C', BUF.HTTP_COOKIE],
    ['K', BUF.HTTP_RAW_COOKIE],
    ['M', BUF.HTTP_METHOD],
    ['S', BUF.HTTP_STAT_CODE],
    ['Y', BUF.HTTP_STAT_MSG],
  ])('%s looks at a buffer and leaves the cursor', (letter, buffer) => {
    expect(pcre(`pcre:"/a/i${letter}"`)).toMatchObject({ buffer, movesCursor: false })
    expect(problem(`pcre:"/a/${letter}"`, 'snort3')).toContain(`flag ${letter} is Snort 2.9 text`)
  })

  it('B looks at the packet as it came', () => {
    expect(pcre('pcre:"/a/B"')).toMatchObject({ buffer: BUF.RAW_DATA, movesCursor: true })
  })

  it('follows the sticky buffer', () => {
    expect(pcre('file_data; pcre:"/a/"').buffer).toBe(BUF.FILE_DATA)
    expect(pcre('http_uri; pcre:"/a/"', 'snort3')).toMatchObject({ buffer: BUF.HTTP_URI, movesCursor: true })
  })

  it.each([
    ['pcre:"/a/Z"', "unknown flag 'Z'"],
    ['pcre:"/a/UP"', 'name several buffers'],
    ['pcre:"a"', "must begin with '/'"],
    ['pcre:"/a"', 'the closing / is missing'],
    ['pcre:"//"', 'the pattern is empty'],
    ['pcre:"/a/', 'the quoted text is not closed'],
    ['pcre:"m"', 'the delimiter is missing'],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })

  it('R with an HTTP buffer costs a warning', () => {
    expect(problem('pcre:"/a/UR"')).toContain('forbids flag R with an HTTP buffer')
    expect(pcre('pcre:"/a/UR"')).toMatchObject({ buffer: BUF.HTTP_URI, relative: true })
  })

  it('points at the flag that is wrong', () => {
    expect(pointsAt('content:"x"; pcre:"/abc/iZs"')).toMatch(/^Zs"/)
  })
})
