/**
 * Locates the directory of captures, rule sets and reference results that may lie beside the repository.
 *
 * Called by tests that compare with those files; they skip themselves when it is absent.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const SHARED = fileURLToPath(new URL('../../../shared', import.meta.url))

/** Path of a file or directory under `../shared` (relative to the repository root), or undefined when it is absent. */
export function sharedPath(...parts: string[]): string | undefined {
  const path = resolve(SHARED, ...parts)
  return existsSync(path) ? path : undefined
}
