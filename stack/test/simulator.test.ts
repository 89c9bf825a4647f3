/** Whole connections over bad networks: model endpoints and the stack have to agree, on every byte and every state. */
import { describe, expect, it } from 'vitest'
import { TCP_POLICIES, TCP_STATE_NAME } from '../src/index.js'
import { type Link, type Outcome, type Simulation, simulate, WIRE } from './support/simulator.js'

const GOOD: Link = { loss: 2, duplication: 2, delay: 5 }
const BAD: Link = { loss: 50, duplication: 50, delay: 40 }
const WORSE: Link = { loss: 150, duplication: 150, delay: 250 }

const run = (options: Omit<Simulation, 'seed'>, seed = 7): Outcome => {
  const outcome = simulate({ seed, ...options })
  expect(outcome.faults).toEqual([])
  // Every flow has ended, and nothing is left of any.
  expect(outcome.stack.counters.liveFlows).toBe(0)
  expect(outcome.stack.counters.heldBytes).toBe(0)
  return outcome
}

describe('beside one endpoint: its state and its bytes after every packet', () => {
  const states = new Set<string>()
  it.each([
    ['the client, a good network', { client: WIRE, server: GOOD }],
    ['the client, a bad network', { client: WIRE, server: BAD }],
    ['the client, a worse network', { client: WIRE, server: WORSE }],
    ['the server, a good network', { client: GOOD, server: WIRE }],
    ['the server, a bad network', { client: BAD, server: WIRE }],
    ['the server, a worse network', { client: WORSE, server: WIRE }],
  ] as const)('%s', (_name, links) => {
    const { stack, states: seen, reasons } = run({ ...links, connections: 2000, aborts: 100 })
    for (const state of seen) states.add(state)
    expect(stack.counters.gaps).toBeLessThan(200)
    expect(reasons.fin).toBeGreaterThan(1500)
    expect(reasons.rst).toBeGreaterThan(5)
  })

  it('has been through all the states', () => {
    // There is no flow for a listening server, and none any more for a closed connection.
    expect([...states].sort()).toEqual(TCP_STATE_NAME.filter((name) => name !== 'LISTEN').sort())
  })
})

describe('between two bad networks: every byte', () => {
  it.each([
    ['a good one', { client: GOOD, server: GOOD }],
    ['a bad one', { client: BAD, server: BAD }],
    ['a worse one', { client: WORSE, server: WORSE }],
    ['a bad and a good one', { client: BAD, server: GOOD }],
  ] as const)('%s', (_name, links) => {
    const { stack, bytes, gapBytes } = run({ ...links, connections: 2500 })
    expect(bytes).toBeGreaterThan(1_000_000)
    expect(gapBytes).toBe(0)
    expect(stack.counters.endedFin).toBeGreaterThan(2400)
  })

  it('whatever the policy of the receivers: they send nothing twice in two versions', () => {
    for (const policy of TCP_POLICIES)
      run({ client: BAD, server: BAD, connections: 250, stack: { tcp: { policy } } })
  })
})

describe('blind for a part of the packets', () => {
  it.each([1, 10, 100])('%d in a thousand: right bytes in the right places, the rest are gaps', (blind) => {
    const { bytes, gapBytes } = run({ client: BAD, server: BAD, connections: 1000, blind })
    expect(gapBytes).toBeGreaterThan(0)
    expect(bytes).toBeGreaterThan(gapBytes * 2)
  })
})

it('the same seed makes the same packets', () => {
  const one = run({ client: BAD, server: BAD, connections: 200, aborts: 100 }, 3)
  const two = run({ client: BAD, server: BAD, connections: 200, aborts: 100 }, 3)
  expect([one.packets, one.bytes, one.reasons]).toEqual([two.packets, two.bytes, two.reasons])
})
