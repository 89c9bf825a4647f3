/**
 * Packet filters with the semantics of BPF.
 *
 * In: expressions (compiled by libpcap itself, through the native addon) or programs as `tcpdump -ddd` prints them. Out:
 * verified programs that run as JavaScript, without a native call per packet. Called by monitoring sockets, by live
 * sources (which hand the program to the kernel) and by applications.
 */
export { bpfUnavailable, type CompileOptions, compileBpf } from './compile.js'
export { BpfError, type BpfErrorCode } from './error.js'
export { BpfFilter, bpfFilter, type FilterInput } from './filter.js'
export type { BpfFunction } from './interpret.js'
export { BpfProgram } from './program.js'
export { FilteredSink } from './sink.js'
export { formatProgram, looksLikeProgram, parseProgram } from './text.js'
