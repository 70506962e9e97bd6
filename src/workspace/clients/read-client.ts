import { readdirSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import { decodePem } from '../../pki/der/pem.ts'
import { isEncryptedPrivateKey, type KeyPair } from '../../pki/keys/keys.ts'
import { readCertificate } from '../../pki/x509/certificate.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import { matchingKey } from '../base/matching-key.ts'
import { exists, readTextIfAny, withIo } from '../disk/files.ts'
import { type Client, fileNamesOf } from './client-folder.ts'

/** The certificate of a client as it lies on the disk. */
export interface ClientCertificate {
  readonly path: string
  readonly der: Uint8Array
}

/** What the ledger says about where the certificate of a client is. */
export type KnownCertificate = Pick<IssuedRecord, 'directory' | 'serial' | 'fingerprint'>

/**
 * The certificate that the record is about: under its usual name, or where another program has put it in that folder.
 * @throws {XmppkiError} CORRUPT when it is not there, IO
 */
export function readClientCertificate(record: KnownCertificate, client: Client): ClientCertificate {
  const { directory, serial } = record
  const usual = join(directory, fileNamesOf(client).certificate)
  const others = withIo(`read ${directory}`, () => readdirSync(directory)).filter((name) =>
    /\.(?:crt|pem|cer)$/i.test(name),
  )
  for (const path of [usual, ...others.map((name) => join(directory, name))]) {
    const der = tryRead(path, record)
    if (der !== undefined) return { path, der }
  }
  const what = exists(usual)
    ? `${usual} is not the certificate with serial ${serial} of the ledger`
    : `${usual} is missing`
  throw new XmppkiError('CORRUPT', what, { hint: 'restore it from a backup' })
}

function tryRead(path: string, { fingerprint }: KnownCertificate): Uint8Array | undefined {
  const pem = readTextIfAny(path)
  if (pem === undefined) return undefined
  try {
    const der = decodePem(pem, 'CERTIFICATE', path)
    return readCertificate(der, path).fingerprint === fingerprint ? der : undefined
  } catch (error) {
    if (error instanceof XmppkiError) return undefined
    throw error
  }
}

/**
 * The key of a client's certificate. It may be the client's alone, where only a CSR was signed.
 * @throws {XmppkiError} NOT_FOUND when it is missing, CORRUPT when it is another's, PASSPHRASE when it is encrypted,
 * BAD_INPUT, IO
 */
export function readClientKey(record: IssuedRecord, client: Client, certificate: ClientCertificate): KeyPair {
  const usual = join(record.directory, fileNamesOf(client).key)
  const name = `${basename(certificate.path, extname(certificate.path))}.key`
  // easy-rsa keeps issued/alice.crt and private/alice.key.
  const path =
    [usual, join(record.directory, name), join(dirname(record.directory), 'private', name)].find(exists) ?? usual
  const pem = readTextIfAny(path)
  if (pem === undefined) {
    throw new XmppkiError('NOT_FOUND', `the private key of ${record.name} is not here: ${path}`, {
      hint: 'only the user has it; what needs no key still works: export --format chain, renew --rekey',
    })
  }
  if (isEncryptedPrivateKey(pem)) {
    throw new XmppkiError('PASSPHRASE', `the private key of ${record.name} is encrypted: ${path}`, {
      hint: 'renew --rekey makes a new one; openssl pkey decrypts it',
    })
  }
  return matchingKey({ path, content: pem }, { path: certificate.path, content: certificate.der })
}
