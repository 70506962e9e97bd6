import { XmppkiError } from '../../errors.ts'
import { createWholeFile, exists, readTextIfAny, SECRET_FILE } from '../disk/files.ts'
import type { IssuedClient } from './issue-client.ts'

const HEADING = ['jid', 'device', 'bundle', 'password']

/** @throws {XmppkiError} EXISTS when the file is there: it would not be overwritten */
export function checkPasswordList(path: string): void {
  if (!exists(path)) return
  throw new XmppkiError('EXISTS', `the list of passwords ${path} is already there`, {
    hint: 'name another file',
  })
}

/**
 * Writes the passwords of these bundles, as far as they were generated, to a new CSV file (RFC 4180) for its owner alone.
 * Those of earlier runs are among them: they are taken from the files beside the bundles.
 * @returns how many there are
 * @throws {XmppkiError} IO, also when the file has come to be meanwhile
 */
export function writePasswordList(path: string, clients: readonly IssuedClient[]): number {
  const rows = clients.flatMap(({ jid, device, files }) => {
    const password = files.p12Password === undefined ? undefined : readTextIfAny(files.p12Password)?.trim()
    return password === undefined ? [] : [[jid, device, files.p12, password]]
  })
  writeSecretRows(path, [HEADING, ...rows])
  return rows.length
}

/** Writes a new CSV file (RFC 4180) for its owner alone. @throws {XmppkiError} IO, also when the file is there */
export function writeSecretRows(path: string, rows: readonly (readonly string[])[]): void {
  const content = rows.map((row) => `${row.map(quoted).join(',')}\r\n`).join('')
  createWholeFile(path, { content, mode: SECRET_FILE })
}

function quoted(value: string): string {
  return /^[^",\r\n]*$/.test(value) ? value : `"${value.replaceAll('"', '""')}"`
}
