import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** The `hyperscan` object of the addon (ids/native/src/hyperscan.cc). Databases and streams are integers. */
export interface HyperscanBinding {
  /** False when the processor lacks the instructions Hyperscan needs. */
  readonly usable: boolean
  readonly version: string
  /** What of this processor decides the code of a compiled database. */
  readonly platform: string
  /** Patterns lie back to back in `bytes`. @throws Error with Hyperscan's message and `pattern`, the number at fault. */
  compileLiterals(bytes: Uint8Array, lengths: Uint32Array, flags: Uint32Array, streaming: 0 | 1): number
  compileExpressions(bytes: Uint8Array, lengths: Uint32Array, flags: Uint32Array, streaming: 0 | 1): number
  serialize(database: number): Uint8Array
  /**
   * What `compileLiterals` would give, from what `serialize` gave for the same input: nothing is compiled.
   * @throws Error when Hyperscan refuses the bytes; it examines its checksum, version and platform only.
   */
  restoreLiterals(
    bytes: Uint8Array,
    lengths: Uint32Array,
    flags: Uint32Array,
    streaming: 0 | 1,
    serialized: Uint8Array,
  ): number
  /** The same for `compileExpressions`. */
  restoreExpressions(
    bytes: Uint8Array,
    lengths: Uint32Array,
    flags: Uint32Array,
    streaming: 0 | 1,
    serialized: Uint8Array,
  ): number
  info(database: number): string
  /** Bytes of the compiled automaton. */
  size(database: number): number
  /** The memory scans of this database write their hits to; ask once. */
  hits(database: number): Uint32Array
  /** Reports dropped because their number was not below the pattern count given when it was restored. */
  ignored(database: number): number
  scan(database: number, bytes: Uint8Array, start: number, end: number): number
  openStream(database: number): number
  scanStream(stream: number, bytes: Uint8Array, start: number, end: number): number
  resetStream(stream: number): void
  closeStream(stream: number): void
  close(database: number): void
}

/** The `pcre2` object of the addon (ids/native/src/pcre2.cc). Expressions are integers. */
export interface Pcre2Binding {
  readonly version: string
  readonly jit: boolean
  /** @throws Error with PCRE2's message and `offset`. `matchLimit` 0 stands for the library's default. */
  compile(pattern: Uint8Array, flags: number, matchLimit: number): number
  /** Returns REGEX_MATCH, REGEX_NO_MATCH or REGEX_LIMIT. */
  exec(expression: number, bytes: Uint8Array, start: number, end: number, from: number): number
  /** Bytes a subject must have at least to match. */
  minLength(expression: number): number
  /** The memory `exec` writes the place of a match to: start and end in the array searched. */
  match(): Int32Array
  close(expression: number): void
}

export interface NativeAddon {
  readonly hyperscan: HyperscanBinding
  readonly pcre2: Pcre2Binding
}

export type NativeLoad =
  | { readonly addon: NativeAddon; readonly reason: '' }
  | { readonly addon: undefined; readonly reason: string }

/** Loads the addon that the set-up built; when there is none, says why in words for the user. */
export function loadNative(): NativeLoad {
  // The same relative path from src/match and from dist/match.
  const path = fileURLToPath(new URL('../../native/build/weir_native.node', import.meta.url))
  try {
    const addon = createRequire(import.meta.url)(path) as NativeAddon
    return { addon, reason: '' }
  } catch (error) {
    const failure = error as NodeJS.ErrnoException
    const reason =
      failure.code === 'MODULE_NOT_FOUND'
        ? 'the native addon is not built'
        : (failure.message.split('\n')[0] ?? '')
    return { addon: undefined, reason }
  }
}
