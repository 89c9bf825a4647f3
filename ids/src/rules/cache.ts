/**
 * What one load parses once and shares: rule sets repeat a few dozen headers, flows and metadata thousands of times.
 *
 * One per dialect and load. Shared objects are immutable; equal headers being the identical object also lets detection
 * group rules cheaply.
 */
import type { ParsedHeader } from './header.js'
import type { FlowOption } from './model.js'

export class ParseCache {
  /** By header text; valid for one version of the variables. */
  readonly headers = new Map<string, ParsedHeader>()
  variablesVersion = -1
  /** By argument text; the protocol is part of the key because icmp rules take fewer words. */
  readonly flows = new Map<string, FlowOption>()
  readonly metadata = new Map<string, readonly (readonly [key: string, value: string])[]>()
}
