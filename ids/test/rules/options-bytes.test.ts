/** byte_test, byte_jump, byte_extract, byte_math, isdataat. */
import { describe, expect, it } from 'vitest'
import { BUF } from '../../src/inspect/buffers.js'
import { options, problem } from './support.js'

const READ = {
  buffer: BUF.PKT_DATA,
  relative: false,
  littleEndian: false,
  textBase: undefined,
  dce: false,
  bitmask: undefined,
}

describe('byte_test', () => {
  it('reads its four arguments', () => {
    expect(options('byte_test:4,>,1000,20')).toEqual([
      { kind: 'byte_test', ...READ, count: 4, op: '>', negated: false, value: 1000, offset: 20 },
    ])
  })

  it.each([
    ['>', '>', false],
    ['<', '<', false],
    ['=', '=', false],
    ['<=', '<=', false],
    ['>=', '>=', false],
    ['&', '&', false],
    ['^', '^', false],
    ['!', '=', true],
    ['!=', '=', true],
    ['!>', '>', true],
    ['!<', '<', true],
    ['!&', '&', true],
    ['! &', '&', true],
    ['!^', '^', true],
  ])('operator %s', (text, op, negated) => {
    expect(options(`byte_test:1,${text},1,0`)).toMatchObject([{ op, negated }])
  })

  it.each([
    ['0x10', 16],
    ['010', 8],
    ['10', 10],
    ['0', 0],
    ['4294967295', 4294967295],
  ])('value %s', (text, value) => {
    expect(options(`byte_test:4,=,${text},0`)).toMatchObject([{ value }])
  })

  it.each([
    ['relative', { relative: true }],
    ['little', { littleEndian: true }],
    ['big', { littleEndian: false }],
    ['dce', { dce: true }],
    ['string', { textBase: 0 }],
    ['string,hex', { textBase: 16 }],
    ['string,dec', { textBase: 10 }],
    ['oct,string', { textBase: 8 }],
    ['bitmask 0xF0', { bitmask: 0xf0 }],
    [' relative , string , hex , little ', { relative: true, textBase: 16, littleEndian: true }],
  ])('%s', (words, expected) => {
    expect(options(`byte_test:2,>,1,0,${words}`)).toMatchObject([expected])
    expect(options(`byte_test:2,>,1,0,${words}`, 'snort3')).toMatchObject([expected])
  })

  it('takes variables for value and offset', () => {
    expect(options('byte_extract:1,0,a; byte_extract:1,1,b; byte_test:2,>,a,b').at(-1)).toMatchObject({
      value: 'a',
      offset: 'b',
    })
  })

  it.each([
    ['byte_test:4,>,1', 'needs <count>,<operator>,<value>,<offset>'],
    ['byte_test:5,>,1,0', 'byte count must be 1…4'],
    ['byte_test:0,>,1,0', 'byte count must be 1…4'],
    ['byte_test:11,>,1,0,string', 'byte count must be 1…10'],
    ['byte_test:4,~,1,0', "'~' is not an operator"],
    ['byte_test:4,,1,0', 'needs <count>,<operator>,<value>,<offset>'],
    ['byte_test:4,>,1,0,hex', "need 'string'"],
    ['byte_test:4,>,1,0,big,little', "'little' contradicts 'big'"],
    ['byte_test:4,>,1,0,sideways', "'sideways' is not understood"],
    ['byte_test:4,>,4294967296,0', 'value must be 0…4294967295'],
    ['byte_test:4,>,x,0', 'no byte_extract or byte_math before this'],
    ['byte_test:4,>,1,0,bitmask', "'bitmask' needs a value"],
    ['byte_test:4,>,1,0,bitmask 0', 'bitmask must be 1…4294967295'],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })
})

