import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

// Tests run against the TypeScript sources, so a failure points at a source line and no stale build is tested.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@weir\/stack$/, replacement: root('./stack/src/index.ts') },
      { find: /^weir$/, replacement: root('./ids/src/index.ts') },
    ],
  },
  test: {
    include: ['{stack,ids,signatures}/test/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'threads',
    // Command lines under test leave nothing in the user's cache directory.
    env: { WEIR_CACHE: 'off' },
    testTimeout: 60_000,
  },
})
