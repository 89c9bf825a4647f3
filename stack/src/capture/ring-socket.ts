/** An AF_PACKET socket with its ring, from opening to closing; its errors in words for the user. */
import { getSystemErrorName } from 'node:util'
import { BpfError, type BpfProgram, bpfFilter, type FilterInput } from '../bpf/index.js'
import { loadNetworkAddon, type PacketBinding, SOCKET_FLAG, type SystemCallError } from '../native.js'
import { LINK_TYPE } from '../wire/link-type.js'
import { CaptureError } from './error.js'
import { RingReader } from './ring-reader.js'

export interface FanoutOptions {
  /** 1 to 65,535; sockets of one interface with the same number share its frames. */
  readonly group: number
  /**
   * The kernel puts IP fragments together first, so that those of a flow go where its other packets go. Default false:
   * fragments are captured as they are, and may go to another socket than the flow.
   */
  readonly defragment?: boolean
}

export interface RingSettings {
  readonly snaplen: number
  readonly promiscuous: boolean
  readonly filter: FilterInput | undefined
  /** Bytes of the ring. */
  readonly bufferSize: number
  /** Milliseconds the kernel may wait for more frames before it hands a block over. */
  readonly latency: number
  readonly fanout: FanoutOptions | undefined
  readonly ignoreOutgoing: boolean
}

/** A frame is never longer than a block: this is more than the 64 KiB of offloaded segments. */
export const BLOCK_SIZE = 256 * 1024
const SMALLEST_RING = 4
/** The kernel's limit on what one mapping holds is 2 GiB less a page. */
const LARGEST_RING = 4096
export const MAX_SNAPLEN = 262_144

/** ARPHRD_ numbers of interfaces, and what their frames are. */
const LINK_TYPES: ReadonlyMap<number, number> = new Map<number, number>([
  [1, LINK_TYPE.ETHERNET],
  [772, LINK_TYPE.ETHERNET], // loopback
  [519, LINK_TYPE.RAW], // raw IP
  [768, LINK_TYPE.RAW], // IP in IP
  [776, LINK_TYPE.RAW], // IPv6 in IPv4
  [803, 127], // 802.11 with radiotap
  [65_534, LINK_TYPE.RAW], // tun
])
const LOOPBACK = 772

/** Whether rings can be used on this machine: '' or why not. */
export function ringUnavailable(): string {
  const { addon, reason } = loadNetworkAddon()
  if (process.platform !== 'linux') return 'AF_PACKET rings exist on Linux only'
  if (addon === undefined)
    return `${reason} (Debian: apt-get install g++ libc6-dev linux-libc-dev, then npm start)`
  return addon.packet === undefined ? 'the native network addon was built without linux/if_packet.h' : ''
}

/** @throws CaptureError 'live-unavailable' */
export function packetBinding(interfaceName: string): PacketBinding {
  const reason = ringUnavailable()
  if (reason !== '') throw new CaptureError('live-unavailable', interfaceName, reason)
  return loadNetworkAddon().addon!.packet!
}

export class RingSocket {
  readonly name: string
  readonly linkType: number
  readonly reader: RingReader
  /** For the binding. */
  readonly id: number
  /** Frames have to be put to it here: all of them, or those whose tag the kernel's filter could not see. */
  readonly filter: BpfProgram | undefined
  readonly kernelFilters: boolean
  readonly snaplen: number
  /** Since the opening: frames that passed the kernel's filter, those dropped for want of room among them; freezes. */
  received = 0
  dropped = 0
  freezes = 0
  private readonly binding: PacketBinding
  private readonly memory: ArrayBuffer
  private readonly numbers = new Uint32Array(3)

  /** @throws CaptureError */
  constructor(name: string, settings: RingSettings) {
    this.name = name
    this.binding = packetBinding(name)
    this.snaplen = settings.snaplen
    const hardware = hardwareType(this.binding, name)
    const linkType = LINK_TYPES.get(hardware)
    if (linkType === undefined) {
      const message = `frames of this kind of interface (ARPHRD ${hardware}) are not known to the ring source`
      throw new CaptureError('unsupported', name, message)
    }
    this.linkType = linkType
    this.filter = programFor(name, settings.filter, linkType)
    const program = kernelProgram(this.filter, settings.snaplen)
    this.kernelFilters = this.filter === undefined || program.length > 0
    // On the loopback interface every frame comes by twice, going out and coming in.
    const ignoreOutgoing = settings.ignoreOutgoing || hardware === LOOPBACK
    const flags =
      SOCKET_FLAG.VIRTIO_HEADER |
      (settings.promiscuous ? SOCKET_FLAG.PROMISCUOUS : 0) |
      (ignoreOutgoing ? SOCKET_FLAG.IGNORE_OUTGOING : 0)
    const blocks = Math.min(
      LARGEST_RING,
      Math.max(SMALLEST_RING, Math.ceil(settings.bufferSize / BLOCK_SIZE)),
    )
    const words = Uint32Array.of(BLOCK_SIZE, blocks, settings.latency, flags, fanoutArgument(settings.fanout))
    try {
      this.id = this.binding.openRing(name, words, program)
    } catch (error) {
      throw socketError(name, error)
    }
    this.memory = this.binding.memory(this.id)
    this.reader = new RingReader(this.memory, BLOCK_SIZE, linkType === LINK_TYPE.ETHERNET, ignoreOutgoing)
  }

