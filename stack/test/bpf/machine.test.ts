import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { generate } from '../../src/bpf/generate.js'
import { type BpfFunction, interpreter } from '../../src/bpf/interpret.js'
import { verifyProgram } from '../../src/bpf/verify.js'
import { BpfError, BpfProgram } from '../../src/index.js'

type Instruction = readonly [code: number, jt: number, jf: number, k: number]

function words(...instructions: readonly Instruction[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(instructions.flat())
}

const RET = (k: number): Instruction => [0x06, 0, 0, k]
const RET_A: Instruction = [0x16, 0, 0, 0]

/** A second machine, in unbounded integers, written from the definition only. Undefined: rejected by a bad load. */
function model(program: Uint32Array, packet: readonly number[], wireLength: number): number {
  const u32 = (value: bigint): bigint => BigInt.asUintN(32, value)
  const memory = new Array<bigint>(16).fill(0n)
  let a = 0n
  let x = 0n
  const load = (at: bigint, length: number): bigint | undefined => {
    if (at + BigInt(length) > BigInt(packet.length)) return undefined
    return packet.slice(Number(at), Number(at) + length).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  }
  for (let pc = 0; ; pc++) {
    const [code, jt, jf, k32] = program.subarray(4 * pc, 4 * pc + 4) as unknown as Instruction
    const k = BigInt(k32)
    const operand = code & 8 ? x : k
    const size = ({ 0: 4, 8: 2, 16: 1 } as Record<number, number>)[code & 0x18]!
    switch (code & 7) {
      case 0:
      case 1: {
        const mode = code >> 5
        let value: bigint | undefined
        if (mode === 0) value = k
        else if (mode === 1) value = load(k, size)
        else if (mode === 2) value = load(x + k, size)
        else if (mode === 3) value = memory[k32]
        else if (mode === 4) value = BigInt(wireLength)
        else value = load(k, 1)
        if (value === undefined) return 0
        if (mode === 5) value = (value & 15n) * 4n
        if ((code & 7) === 0) a = value
        else x = value
        break
      }
      case 2:
        memory[k32] = a
        break
      case 3:
        memory[k32] = x
        break
      case 4: {
        const operation = code >> 4
        if ((operation === 3 || operation === 9) && operand === 0n) return 0
        const shift = operand > 31n ? 32n : operand
        const results = [
          () => a + operand,
          () => a - operand,
          () => a * operand,
          () => a / operand,
          () => a | operand,
          () => a & operand,
          () => a << shift,
          () => a >> shift,
          () => -a,
          () => a % operand,
          () => a ^ operand,
        ]
        a = u32(results[operation]!())
        break
      }
      case 5: {
        const operation = code >> 4
        if (operation === 0) pc += k32
        else {
          const holds = [a === operand, a > operand, a >= operand, (a & operand) !== 0n][operation - 1]!
          pc += holds ? jt : jf
        }
        break
      }
      case 6:
        return Number((code & 0x18) === 0x10 ? a : k)
      default:
        if (code >> 3 === 0) x = a
        else a = x
    }
  }
}

const interesting = fc.oneof(
  fc.integer({ min: 0, max: 70 }),
  fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffdf_ffff, 31, 32, 0),
  fc.integer({ min: 0, max: 0xffff_ffff }),
)
const memoryCell = fc.integer({ min: 0, max: 2 })
const shape = (codes: readonly number[], k: fc.Arbitrary<number> = interesting): fc.Arbitrary<Instruction> =>
  fc.tuple(fc.constantFrom(...codes), fc.nat(6), fc.nat(6), k)
const offset = fc.oneof(fc.nat(70), fc.constantFrom(0x7fff_ffff, 0xffdf_ffff))

const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  shape([0x20, 0x28, 0x30, 0xb1], offset), // loads from the packet
  shape([0x40, 0x48, 0x50], interesting), // loads from X + k
  shape([0x00, 0x01, 0x80, 0x81]),
  shape([0x02, 0x03, 0x60, 0x61], memoryCell),
  shape([0x04, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64, 0x74, 0x84, 0x94, 0xa4]),
  shape([0x0c, 0x1c, 0x2c, 0x3c, 0x4c, 0x5c, 0x6c, 0x7c, 0x9c, 0xac]),
  shape([0x15, 0x25, 0x35, 0x45, 0x1d, 0x2d, 0x3d, 0x4d]),
  shape([0x05], fc.nat(5)),
  shape([0x07, 0x87, 0x16]),
)

const program = fc
  .tuple(fc.array(instruction, { maxLength: 40 }), fc.constantFrom(RET(65_535), RET(0), RET_A))
  .map(([body, last]) => words([0x00, 0, 0, 0], [0x02, 0, 0, 0], [0x03, 0, 0, 1], ...body, last))

const packet = fc.array(fc.nat(255), { maxLength: 64 })

function generated(code: Uint32Array): BpfFunction {
  return new Function('b', 'o', 'n', 'w', generate(code)!) as BpfFunction
}

/** Where a packet must not be read. */
function guarded(bytes: readonly number[], touched: { outside: boolean }): Uint8Array {
  const target = Uint8Array.from([9, 9, 9, ...bytes, 9, 9, 9])
  return new Proxy(target, {
    get(array, key) {
      const index = typeof key === 'string' ? Number(key) : Number.NaN
      if (!Number.isNaN(index) && !(index >= 3 && index < 3 + bytes.length)) touched.outside = true
      return Reflect.get(array, key)
    },
  })
}

