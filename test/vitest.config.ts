import { defineConfig } from 'vitest/config'

const root = new URL('..', import.meta.url).pathname

/** Tests that start the built CLI as a process, several times each: seconds, where the fast lane takes milliseconds. */
const CLI = ['test/cli/**/*.test.ts', 'test/commands/**/*.test.ts', 'test/docs/**/*.test.ts', 'test/readme.test.ts']
/** One program of others of each kind: a client, a server, a reader of bundles, a shell, a database. */
const INTEROP = ['test/interop/**/*.test.ts']
/** Tens of thousands of rounds, for minutes; programs killed, databases taken away, the package, browsers. */
const LONG = ['test/long/**/*.test.ts']
/** All the other programs of each kind, and what else needs those of the interop lane. */
const LONG_INTEROP = ['test/long/interop/**/*.test.ts']

/** Sources that run as they are, without a build, start the workers that `WORKERS` makes. */
const resolve = {
  alias: [{ find: /^.*\/worker-file\.ts$/, replacement: `${root}test/support/processes/worker-file.ts` }],
}
const WORKERS = 'test/support/processes/workers.ts'

/** Many times what a test takes on an idle machine: these limits end what hangs, and nothing else. */
const common = { testTimeout: 60_000, hookTimeout: 60_000 }
/** Tests of a file run side by side where all that they do is wait for the clock. */
const maxConcurrency = 10
const processes = { testTimeout: 120_000, hookTimeout: 120_000 }
const soaks = { testTimeout: 1_000_000, hookTimeout: 120_000 }
/**
 * Files run one after another in a process of each worker. To start one and to load the sources anew for each file was
 * two fifths of the processor time of the fast lane. The set-up sees to it that they leave nothing changed.
 */
const sameProcess = { isolate: false, setupFiles: ['test/support/processes/same-process.ts'] }
const builds = { globalSetup: ['test/support/processes/build.ts', 'test/support/processes/scratch.ts', WORKERS] }
const withPrograms = { globalSetup: [...builds.globalSetup, 'test/interop/databases/postgres-template.ts'] }

export default defineConfig({
  root,
  test: {
    projects: [
      {
        root,
        resolve,
        test: {
          ...common,
          globalSetup: [WORKERS],
          maxConcurrency,
          name: 'fast',
          ...sameProcess,
          include: ['test/**/*.test.ts'],
          exclude: [...CLI, ...INTEROP, ...LONG],
        },
      },
      { root, resolve, test: { ...processes, ...builds, ...sameProcess, name: 'cli', include: CLI } },
      { root, resolve, test: { ...processes, ...withPrograms, ...sameProcess, name: 'interop', include: INTEROP } },
      { root, resolve, test: { ...soaks, ...builds, name: 'long', include: LONG, exclude: LONG_INTEROP } },
      { root, resolve, test: { ...soaks, ...withPrograms, name: 'long-interop', include: LONG_INTEROP } },
    ],
  },
})
