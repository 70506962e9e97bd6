import { join } from 'node:path'
import { XmppkiError } from '../errors.ts'
import type { IssuedRecord } from '../store/ledger.ts'
import { readTextIfAny } from './files.ts'

/** Names of the files in the folder of a server certificate. */
export const SERVER_FILES = {
  key: 'server.key',
  certificate: 'server.crt',
  chain: 'chain.crt',
} as const

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
  return {
    key: readRequired(join(directory, SERVER_FILES.key)),
    chain: readRequired(join(directory, SERVER_FILES.chain)),
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
