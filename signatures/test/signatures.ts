/** The project's signatures and their cases, loaded once, for the tests beside this file. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type LoadedRules, loadRules } from '../../ids/src/rules/index.js'
import { appliances } from './cases/appliances.js'
import { apps } from './cases/apps.js'
import { client } from './cases/client.js'
import { devices } from './cases/devices.js'
import { exposure } from './cases/exposure.js'
import { leaks } from './cases/leaks.js'
import { malware } from './cases/malware.js'
import { php } from './cases/php.js'
import { rce } from './cases/rce.js'
import { scanners } from './cases/scanners.js'
import { sqli } from './cases/sqli.js'
import { traversalLfi } from './cases/traversal-lfi.js'
import { webshell } from './cases/webshell.js'
import { xss } from './cases/xss.js'
import type { Case, Exchange } from './traffic.js'

export const DIRECTORY = fileURLToPath(new URL('..', import.meta.url))

export const RULE_FILES: readonly string[] = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith('.rules'))
  .sort()

/** By the name of the rule file they belong to. */
export const CASES: Readonly<Record<string, readonly Case[]>> = {
  appliances,
  apps,
  client,
  devices,
  exposure,
  leaks,
  malware,
  php,
  rce,
  scanners,
  sqli,
  'traversal-lfi': traversalLfi,
  webshell,
  xss,
}

export function loadSignatures(): LoadedRules {
  return loadRules({ files: RULE_FILES.map((name) => ({ path: `${DIRECTORY}${name}` })) })
}

export function exchanges(traffic: Exchange | readonly Exchange[]): readonly Exchange[] {
  return 'request' in traffic ? [traffic] : traffic
}
