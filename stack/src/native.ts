/** The optional native addon of the stack (stack/native): libpcap's filter compiler, and AF_PACKET sockets. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** There when the addon was built with libpcap. */
export interface PcapBinding {
  readonly version: string
  /**
   * Four words per instruction: code, jt, jf, k.
   * @throws Error with libpcap's words
   */
  compile(
    expression: string,
    dlt: number,
    snaplen: number,
    netmask: number,
    optimize: 0 | 1,
  ): Uint32Array<ArrayBuffer>
}

/** Bits of `flags` below. */
export const SOCKET_FLAG = {
  PROMISCUOUS: 1,
  IGNORE_OUTGOING: 2,
  /** A virtio_net_hdr before each frame. */
  VIRTIO_HEADER: 4,
  /** Sent frames go straight to the driver, past the queueing discipline. */
  BYPASS_QUEUE: 8,
} as const

/** There on Linux. Sockets and watchers are integers. Failed system calls throw a `SystemCallError`. */
export interface PacketBinding {
  /** @param settings block size, block count, milliseconds to hand-over, flags, argument of PACKET_FANOUT or 0 */
  openRing(interfaceName: string, settings: Uint32Array, program: Uint32Array): number
  openSender(interfaceName: string, flags: number): number
  /** The mapped ring, to be asked for once and given back to `close`, which leaves it empty. */
  memory(socket: number): ArrayBuffer
  /** ARPHRD_ number of the interface. */
  hardwareType(socket: number): number
  /** Since the last call: frames that passed the filter (drops included), drops, freezes. */
  statistics(socket: number, result: Uint32Array): void
  /**
   * Sends the frames at `spans` (offset and length in `bytes`, `count` of them): `result[0]` were sent, `result[1]` is the
   * last error number or 0. Waits a few milliseconds when the queue is full; a frame that is refused is left out.
   */
  send(socket: number, bytes: Uint8Array, spans: Uint32Array, count: number, result: Uint32Array): void
  /** After each `arm`, `ready` is called once when something can be read, with 0 or an error number. */
  watch(sockets: Uint32Array, ready: (error: number) => void): number
  arm(watcher: number): void
  /** A watcher is to be closed before its sockets. */
  close(socketOrWatcher: number, memory?: ArrayBuffer): void
}

export interface SystemCallError extends Error {
  readonly errno: number
  readonly call: string
}

export interface NetworkAddon {
  readonly pcap?: PcapBinding
  readonly packet?: PacketBinding
}

export type NetworkAddonLoad =
  | { readonly addon: NetworkAddon; readonly reason: '' }
  | { readonly addon: undefined; readonly reason: string }

/** Loads the addon that the set-up built; when there is none, says why in words for the user. */
export function loadNetworkAddon(): NetworkAddonLoad {
  // The same relative path from src and from dist.
  const path = fileURLToPath(new URL('../native/build/weir_net.node', import.meta.url))
  try {
    return { addon: createRequire(import.meta.url)(path) as NetworkAddon, reason: '' }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason =
      code === 'MODULE_NOT_FOUND' ? 'the native network addon is not built' : (message.split('\n')[0] ?? '')
    return { addon: undefined, reason }
  }
}
