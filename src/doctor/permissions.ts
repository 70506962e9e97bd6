import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { withIo } from '../workspace/disk/files.ts'
import { about, type Finding } from './finding.ts'

/** Files that let whoever reads them log in, sign, or see who has an account or is locked out. */
const SECRET = /\.(?:key|p12|password)$|^(?:ledger|accounts|revocations|enrolments)\.db(?:-wal|-shm)?$|^serve\.sock$/

/** More of a kind are counted only. */
const MOST = 5

interface Finds {
  readonly folders: string[]
  readonly secrets: string[]
  readonly foreign: string[]
}

/** Who else could read or change what is in the workspace. */
export function examinePermissions(home: string): Finding[] {
  // Windows has no such bits.
  if (process.getuid === undefined) return []
  const finds: Finds = { folders: [], secrets: [], foreign: [] }
  look(home, 'folder', finds, process.getuid())
  walk(home, finds, process.getuid())
  const note = about('permissions')
  const findings = [
    ...listed(finds.secrets, (path) => note('failed', `${path} can be read by others`, `chmod 600 ${quoted(path)}`)),
    ...listed(finds.folders, (path) => note('warning', `others can look into ${path}`, `chmod 700 ${quoted(path)}`)),
    ...listed(finds.foreign, (path) => note('warning', `${path} belongs to another user`)),
  ]
  return findings.length > 0 ? findings : [note('ok', 'nobody else can read keys or look into the folders')]
}

function walk(folder: string, finds: Finds, user: number): void {
  const entries: Dirent[] = withIo(`read ${folder}`, () => readdirSync(folder, { withFileTypes: true }))
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      look(path, 'folder', finds, user)
      walk(path, finds, user)
    } else if (SECRET.test(entry.name)) look(path, 'secret', finds, user)
  }
}

/** Not through symbolic links: what they lead to is somebody else's concern. */
function look(path: string, kind: 'folder' | 'secret', finds: Finds, user: number): void {
  // Files of other processes come and go.
  const status: Stats | undefined = withIo(`look at ${path}`, () => lstatSync(path, { throwIfNoEntry: false }))
  if (status === undefined || status.isSymbolicLink()) return
  if (status.uid !== user) finds.foreign.push(path)
  if ((status.mode & 0o077) !== 0) (kind === 'folder' ? finds.folders : finds.secrets).push(path)
}

function listed(paths: readonly string[], find: (path: string) => Finding): Finding[] {
  const shown = paths.slice(0, MOST).map(find)
  const [first] = shown
  const more = paths.length - shown.length
  return first === undefined || more === 0 ? shown : [...shown, { ...first, text: `and ${more} more like these` }]
}

/** For a POSIX shell. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`
}
