import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { postgresPrograms } from '../../support/processes/postgres-programs.mjs'

declare module 'vitest' {
  interface ProvidedContext {
    /** Data folder of a PostgreSQL server that was never started; empty where there is no PostgreSQL. */
    postgresTemplate: string
  }
}

/** Of the administrator `postgres`. */
export const PASSWORD = 'pass/wörd@1'

/** PostgreSQL refuses to run as root; Debian's package brings a user for it. */
export function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** Makes the data folder that each server gets a copy of: initdb takes ten times what a copy takes. */
export function setup(project: TestProject): (() => void) | undefined {
  const programs = postgresPrograms()
  if (programs === undefined) {
    project.provide('postgresTemplate', '')
    return undefined
  }
  const user = unprivileged()
  const folder = mkdtempSync(join(tmpdir(), 'xmppki-postgres-template-'))
  const [data, password] = [join(folder, 'data'), join(folder, 'password')]
  writeFileSync(password, PASSWORD, { mode: 0o600 })
  if (user.uid !== undefined && user.gid !== undefined) {
    for (const path of [folder, password]) chownSync(path, user.uid, user.gid)
  }
  const args = ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', password]
  execFileSync(join(programs, 'initdb'), [...args, '-E', 'UTF8', '--locale=C', '--no-sync'], {
    ...user,
    cwd: folder,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    timeout: 100_000,
  })
  project.provide('postgresTemplate', data)
  return () => rmSync(folder, { recursive: true })
}
