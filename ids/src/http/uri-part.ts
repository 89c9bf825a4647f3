/** Components of a request's URI (RFC 3986): where they stand, and as rules see them. Called by `fillPart`. */
import type { BufferId, BufferSet } from '../inspect/buffers.js'
import type { HttpPart, UriComponent } from '../inspect/http-part.js'
import { decode, normalisePath, normaliseQuery } from './normalize.js'
import type { PartMemory } from './parts.js'

const COMMA = 0x2c
const SLASH = 0x2f
const COLON = 0x3a
const QUESTION = 0x3f
const HASH = 0x23
const AT = 0x40
const BRACKET = 0x5d

/** Makes the slot a component of the URI `[start, end)`; false when the URI has none of that kind. */
export function fillComponent(
  { component, name }: HttpPart,
  bytes: Uint8Array,
  start: number,
  end: number,
  set: BufferSet,
  slot: BufferId,
  memory: PartMemory,
): boolean {
  const raw = name === 'raw_uri'
  const [from, to] = componentRange(component!, bytes, start, end)
  if (from < 0) return false
  if (raw || to === from) {
    set.set(slot, bytes, from, to)
    return true
  }
  const target = memory.take(slot, to - from + 1)
  if (component === 'path') set.set(slot, target, 0, normalisePath(bytes, from, to, target, 0))
  else if (component === 'query' || component === 'fragment')
    set.set(slot, target, 0, normaliseQuery(bytes, from, to, target, 0))
  else set.set(slot, target, 0, decode(bytes, from, to, target, 0))
  return true
}

const ABSENT: readonly [number, number] = [-1, -1]

/** Where a component of the URI stands; [-1, -1] when the URI has none (RFC 3986 appendix B). */
export function componentRange(
  component: UriComponent,
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly [number, number] {
  let scheme = start
  while (scheme < end && isSchemeByte(bytes[scheme]!)) scheme++
  const absolute =
    scheme > start &&
    scheme + 2 < end &&
    bytes[scheme] === COLON &&
    bytes[scheme + 1] === SLASH &&
    bytes[scheme + 2] === SLASH
  if (component === 'scheme') return absolute ? [start, scheme] : ABSENT
  let path = absolute ? scheme + 3 : start
  if (absolute) while (path < end && !endsAuthority(bytes[path]!)) path++
  if (component === 'host' || component === 'port') {
    // CONNECT has the authority alone.
    const bare = !absolute && bytes[start] !== SLASH
    if (!absolute && !bare) return ABSENT
    return authorityRange(component, bytes, absolute ? scheme + 3 : start, bare ? end : path)
  }
  let query = path
  while (query < end && bytes[query] !== QUESTION && bytes[query] !== HASH) query++
  if (component === 'path') return query > path ? [path, query] : ABSENT
  let fragment = query
  while (fragment < end && bytes[fragment] !== HASH) fragment++
  if (component === 'query') return bytes[query] === QUESTION && query < end ? [query + 1, fragment] : ABSENT
  return fragment < end ? [fragment + 1, end] : ABSENT
}

function authorityRange(
  component: 'host' | 'port',
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly [number, number] {
  let host = start
  for (let i = start; i < end; i++) if (bytes[i] === AT) host = i + 1
  let colon = end
  for (let i = end - 1; i >= host && bytes[i] !== BRACKET; i--) {
    if (bytes[i] === COLON) {
      colon = i
      break
    }
  }
  if (component === 'host') return colon > host ? [host, colon] : ABSENT
  return colon < end ? [colon + 1, end] : ABSENT
}

function endsAuthority(byte: number): boolean {
  return byte === SLASH || byte === QUESTION || byte === HASH
}

function isSchemeByte(byte: number): boolean {
  const letter = byte | 0x20
  return (
    (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x2b && byte <= 0x39 && byte !== COMMA && byte !== SLASH)
  )
}
