// Where the programs of a PostgreSQL server are.
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian keeps the server's programs out of PATH: it can have several versions of them. */
const DEBIAN = '/usr/lib/postgresql'

/** The folder with `initdb` and `postgres`, of the newest version; undefined when there is none. */
export function postgresPrograms() {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).map(Number).filter(Number.isInteger) : []
  const debian = versions.sort((a, b) => b - a).map((version) => join(DEBIAN, String(version), 'bin'))
  const folders = [...debian, ...(process.env.PATH ?? '').split(delimiter)]
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}
