import { afterAll, expect, vi } from 'vitest'

/** What a process has one of, and a file of tests could leave changed for those that come after it. */
const shared = () => ({
  directory: process.cwd(),
  umask: process.umask(),
  signals: process.eventNames().filter((name) => String(name).startsWith('SIG')),
  hasFakeTimers: vi.isFakeTimers(),
})

const before = shared()
const environment = { ...process.env }

/** Names alone: the values are nobody's business. */
const changedVariables = () =>
  Object.keys({ ...environment, ...process.env }).filter((name) => process.env[name] !== environment[name])

afterAll(() => {
  expect({ ...shared(), changedVariables: changedVariables() }).toEqual({ ...before, changedVariables: [] })
})
