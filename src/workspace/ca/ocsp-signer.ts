import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { prepareOcspResponder, sign } from '../../pki/issue/issue.ts'
import type { Issuer } from '../../pki/issue/issuer.ts'
import { keyAlgorithm } from '../../pki/keys/algorithms.ts'
import { decodePrivateKey, encodePrivateKey, generateKeyPair } from '../../pki/keys/keys.ts'
import { onlineKey } from '../../pki/keys/signature.ts'
import { loadOcspResponder, type OcspResponder } from '../../pki/revocation/ocsp-response.ts'
import { readCertificate } from '../../pki/x509/certificate.ts'
import { certificateId, isSameCertificate } from '../../store/certificate-id.ts'
import type { Authority } from '../base/authority.ts'
import { findCurrent, toRecord } from '../base/current.ts'
import { install } from '../base/install.ts'
import { archiveOf } from '../base/installation.ts'
import type { Workspace } from '../base/workspace.ts'
import { type NewFile, PUBLIC_FILE, readTextIfAny, removeAll, SECRET_FILE } from '../disk/files.ts'

/** Signs OCSP responses in the name of a CA (RFC 6960 §4.2.2.2). */
export interface OcspSigner extends OcspResponder {
  readonly notBefore: Date
}

/**
 * Relying parties do not ask whether a responder's certificate is revoked (id-pkix-ocsp-nocheck), so it lives shortly
 * (RFC 6960 §4.2.2.2.1).
 */
const DAYS = 30

function folderOf(workspace: Workspace, { publicName }: Authority): string {
  return join(workspace.paths.ocsp, publicName)
}

/**
 * The signer of this CA; undefined when there is none. It may have expired.
 * @throws {XmppkiError} BAD_INPUT when what is there is another's, IO
 */
export function readOcspSigner(workspace: Workspace, authority: Authority): OcspSigner | undefined {
  const folder = folderOf(workspace, authority)
  const file = join(folder, 'ocsp.crt')
  const source = join(folder, 'ocsp.key')
  const [pem, keyPem] = [readTextIfAny(file), readTextIfAny(source)]
  if (pem === undefined || keyPem === undefined) return undefined
  const key = onlineKey(decodePrivateKey(keyPem, { source }).privateKey)
  const responder = loadOcspResponder(pem, key, new X509Certificate(authority.pem).publicKey, file)
  return { ...responder, notBefore: readCertificate(responder.certificate, file).notBefore }
}

/**
 * Makes a new signer for this CA, in the place of the one before, whose key is destroyed.
 * @returns false when another process was faster
 * @throws {XmppkiError} BAD_INPUT when the CA ends too soon, IO, CORRUPT
 */
export async function makeOcspSigner(
  workspace: Workspace,
  { authority, issuer, now }: { readonly authority: Authority; readonly issuer: Issuer; readonly now: Date },
): Promise<boolean> {
  const directory = folderOf(workspace, authority)
  const keys = await generateKeyPair(keyAlgorithm('ec:p256'))
  const commonName = `OCSP ${authority.publicName}`
  const left = Math.floor((authority.notAfter.getTime() - now.getTime()) / 86_400_000)
  const days = Math.max(1, Math.min(DAYS, left))
  const prepared = prepareOcspResponder({ commonName, publicKey: keys.publicKey, days, now, issuer })
  const certificate = await sign(prepared, issuer.key)
  const files: NewFile[] = [
    { name: 'ocsp.key', content: await encodePrivateKey(keys.privateKey), mode: SECRET_FILE },
    { name: 'ocsp.crt', content: certificate.pem, mode: PUBLIC_FILE },
  ]
  const holder = { kind: 'ocsp', name: commonName, device: '' } as const
  const old = findCurrent(workspace, holder)
  const replaces = old && { ...certificateId(old), archive: archiveOf(old) }
  const record = toRecord(certificate, { ...holder, domains: [], directory, now })
  const installation = { record, files, certificateFile: 'ocsp.crt', ...(replaces && { replaces }) }
  const isUnchanged = () => isSameCertificate(findCurrent(workspace, holder), old)
  const made = install(workspace.ledger(), workspace.paths.temporary, installation, isUnchanged)
  if (made && replaces !== undefined) removeAll(replaces.archive)
  return made
}
