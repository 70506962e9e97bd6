import { readFileSync } from 'node:fs'
import type { TlsConfiguration } from '../config/schema.ts'
import { XmppkiError } from '../errors.ts'
import { pemBlocks } from '../pki/pem.ts'
import type { ClientTrust } from '../server/client-trust.ts'
import { TrustAnchors } from '../trust/chain.ts'
import { RevocationLists } from '../trust/revocation-lists.ts'
import { CRL_LABEL, type CrlFiles } from './crl-files.ts'

/** What of a `tls` block decides about client certificates. */
export type TrustSettings = Pick<
  TlsConfiguration,
  'verify_mode' | 'disconnect_on_failure' | 'cacertfile' | 'crl_files' | 'crl_mode'
>

/**
 * Which client certificates a listener accepts. The CAs of the workspace need no CRL: the ledger knows what they have
 * revoked.
 * @param own PEM of the CAs of the workspace
 * @throws {XmppkiError} NOT_FOUND, BAD_INPUT, IO about a file of `cacertfile`
 */
export function listenerTrust(own: readonly string[], settings: TrustSettings, crlFiles: CrlFiles): ClientTrust {
  const { verify_mode: verifyMode, disconnect_on_failure: disconnectOnFailure, crl_mode: mode } = settings
  const ours = new TrustAnchors(own)
  const caFiles = settings.cacertfile.map((path) => ({ path, text: readCaFile(path) }))
  const others = caFiles.flatMap(({ path, text }) => new TrustAnchors([text], path).pems)
  const exempt = new Set(ours.authorities.map(({ facts }) => facts.fingerprint))
  // Some CAs hand out one file with both: a list in it must not be passed over in silence.
  const withLists = caFiles.filter(({ text }) => pemBlocks(text).some(({ label }) => label === CRL_LABEL))
  const crls = [...withLists.map(({ path }) => path), ...settings.crl_files].flatMap((path) => crlFiles.read(path))
  const isNeeded = others.length > 0 || settings.crl_files.length > 0
  return {
    anchors: others.length === 0 ? ours : new TrustAnchors([...own, ...others]),
    verifyMode,
    disconnectOnFailure,
    revocation: isNeeded ? { lists: new RevocationLists(crls, exempt), mode } : undefined,
  }
}

function readCaFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new XmppkiError(code === 'ENOENT' ? 'NOT_FOUND' : 'IO', `cannot read the CA file ${path}: ${code}`, {
      cause: error,
    })
  }
}