describe('the BPF machine', () => {
  it('computes what the definition says, interpreted and generated, and reads nothing else', () => {
    let accepted = 0
    fc.assert(
      fc.property(program, packet, fc.nat(2000), (code, bytes, wireLength) => {
        try {
          verifyProgram(code)
        } catch (error) {
          expect(error).toBeInstanceOf(BpfError)
          return
        }
        accepted++
        const expected = model(code, bytes, wireLength)
        const touched = { outside: false }
        const buffer = guarded(bytes, touched)
        expect(interpreter(code)(buffer, 3, bytes.length, wireLength)).toBe(expected)
        expect(generated(code)(buffer, 3, bytes.length, wireLength)).toBe(expected)
        expect(touched.outside).toBe(false)
      }),
      { numRuns: 4000 },
    )
    expect(accepted).toBeGreaterThan(300)
  })

  it('survives any words at all', () => {
    const anyWord = fc.oneof(fc.nat(0xff), fc.nat(3), fc.integer({ min: 0, max: 0xffff_ffff }))
    fc.assert(
      fc.property(fc.array(anyWord, { maxLength: 80 }), packet, (numbers, bytes) => {
        try {
          const code = new BpfProgram(Uint32Array.from(numbers))
          expect(code.run(Uint8Array.from(bytes), 0, bytes.length, 100)).toBeGreaterThanOrEqual(0)
        } catch (error) {
          expect(error).toBeInstanceOf(BpfError)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('leaves out-of-range divisions and shifts by X to the packet at hand', () => {
    const divide = new BpfProgram(words([0x00, 0, 0, 100], [0xb1, 0, 0, 0], [0x3c, 0, 0, 0], RET_A))
    expect(divide.run(Uint8Array.of(5), 0, 1, 1)).toBe(5)
    expect(divide.run(Uint8Array.of(0), 0, 1, 1)).toBe(0)
    const shift = new BpfProgram(words([0x00, 0, 0, 1], [0x81, 0, 0, 0], [0x6c, 0, 0, 0], RET_A))
    expect(shift.run(Uint8Array.of(0), 0, 1, 31)).toBe(0x8000_0000)
    expect(shift.run(Uint8Array.of(0), 0, 1, 32)).toBe(0)
  })

  it('runs programs that jump back, for as long as the packet could hold headers', () => {
    // Counts in A; leaves when A is k, else jumps back.
    const count = (k: number): BpfProgram =>
      new BpfProgram(words([0x04, 0, 0, 1], [0x15, 1, 0, k], [0x05, 0, 0, 0xffff_fffd], RET_A))
    expect(count(5).loops).toBe(true)
    expect(count(5).run(new Uint8Array(40), 0, 40, 40)).toBe(5)
    expect(count(1e9).run(new Uint8Array(40), 0, 40, 40)).toBe(0)
  })

  it('generates nothing for programs that branch beyond measure, and interprets them', () => {
    const branches = Array.from({ length: 1000 }, (_, i): Instruction => [0x15, 0, 1, i])
    const code = words([0x30, 0, 0, 0], ...branches, [0x00, 0, 0, 7], RET_A)
    expect(generate(code)).toBeUndefined()
    const large = new BpfProgram(code)
    expect(large.run(Uint8Array.of(3), 0, 1, 1)).toBe(model(code, [3], 1))
  })

  it.each<[string, Uint32Array<ArrayBuffer>]>([
    ['empty', words()],
    ['cut', Uint32Array.of(6, 0, 0)],
    ['without a return at the end', words(RET(1), [0x00, 0, 0, 1])],
    ['with an unknown code', words([0x18, 0, 0, 0], RET(1))],
    ['with a code beyond a byte', words([0x106, 0, 0, 0], RET(1))],
    ['that jumps behind its end', words([0x15, 0, 1, 0], RET(1))],
    ['that jumps before its start', words([0x05, 0, 0, 0xffff_fffe], RET(1))],
    ['that divides by zero', words([0x34, 0, 0, 0], RET(1))],
    ['that takes a remainder by zero', words([0x94, 0, 0, 0], RET(1))],
    ['that shifts by 32', words([0x64, 0, 0, 32], RET(1))],
    ['that writes behind its memory', words([0x02, 0, 0, 16], RET(1))],
    ['that reads memory nothing has written', words([0x60, 0, 0, 3], RET(1))],
    [
      'that reads memory one path has not written',
      words([0x15, 0, 1, 0], [0x02, 0, 0, 3], [0x60, 0, 0, 3], RET(1)),
    ],
    [
      'that jumps back past a write',
      words([0x15, 2, 0, 0], [0x02, 0, 0, 3], [0x60, 0, 0, 3], [0x05, 0, 0, 0xffff_fffe], RET(1)),
    ],
    ['with ancillary data of the kernel', words([0x28, 0, 0, 0xffff_f030], RET(1))],
    ['too long', words(...Array.from({ length: 4097 }, () => RET(1)))],
  ])('refuses a program %s', (_name, code) => {
    expect(() => new BpfProgram(code)).toThrow(BpfError)
  })
})
