import { defineConfig } from 'vitest/config'

const root = new URL('..', import.meta.url).pathname

/** Tests that start the built CLI as a process, several times each: seconds, where the fast lane takes milliseconds. */
const CLI = ['test/cli/**/*.test.ts', 'test/commands/**/*.test.ts', 'test/readme.test.ts']
const INTEROP = ['test/interop/**/*.test.ts']

const common = { testTimeout: 20_000, hookTimeout: 30_000 }
const builds = { globalSetup: ['test/support/build.ts'] }

export default defineConfig({
  root,
  test: {
    projects: [
      { root, test: { ...common, name: 'fast', include: ['test/**/*.test.ts'], exclude: [...CLI, ...INTEROP] } },
      { root, test: { ...common, ...builds, name: 'cli', include: CLI, testTimeout: 60_000 } },
      {
        root,
        test: { ...common, ...builds, name: 'interop', include: INTEROP, testTimeout: 60_000, hookTimeout: 60_000 },
      },
    ],
  },
})
