import { readFile } from 'node:fs/promises'
import type { TlsConfiguration } from '../../config/schema.ts'
import { XmppkiError } from '../../errors.ts'
import { holdsCrl } from '../../pki/revocation/crl-file.ts'
import type { ClientTrust } from '../../server/net/client-trust.ts'
import { TrustAnchors } from '../../trust/anchors.ts'
import { RevocationLists } from '../../trust/revocation-lists.ts'
import type { ReadLists } from './crl-files.ts'

/** What of a `tls` block decides about client certificates. */
export type TrustSettings = Pick<
  TlsConfiguration,
  'verify_mode' | 'disconnect_on_failure' | 'cacertfile' | 'crl_files' | 'crl_mode'
>

/** The CAs that a listener accepts client certificates from, and where their CRLs are. */
export interface ListenerCas {
  readonly settings: TrustSettings
  /** Those of the workspace. */
  readonly ours: TrustAnchors
  readonly all: TrustAnchors
  /** Files with CRLs, in the order in which they are named. */
  readonly crlFiles: readonly string[]
}

/**
 * Reads the CAs of a listener.
 * @param own PEM of the CAs of the workspace
 * @throws {XmppkiError} NOT_FOUND, BAD_INPUT, IO about a file of `cacertfile`
 */
export async function readListenerCas(own: readonly string[], settings: TrustSettings): Promise<ListenerCas> {
  const ours = new TrustAnchors(own)
  const pems: string[] = []
  // Some CAs hand out one file with both: a list in it must not be passed over in silence.
  const withLists: string[] = []
  for (const path of settings.cacertfile) {
    const octets = await readCaFile(path)
    pems.push(...new TrustAnchors([octets.toString('utf8')], path).pems)
    if (holdsCrl(octets)) withLists.push(path)
  }
  return {
    settings,
    ours,
    all: pems.length === 0 ? ours : new TrustAnchors([...own, ...pems]),
    crlFiles: [...withLists, ...settings.crl_files],
  }
}

/**
 * Which client certificates a listener accepts. The CAs of the workspace need no CRL: the ledger knows what they have
 * revoked.
 */
export function listenerTrust({ settings, ours, all, crlFiles }: ListenerCas, lists: ReadLists): ClientTrust {
  const { verify_mode: verifyMode, disconnect_on_failure: disconnectOnFailure, crl_mode: mode } = settings
  const exempt = new Set(ours.authorities.map(({ facts }) => facts.fingerprint))
  const isNeeded = settings.cacertfile.length > 0 || settings.crl_files.length > 0
  const options = { exempt, authorities: all.authorities }
  return {
    anchors: all,
    verifyMode,
    disconnectOnFailure,
    revocation: isNeeded ? { lists: new RevocationLists(crlFiles.flatMap(lists.of), options), mode } : undefined,
  }
}

async function readCaFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new XmppkiError(code === 'ENOENT' ? 'NOT_FOUND' : 'IO', `cannot read the CA file ${path}: ${code}`, {
      cause: error,
    })
  }
}
