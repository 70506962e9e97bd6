import { spawn } from 'node:child_process'

/** What a passphrase variable is called; whoever is told about a certificate needs none of them. */
const SECRET = /^XMPPKI_\w*PASSPHRASE$/

/** How a command of the user's ended, when it did not end well: `exit code 3`, `signal SIGTERM`, or why it did not start. */
export type HookFailure = string

/**
 * Runs a command of the user's with `/bin/sh -c`. Its output goes to standard error, because standard output has the
 * result; it reads nothing and inherits no passphrase.
 * @param about what it finds in its environment beside our own
 * @returns undefined when it ended with exit code 0
 */
export function runHook(command: string, about: Readonly<Record<string, string>>): Promise<HookFailure | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !SECRET.test(name))
  const child = spawn('/bin/sh', ['-c', command], {
    env: { ...Object.fromEntries(inherited), ...about },
    stdio: ['ignore', process.stderr, process.stderr],
  })
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(message))
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined)
      else resolve(signal === null ? `exit code ${code}` : `signal ${signal}`)
    })
  })
}