  /**
   * Whether the frame of `reader` is wanted. A filter run by the kernel does not see a VLAN tag the kernel has taken off:
   * it lets all such frames pass, and they are judged here, with their tag, as in a capture file.
   */
  wants(): boolean {
    const { filter, reader } = this
    if (filter === undefined || (this.kernelFilters && !reader.tagged)) return true
    return filter.run(reader.bytes, reader.offset, reader.captured, reader.wire) !== 0
  }

  /** Brings `received`, `dropped` and `freezes` up to date. */
  count(): void {
    this.binding.statistics(this.id, this.numbers)
    this.received += this.numbers[0]!
    this.dropped += this.numbers[1]!
    this.freezes += this.numbers[2]!
  }

  /** Views of the ring are empty from now on. */
  close(): void {
    this.binding.close(this.id, this.memory)
  }
}

/** @throws CaptureError 'live-filter' */
export function programFor(
  name: string,
  filter: FilterInput | undefined,
  linkType: number,
): BpfProgram | undefined {
  if (filter === undefined || filter === '') return undefined
  try {
    return bpfFilter(filter).program(linkType)
  } catch (error) {
    if (!(error instanceof BpfError)) throw error
    throw new CaptureError('live-filter', name, error.message)
  }
}

/** Asked before the ring is opened: the filter depends on it. */
function hardwareType(binding: PacketBinding, name: string): number {
  try {
    const probe = binding.openSender(name, 0)
    try {
      return binding.hardwareType(probe)
    } finally {
      binding.close(probe)
    }
  } catch (error) {
    throw socketError(name, error)
  }
}

const PACKET_FANOUT_HASH = 0
const PACKET_FANOUT_FLAG_DEFRAG = 0x8000

function fanoutArgument(fanout: FanoutOptions | undefined): number {
  if (fanout === undefined) return 0
  const { group, defragment = false } = fanout
  if (!Number.isInteger(group) || group < 1 || group > 0xffff) {
    throw new RangeError(`fanout.group must be an integer from 1 to 65535, not ${group}`)
  }
  const type = PACKET_FANOUT_HASH | (defragment ? PACKET_FANOUT_FLAG_DEFRAG : 0)
  return ((type << 16) | group) >>> 0
}

const RET = 0x06
const LOAD_BYTE = 0x30
const JUMP_EQUAL = 0x15
/** SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT. */
const TAG_TAKEN_OFF = 0xffff_f030
const MAX_INSTRUCTIONS = 4096

/**
 * What the kernel is to run; empty when that is nothing. A frame whose tag it has taken off passes whole: `wants` decides
 * about it.
 */
export function kernelProgram(filter: BpfProgram | undefined, snaplen: number): Uint32Array {
  if (filter === undefined) {
    return snaplen >= MAX_SNAPLEN ? new Uint32Array(0) : Uint32Array.of(RET, 0, 0, snaplen)
  }
  const prologue = [LOAD_BYTE, 0, 0, TAG_TAKEN_OFF, JUMP_EQUAL, 0, 1, 1, RET, 0, 0, MAX_SNAPLEN]
  if (filter.loops || filter.length + prologue.length / 4 > MAX_INSTRUCTIONS) return new Uint32Array(0)
  const program = Uint32Array.of(...prologue, ...filter.words)
  for (let at = prologue.length; at < program.length; at += 4) {
    if (program[at] === RET) program[at + 3] = Math.min(program[at + 3]!, snaplen)
  }
  return program
}

const NO_PERMISSION = new Set(['EPERM', 'EACCES'])
const NO_INTERFACE = new Set(['ENODEV', 'ENXIO'])
const DOWN = new Set(['ENETDOWN'])

/** For what the addon threw. */
export function socketError(name: string, error: unknown): CaptureError {
  const { errno, call } = error as SystemCallError
  if (errno === undefined) throw error
  return errnoError(name, errno, call)
}

export function errnoError(name: string, errno: number, call: string): CaptureError {
  const code = getSystemErrorName(-errno)
  if (NO_PERMISSION.has(code)) {
    return new CaptureError(
      'permission',
      name,
      'no permission for packet sockets: run as root, or give node the capability CAP_NET_RAW (setcap cap_net_raw=ep)',
    )
  }
  if (NO_INTERFACE.has(code)) return new CaptureError('live-interface', name, 'no such network interface')
  if (DOWN.has(code)) return new CaptureError('live', name, 'the interface is down (ip link set dev NAME up)')
  if (code === 'ENOMEM')
    return new CaptureError('live', name, 'not enough memory for the ring: lower bufferSize')
  if (call === 'PACKET_FANOUT') {
    const message = `cannot join the fanout group (${code}): it has another mode, or belongs to another interface`
    return new CaptureError('live', name, message)
  }
  return new CaptureError('live', name, `${call}: ${code}`)
}
