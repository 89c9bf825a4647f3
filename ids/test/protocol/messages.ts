/** Builds the protocol messages that the tests of protocol options send. */

export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s+/g, ''), 'hex'))
}

export function bytes(...parts: (Uint8Array | string | number)[]): Uint8Array {
  return Uint8Array.from(
    Buffer.concat(
      parts.map((part) =>
        typeof part === 'number'
          ? Buffer.from([part])
          : typeof part === 'string'
            ? Buffer.from(part, 'latin1')
            : part,
      ),
    ),
  )
}

export function big(value: number, size: number): Uint8Array {
  const out = new Uint8Array(size)
  for (let i = 0; i < size; i++) out[size - 1 - i] = Math.floor(value / 256 ** i) & 0xff
  return out
}

export function little(value: number, size: number): Uint8Array {
  return big(value, size).reverse()
}

/** A TLS record. */
export function record(type: number, payload: Uint8Array, version = 0x0301): Uint8Array {
  return bytes(type, big(version, 2), big(payload.length, 2), payload)
}

/** A handshake message. */
export function handshake(type: number, body: Uint8Array): Uint8Array {
  return bytes(type, big(body.length, 3), body)
}

export function clientHello(version = 0x0303): Uint8Array {
  return record(22, handshake(1, bytes(big(version, 2), new Uint8Array(40).fill(7))))
}

export function serverHello(version = 0x0303, more: Uint8Array = new Uint8Array(0)): Uint8Array {
  return record(22, bytes(handshake(2, bytes(big(version, 2), new Uint8Array(38).fill(9))), more))
}

export interface Dce {
  readonly type: number
  readonly flags?: number
  readonly bigEndian?: boolean
}

/** A DCE/RPC PDU with this body. */
export function dce({ type, flags = 3, bigEndian = false }: Dce, body: Uint8Array): Uint8Array {
  const number = bigEndian ? big : little
  const length = 16 + body.length
  return bytes(
    5,
    0,
    type,
    flags,
    bigEndian ? 0 : 0x10,
    0,
    0,
    0,
    number(length, 2),
    number(0, 2),
    number(1, 4),
    body,
  )
}

/** UUID as it goes over the wire. */
export function uuid(text: string, bigEndian = false): Uint8Array {
  const raw = hex(text.replaceAll('-', ''))
  if (bigEndian) return raw
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
  return Uint8Array.from(order, (i) => raw[i]!)
}

const NDR = '8a885d04-1ceb-11c9-9fe8-08002b104860'

export function bind(iface: string, version = 1, context = 0, bigEndian = false): Uint8Array {
  const number = bigEndian ? big : little
  const item = bytes(
    number(context, 2),
    1,
    0,
    uuid(iface, bigEndian),
    number(version, 2),
    number(0, 2),
    uuid(NDR, bigEndian),
    number(2, 4),
  )
  const body = bytes(number(4280, 2), number(4280, 2), number(0, 4), 1, 0, 0, 0, item)
  return dce({ type: 11, bigEndian }, body)
}

export function bindAck(result = 0): Uint8Array {
  const answer = bytes(little(result, 2), little(0, 2), uuid(NDR), little(2, 4))
  return dce(
    { type: 12 },
    bytes(little(4280, 2), little(4280, 2), little(1, 4), little(2, 2), 0x31, 0, 1, 0, 0, 0, answer),
  )
}

export function request(
  opnum: number,
  stub: Uint8Array,
  options: Partial<Dce> & { context?: number } = {},
): Uint8Array {
  const number = options.bigEndian ? big : little
  const body = bytes(number(stub.length, 4), number(options.context ?? 0, 2), number(opnum, 2), stub)
  return dce({ type: 0, ...options }, body)
}

/** A NetBIOS session message. */
export function netbios(message: Uint8Array): Uint8Array {
  return bytes(0, big(message.length, 3), message)
}

/** SMB 2 WRITE request. */
export function smb2Write(file: Uint8Array, data: Uint8Array): Uint8Array {
  const body = bytes(
    little(49, 2),
    little(112, 2),
    little(data.length, 4),
    little(0, 8),
    file,
    little(0, 16),
    data,
  )
  return netbios(bytes(smb2Header(9, false), body))
}

/** SMB 2 IOCTL request: FSCTL_PIPE_TRANSCEIVE. */
export function smb2Transceive(file: Uint8Array, data: Uint8Array): Uint8Array {
  const body = bytes(
    little(57, 2),
    little(0, 2),
    little(0x0011c017, 4),
    file,
    little(120, 4),
    little(data.length, 4),
    little(0, 4),
    little(120, 4),
    little(0, 4),
    little(1024, 4),
    little(1, 4),
    little(0, 4),
    data,
  )
  return netbios(bytes(smb2Header(11, false), body))
}

function smb2Header(command: number, response: boolean): Uint8Array {
  return bytes(
    hex('fe534d42'),
    little(64, 2),
    little(0, 2),
    little(0, 4),
    little(command, 2),
    little(1, 2),
    little(response ? 1 : 0, 4),
    little(0, 4),
    little(5, 8),
    new Uint8Array(32),
  )
}

/** SMB 1 WriteAndX request. */
export function smb1Write(file: number, data: Uint8Array): Uint8Array {
  const words = bytes(
    0xff,
    0,
    little(0, 2),
    little(file, 2),
    little(0, 4),
    little(0, 4),
    little(8, 2),
    little(0, 2),
    little(0, 2),
    little(data.length, 2),
    little(59, 2),
  )
  return netbios(bytes(smb1Header(0x2f), 12, words, little(data.length, 2), data))
}

/** SMB 1 transaction on a named pipe. */
export function smb1Transact(file: number, data: Uint8Array): Uint8Array {
  const words = bytes(
    little(0, 2),
    little(data.length, 2),
    little(0, 2),
    little(1024, 2),
    2,
    0,
    little(0, 2),
    little(0, 4),
    little(0, 2),
    little(0, 2),
    little(0, 2),
    little(data.length, 2),
    little(67, 2),
    2,
    0,
    little(0x26, 2),
    little(file, 2),
  )
  return netbios(bytes(smb1Header(0x25), 16, words, little(data.length, 2), data))
}

function smb1Header(command: number): Uint8Array {
  return bytes(hex('ff534d42'), command, new Uint8Array(27))
}

/** An ONC RPC call, without record mark. */
export function rpcCall(program: number, version: number, procedure: number): Uint8Array {
  return bytes(
    big(7, 4),
    big(0, 4),
    big(2, 4),
    big(program, 4),
    big(version, 4),
    big(procedure, 4),
    big(0, 16),
  )
}
