/** What rules do once they have matched: tag and replace. */
import { createStack } from '@weir/stack'
import { describe, expect, it } from 'vitest'
import { type CapturedFrame, conversation, feed, udpExchange } from '../../../test/support/conversation.js'
import type { DetectSettings } from '../../src/detect/settings.js'
import { makeEngine, run } from './harness.js'

/** Numbers of the packets that are logged because of a tag. */
function tagged(
  rules: string,
  packets: readonly CapturedFrame[],
  detect: Partial<DetectSettings> = {},
): { readonly numbers: readonly number[]; readonly limit: number } {
  const engine = makeEngine(rules, { detect })
  const stack = createStack({})
  const numbers: number[] = []
  const inspector = engine.attach(stack, {
    alert: () => {},
    tagged: ({ number }) => numbers.push(number),
    flush: async () => {},
    close: async () => {},
  })
  feed(stack, packets)
  stack.finish()
  return { numbers, limit: inspector.counters.tagLimit }
}

const datagrams = (from: string, port: number, count: number, start: number): CapturedFrame[] =>
  udpExchange(
    Array.from({ length: count }, (_, i) => ['client', i === 0 ? 'hit' : 'more'] as const),
    { client: from, clientPort: port, start },
  )

const rule = (tag: string): string => `alert udp any any -> any any (content:"hit"; tag:${tag}; sid:1;)`

describe('tag', () => {
  const one = datagrams('10.0.0.1', 1000, 6, 1)
  const other = datagrams('10.0.0.1', 2000, 3, 100)

  it.each([
    ['session', [2, 3, 4, 5, 6, 8, 9]],
    ['session,2,packets', [2, 3, 8, 9]],
    ['session,1,bytes', [2, 8]],
    ['host,3,packets,src', [2, 3, 4, 8, 9]],
    ['host,7,packets,dst', [2, 3, 4, 5, 6, 7, 8, 9]],
  ])('%s', (tag, expected) => {
    expect(tagged(rule(tag), [...one, ...other]).numbers).toEqual(expected)
  })

  it('ends after its seconds', () => {
    const late = other.map((packet) => ({ ...packet, seconds: packet.seconds + 50 }))
    expect(tagged(rule('host,20,seconds,src'), [...one, ...late.slice(1)]).numbers).toEqual([2, 3, 4, 5, 6])
  })

  it('forgets the oldest when there are too many', () => {
    const packets = [1, 2, 3].flatMap((i) => datagrams('10.0.0.1', i, 1, i))
    expect(tagged(rule('session'), packets, { maxTags: 2 }).limit).toBe(1)
  })

  it('reads Snort 3 text', () => {
    const engine = makeEngine('alert udp ( content:"hit"; tag:host_dst, packets 5, seconds 9; sid:1; )', {
      dialect: 'snort3',
    })
    expect(engine.rules[0]!.options[1]).toEqual({
      kind: 'tag',
      by: 'destination',
      packets: 5,
      seconds: 9,
      bytes: 0,
    })
  })
})

/** What the receiver gets: payloads as they are after each packet has been processed. */
function forwarded(rules: string, packets: readonly CapturedFrame[], inline = true): string {
  const engine = makeEngine(rules, { detect: { inline } })
  const stack = createStack({})
  engine.attach(stack, { alert: () => {}, flush: async () => {}, close: async () => {} })
  let text = ''
  for (const packet of packets) {
    const [own] = [{ ...packet, frame: Uint8Array.from(packet.frame) }]
    feed(stack, [own])
    const { buffer, payloadOffset, payloadLength } = stack.packet
    text += Buffer.from(buffer.subarray(payloadOffset, payloadOffset + payloadLength)).toString('latin1')
  }
  stack.finish()
  return text
}

describe('replace', () => {
  const rewrite = 'alert tcp any any -> any any (content:"evil"; replace:"good"; sid:1;)'
  const talk = (text: string, mss = 1400): CapturedFrame[] =>
    conversation({ serverPort: 7777, mss }).handshake().client(text).close().packets()

  it('writes over what was found, inline only', () => {
    expect(forwarded(rewrite, talk('an evil word'))).toContain('an good word')
    expect(forwarded(rewrite, talk('an evil word'), false)).toContain('an evil word')
  })

  it('does so in datagrams', () => {
    const packets = udpExchange([['client', 'so evil']])
    expect(forwarded(rewrite.replace('tcp', 'udp'), packets)).toBe('so good')
  })

  it('where the whole rule holds only', () => {
    const both = rewrite.replace('replace:"good";', 'replace:"good"; content:"!"; distance:0;')
    expect(forwarded(both, talk('evil. evil'))).toContain('evil. evil')
    expect(forwarded(both, talk('evil!'))).toContain('good!')
  })

  it('leaves alone what has gone with an earlier packet', () => {
    expect(forwarded(rewrite, talk('evil', 2))).toBe('evil')
  })

  it('needs the action rewrite in Snort 3 text', () => {
    const snort3 = (action: string): string => `${action} tcp ( content:"evil"; replace:"good"; sid:1; )`
    const run = (action: string): string => {
      const engine = makeEngine(snort3(action), { dialect: 'snort3', detect: { inline: true } })
      const stack = createStack({})
      engine.attach(stack, { alert: () => {}, flush: async () => {}, close: async () => {} })
      feed(stack, talk('evil').slice(0, 4))
      const { buffer, payloadOffset, payloadLength } = stack.packet
      return Buffer.from(buffer.subarray(payloadOffset, payloadOffset + payloadLength)).toString()
    }
    expect(run('rewrite')).toBe('good')
    expect(run('alert')).toBe('evil')
  })

  it.each(['replace:"goo"; ', 'replace:good; '])('refuses %s', (wrong) => {
    expect(() => makeEngine(rewrite.replace('replace:"good"; ', wrong))).toThrow()
  })
})

describe('late', () => {
  const rule = 'alert tcp any any -> any any (flow:only_stream; content:"needle"; sid:1;)'
  const flow = (client: string, start: number) =>
    conversation({ client, server: '10.0.0.9', start }).handshake()

  it('is an alert on data inspected while a packet of another flow was current', () => {
    // Neither side answers, so the first flow ends with the input, in the middle of the second.
    const first = flow('10.0.0.1', 1).client('needle').packets()
    const second = flow('10.0.0.2', 2).client('hay').packets()
    const { alerts } = run(rule, [...first, ...second])
    expect(alerts.map(({ record, source }) => [source, record.late])).toEqual([['10.0.0.1', true]])
  })

  it('is not one on data of the packet that is current, whichever way it travels', () => {
    const own = flow('10.0.0.1', 1).client('needle').server('needle').client('x').packets()
    const { alerts } = run(rule, own)
    expect(alerts.map(({ record }) => record.late)).toEqual([false, false])
  })
})
