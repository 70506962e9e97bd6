import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { FileFormat, ForeignRow } from '../../accounts/foreign-account.ts'
import { readAccounts } from '../../accounts/formats.ts'
import { readProsodyAccount } from '../../accounts/prosody-accounts.ts'
import { readInputFile, sourceName } from '../../cli/input-file.ts'
import { XmppkiError } from '../../errors.ts'
import { readInputFile as readKnownFile } from '../../workspace/disk/named-file.ts'

/** More than a million accounts with keys; Node has no texts of twice as much. */
const MAX_BYTES = 256 * 1024 * 1024

/** An account of Prosody takes 250 bytes. */
const MAX_ACCOUNT_BYTES = 65_536

/** The store of Prosody that accounts are in, and what its files end with. */
const STORE = 'accounts'
const SUFFIX = '.dat'

/** What `--format` takes. */
export type SourceFormat = FileFormat | 'prosody'

/**
 * The accounts in a file, in standard input (`-`), or in a data folder of Prosody: the whole, that of one host, or its
 * folder `accounts`.
 * @param format undefined: what it looks like
 * @throws {XmppkiError} NOT_FOUND, IO; BAD_INPUT about the whole; USAGE when the format does not fit
 */
export async function readAccountSource(
  file: string,
  format: SourceFormat | undefined,
): Promise<readonly ForeignRow[]> {
  const isFolder = file !== '-' && statSync(file, { throwIfNoEntry: false })?.isDirectory() === true
  if (isFolder) {
    if (format === undefined || format === 'prosody') return readProsodyFolder(file)
    throw new XmppkiError('USAGE', `${file} is a folder, and accounts in ${format} are in one file`)
  }
  if (format === 'prosody') {
    throw new XmppkiError('USAGE', `${sourceName(file)} is not a folder, and Prosody keeps a file for each account`, {
      hint: 'name its data folder: /var/lib/prosody',
    })
  }
  return readAccounts(await readInputFile(file, { maxBytes: MAX_BYTES }), sourceName(file), format)
}

function readProsodyFolder(folder: string): ForeignRow[] {
  const rows = hostFolders(folder).flatMap(({ host, path }) =>
    entriesOf(path)
      .filter((entry) => entry.isFile() && entry.name.endsWith(SUFFIX))
      .map(({ name }) => readAccountFile(join(path, name), host, name.slice(0, -SUFFIX.length))),
  )
  if (rows.length > 0) return rows
  throw new XmppkiError('BAD_INPUT', `there are no accounts of Prosody in ${folder}`, {
    hint: 'name its data folder: /var/lib/prosody',
  })
}

/** The folders with accounts, and the names on the disk of the hosts that they are of. */
function hostFolders(folder: string): { readonly host: string; readonly path: string }[] {
  const own = resolve(folder)
  if (basename(own) === STORE) return [{ host: basename(dirname(own)), path: folder }]
  const folders = entriesOf(folder).filter((entry) => entry.isDirectory())
  if (folders.some(({ name }) => name === STORE)) return [{ host: basename(own), path: join(folder, STORE) }]
  return folders
    .map(({ name }) => ({ host: name, path: join(folder, name, STORE) }))
    .filter(({ path }) => statSync(path, { throwIfNoEntry: false })?.isDirectory())
}

function readAccountFile(place: string, host: string, user: string): ForeignRow {
  try {
    return readProsodyAccount({ place, host, user, content: readKnownFile(place, MAX_ACCOUNT_BYTES) })
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    return { place, name: user, error }
  }
}

/** In the order of their names. */
function entriesOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new XmppkiError('IO', `cannot read the folder ${path}: ${code}`, { cause: error })
  }
}
