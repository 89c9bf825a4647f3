/**
 * Wire formats: from the bytes of a frame to the headers of a packet.
 *
 * In: frames as a packet source delivers them, every byte hostile. Out: one reused `Packet` whose fields say where the
 * headers are and what they hold, and a status; malformed frames are counted by reason. One file per protocol header:
 * a decoder checks the bounds once, then reads at named offsets. Called by the stack for every frame.
 */
export * from './address.js'
export * from './checksum.js'
export * from './decode.js'
export { ETHERNET, MAX_VLAN_TAGS } from './ethernet.js'
export { ICMP } from './icmp.js'
export { ICMP6 } from './icmp6.js'
export { FRAGMENT_OFFSET_MASK, IPV4, IPV4_FLAG, MAX_IP_LENGTH } from './ipv4.js'
export { IPV6, IPV6_EXTENSION, IPV6_FRAGMENT, MAX_EXTENSION_HEADERS } from './ipv6.js'
export * from './link-type.js'
export { NFLOG } from './nflog.js'
export * from './packet.js'
export { PppHeader } from './ppp.js'
export * from './status.js'
export { TCP, TCP_FLAG } from './tcp.js'
export * from './tcp-options.js'
export { UDP } from './udp.js'
