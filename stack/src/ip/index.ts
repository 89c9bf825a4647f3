/**
 * IP packets that do not lie in one frame of their own: fragments, and packets inside tunnels.
 *
 * In: decoded packets. Out: datagrams put together by the receiving host's rules, and the packets inside encapsulations,
 * each decoded like any other. Nothing here knows of flows. Called by the stack for packets other than plain TCP.
 */
export { Decapsulator, TunnelCounters } from './decapsulator.js'
export { Defragmenter } from './defrag.js'
export {
  DefragCounters,
  FRAGMENT_ANOMALY_GID,
  FRAGMENT_ANOMALY_SID,
  type FragmentAnomaly,
} from './defrag-counters.js'
export { FRAGMENT_POLICIES, type FragmentPolicy } from './fragment-policy.js'
export { TUNNEL, TUNNEL_NAME } from './inner.js'
export { type Network, NetworkTable, parseNetwork } from './network.js'
export {
  DEFAULT_DEFRAG_OPTIONS,
  DEFAULT_TUNNEL_OPTIONS,
  type DefragOptions,
  type DefragOptionsInput,
  defragOptions,
  type FragmentTarget,
  type TunnelOptions,
  type TunnelOptionsInput,
  tunnelOptions,
} from './options.js'
