/**
 * A flow-management networking stack for stateful middleboxes.
 *
 * In: frames, from a capture or a live interface. Out: events about flows, delivered to monitoring sockets, after the
 * model of mOS. `createStack`, open a socket with `monitorStream`, register handlers with `on`, then run a packet source
 * into the stack.
 */

export * from './bpf/index.js'
export * from './capture/index.js'
export type { CounterName, StackCounters } from './counters.js'
export * from './event/anomaly.js'
export * from './event/builtin.js'
export { bytesOf, type DataRange, textOf } from './event/data.js'
export type { ForestStats } from './event/forest.js'
export {
  anyOf,
  type Classifier,
  type CommonHooks,
  defineEvent,
  defineMultiEvent,
  type Filter,
  type FlowEvent,
  type HooksOf,
  type MultiEvent,
  once,
  onSide,
  type PayloadOf,
  type Ude,
  where,
} from './event/ude.js'
export type { MemoryBudget, MemoryKind, MemoryLimits } from './flow/memory.js'
export type { Shard } from './flow/shard.js'
export { DEFAULT_TIMEOUTS, type Timeouts } from './flow/timeouts.js'
export type { Timer } from './flow/user-timers.js'
export * from './inline/index.js'
export * from './ip/index.js'
export {
  CLI,
  type Flow,
  type FlowHandler,
  type FlowSide,
  type Side,
  type StreamFragment,
  type StreamInfo,
  type Subscription,
  SVR,
} from './monitor/flow.js'
export { PacketFilter } from './monitor/packet-filter.js'
export type {
  NewFilter,
  RawSocket,
  RawSocketOptions,
  StreamSocket,
  StreamSocketOptions,
} from './monitor/socket.js'
export { DEFAULT_STACK_OPTIONS, type StackOptions, type StackOptionsInput } from './options.js'
export { createStack, type Stack } from './stack.js'
export {
  DEFAULT_TCP_OPTIONS,
  type TcpTarget,
  type TcpTrackingOptions,
  type TcpTrackingOptionsInput,
} from './tcp/options.js'
export { type ResetRule, TCP_POLICIES, TCP_TRAITS, type TcpPolicy, type TcpTraits } from './tcp/policy.js'
export { type EndRoles, KNOWN_PORT, type RoleHints } from './tcp/roles.js'
export { TCP_STATE, TCP_STATE_NAME, type TcpState } from './tcp/state.js'
export * from './wire/index.js'
export * from './workers/index.js'
