/** What the main thread and its workers tell each other. Everything here survives structured cloning. */
import type { InputSettings, StreamSettings } from '../config/index.js'
import type { DetectSettings } from '../detect/settings.js'
import type { EngineChoice } from '../match/index.js'
import type { AlertFormat, FormatOptions } from '../output/index.js'
import type { AlertItem } from './alert-item.js'
import type { RunTotals } from './run-totals.js'

/** What every worker of a run is told. */
export interface WorkerData {
  /** Packed, with the facts that the main thread has found out about each. */
  readonly rules: Uint8Array
  readonly settings: Partial<DetectSettings>
  readonly engine: EngineChoice | undefined
  readonly cache: string | undefined
  readonly input: InputSettings
  readonly checksums: 'verify' | 'ignore'
  readonly shardBy: 'flow' | 'addresses'
  readonly stream: StreamSettings
  readonly formats: readonly AlertFormat[]
  readonly format: Omit<FormatOptions, 'referenceUrl'>
  /** Reference systems and their URL prefixes. */
  readonly references: readonly (readonly [system: string, prefix: string])[]
  readonly logFrames: boolean
}

/** A capture that cannot be read to its end. */
export interface InputErrorMessage {
  readonly inputError: string
}

export interface WorkerResult {
  readonly intact: boolean
  readonly totals: RunTotals
}

/** What counts against what may be on its way; more than nothing, so that alerts without a text count too. */
export const itemSize = ({ texts, frame }: AlertItem): number =>
  texts.reduce((sum, text) => sum + text.length, 64 + (frame?.frameLength ?? 0))