describe('byte_jump', () => {
  const JUMP = { ...READ, multiplier: 1, align: 1, from: 'here', postOffset: 0 }

  it.each([
    ['4,36', { count: 4, offset: 36 }],
    ['4,-8,relative', { offset: -8, relative: true }],
    ['4,0,align', { align: 4 }],
    ['4,0,align 2', { align: 2 }],
    ['4,0,multiplier 2', { multiplier: 2 }],
    ['4,0,from_beginning', { from: 'beginning' }],
    ['0,0,from_end,post_offset -6', { count: 0, from: 'end', postOffset: -6 }],
    [
      '4,0,relative,little,post_offset 4,string,hex',
      { relative: true, littleEndian: true, postOffset: 4, textBase: 16 },
    ],
    ['4,0,dce', { dce: true }],
    ['2,0,bitmask 0x7fff', { bitmask: 0x7fff }],
  ])('%s', (text, expected) => {
    expect(options(`byte_jump:${text}`)).toMatchObject(
      [{ ...JUMP, ...expected }].map(({ buffer: _, ...o }) => o),
    )
  })

  it.each([
    ['byte_jump:4', 'needs <count>,<offset>'],
    ['byte_jump:4,0,from_beginning,from_end', 'is not understood'],
    ['byte_jump:4,0,multiplier', "'multiplier' needs a value"],
    ['byte_jump:4,0,multiplier 0', 'multiplier must be 1…65535'],
    ['byte_jump:4,0,align 3', 'align must be 2 or 4'],
    ['byte_jump:4,70000', 'offset must be'],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })
})

describe('byte_extract', () => {
  it('names what it reads; text is decimal unless told', () => {
    expect(options('byte_extract:2,1,len,relative,multiplier 4,align 4')).toEqual([
      {
        kind: 'byte_extract',
        ...READ,
        count: 2,
        offset: 1,
        name: 'len',
        relative: true,
        multiplier: 4,
        align: 4,
      },
    ])
    expect(options('byte_extract:5,0,n,string')).toMatchObject([{ textBase: 10 }])
    expect(options('byte_extract:5,0,n,string,hex')).toMatchObject([{ textBase: 16 }])
  })

  it.each([
    ['byte_extract:2,0', 'needs <count>,<offset>,<name>'],
    ['byte_extract:2,0,2x', 'is not a name for a variable'],
    ['byte_extract:1,0,a; byte_extract:1,0,b; byte_extract:1,0,c', 'at most 2 variables'],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })

  it('may read into one name again', () => {
    expect(options('byte_extract:1,0,a; byte_extract:1,0,b; byte_extract:1,1,a')).toHaveLength(3)
  })
})

describe('byte_math', () => {
  it('takes its arguments in any order', () => {
    expect(
      options(
        'byte_math:oper +, rvalue 10, offset 10, relative, result var, endian big, bytes 1, bitmask 0x12',
      ),
    ).toEqual([
      {
        kind: 'byte_math',
        ...READ,
        count: 1,
        offset: 10,
        op: '+',
        value: 10,
        name: 'var',
        relative: true,
        bitmask: 0x12,
      },
    ])
    expect(
      options('byte_math:bytes 2,offset 0,oper <<,rvalue 3,result v,string hex,endian little'),
    ).toMatchObject([{ op: '<<', textBase: 16, littleEndian: true }])
  })

  it('feeds later options', () => {
    expect(
      options('byte_math:bytes 1,offset 0,oper *,rvalue 2,result v; content:"ab"; offset:v').at(-1),
    ).toMatchObject({ offset: 'v' })
  })

  it.each([
    ['byte_math:bytes 1,offset 0,oper +,rvalue 1', "needs 'result'"],
    ['byte_math:bytes 1,offset 0,oper %,rvalue 1,result v', "'%' is not an operator"],
    ['byte_math:bytes 1,offset 0,oper /,rvalue 0,result v', 'division by zero'],
    ['byte_math:bytes 1,offset 0,oper <<,rvalue 33,result v', 'a shift must be 0…32'],
    ['byte_math:bytes 1,bytes 2,offset 0,oper +,rvalue 1,result v', "'bytes' stands twice"],
    ['byte_math:bytes', "'bytes' needs a value"],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })
})

describe('isdataat', () => {
  it.each([
    ['10', { at: 10, negated: false, relative: false, buffer: BUF.PKT_DATA }],
    ['!10', { at: 10, negated: true }],
    ['! 10 , relative', { at: 10, negated: true, relative: true }],
    ['1,relative,rawbytes', { relative: true, buffer: BUF.RAW_DATA }],
  ])('%s', (text, expected) => {
    expect(options(`isdataat:${text}`)).toMatchObject([expected])
  })

  it('takes a variable', () => {
    expect(options('byte_extract:1,0,n; isdataat:!n,relative').at(-1)).toMatchObject({
      at: 'n',
      negated: true,
    })
  })

  it.each([
    ['isdataat:x', 'no byte_extract or byte_math before this'],
    ['isdataat:1,absolute', "'absolute' is not understood"],
    ['isdataat', "'isdataat' needs an argument"],
  ])('%s: %s', (body, message) => {
    expect(problem(body)).toContain(message)
  })
})
