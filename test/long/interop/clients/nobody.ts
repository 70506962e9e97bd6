import { chownSync } from 'node:fs'

/** Some programs refuse to run as root: `nobody` runs them then. */
const NOBODY = 65534

const isRoot = () => process.getuid?.() === 0

/** What to put before a command that must not run as root. */
export function asNobody(): readonly string[] {
  return isRoot() ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : []
}

/** Makes a file or folder that of whoever runs such a command. */
export function giveToNobody(path: string): void {
  if (isRoot()) chownSync(path, NOBODY, NOBODY)
}
