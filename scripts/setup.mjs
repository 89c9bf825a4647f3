#!/usr/bin/env node
// Makes a fresh clone ready to run; does nothing, quickly, when it already is. `npm start` and `npm test` begin with it,
// before anything is installed: so plain JavaScript without dependencies. Progress goes to stderr.
//
//   1. Node.js is new enough
//   2. system packages: compiler, Hyperscan, PCRE2, libpcap (apt-get, as root or by sudo without a password)
//   3. npm packages, as package-lock.json has them
//   4. the native addons, in ids/native/build and stack/native/build
//   5. the TypeScript build, stack/dist and ids/dist
//   6. the bundle the command starts from, ids/dist/bundle
//
// Only 1, 3 and 5 are needed: without 2 or 4 detection runs on its TypeScript engines and says so, without 6 it starts
// slower.
//
// Environment: WEIR_SKIP_SYSTEM=1 leaves step 2 out (nothing is installed on the system), WEIR_NO_NATIVE=1 leaves
// step 4 out, CXX names the C++ compiler, CXXFLAGS and LDFLAGS are passed to it.

import { bundle } from './setup/bundle.mjs'
import { buildNative } from './setup/native.mjs'
import { installPackages } from './setup/packages.mjs'
import { readState, SetupError, say, writeState } from './setup/state.mjs'
import { installSystem } from './setup/system.mjs'
import { buildTypeScript } from './setup/typescript.mjs'

const OLDEST_NODE = 20

const state = readState()
try {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new SetupError(`Node.js ${OLDEST_NODE} or newer is needed; this is ${process.version}`)
  }
  installSystem(state)
  installPackages(state)
  buildNative(state)
  buildTypeScript(state)
  await bundle()
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  say(error.message)
  process.exitCode = 1
} finally {
  writeState(state)
}
