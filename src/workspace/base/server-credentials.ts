import { join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import { readTextIfAny } from '../disk/files.ts'

/** Names of the files in the folder of a server certificate. */
export const SERVER_FILES = {
  key: 'server.key',
  certificate: 'server.crt',
  chain: 'chain.crt',
} as const

/** Absolute paths of the files of a server certificate. */
export interface ServerFiles {
  readonly key: string
  readonly certificate: string
  /** The certificate followed by that of the CA. */
  readonly chain: string
}

/** Where the files are in the folder of a server certificate. */
export function serverFilesIn(directory: string): ServerFiles {
  return {
    key: join(directory, SERVER_FILES.key),
    certificate: join(directory, SERVER_FILES.certificate),
    chain: join(directory, SERVER_FILES.chain),
  }
}

/** What a TLS server needs. */
export interface ServerCredentials {
  /** Private key, PKCS#8 PEM. */
  readonly key: string
  /** The server certificate followed by that of the CA, PEM. */
  readonly chain: string
  /** Lower-case hexadecimal. */
  readonly serial: string
  readonly notAfter: Date
  readonly directory: string
}

/** @throws {XmppkiError} CORRUPT when one of the files is missing, IO */
export function readServerCredentials(record: IssuedRecord): ServerCredentials {
  const { directory, serial, notAfter } = record
  const files = serverFilesIn(directory)
  return {
    key: readRequired(files.key),
    chain: readRequired(files.chain),
    serial,
    notAfter: new Date(notAfter),
    directory,
  }
}

function readRequired(path: string): string {
  const text = readTextIfAny(path)
  if (text === undefined) {
    throw new XmppkiError('CORRUPT', `${path} is missing`, {
      hint: 'restore it, or move its folder away and run: xmppki server issue',
    })
  }
  return text
}
