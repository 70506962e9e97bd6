import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { XmppkiError } from '../errors.ts'
import { decodePem } from '../pki/der/pem.ts'
import { privateKeyText } from '../pki/keys/key-import.ts'
import { decodePrivateKey } from '../pki/keys/keys.ts'
import { readPkcs12 } from '../pki/pkcs12/pkcs12-reader.ts'
import { readCertificates } from '../pki/x509/certificate-file.ts'
import { findCurrent } from '../workspace/base/current.ts'
import type { Workspace } from '../workspace/base/workspace.ts'
import { holderOf } from '../workspace/clients/client-folder.ts'
import { readClientCertificate, readClientKey } from '../workspace/clients/read-client.ts'
import type { Jid } from '../xmpp/address/jid.ts'
import type { ClientCredentials } from './client-certificate.ts'

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** What the workspace has issued to this user, the main device. @throws {XmppkiError} NOT_FOUND, CORRUPT, PASSPHRASE, IO */
export function credentialsOfUser(workspace: Workspace, jid: Jid): ClientCredentials {
  const client = { jid, device: '' }
  const record = findCurrent(workspace, holderOf(client))
  if (record === undefined) {
    throw new XmppkiError('NOT_FOUND', `the workspace has no certificate for ${jid}`, {
      hint: `run: xmppki client issue ${jid}`,
    })
  }
  const certificate = readClientCertificate(record, client)
  const { privateKey } = readClientKey(record, client, certificate)
  const above = workspace.chainAbove(record).map((pem) => decodePem(pem, 'CERTIFICATE', 'the CA certificate'))
  return { chain: [certificate.der, ...above], key: pemOf(privateKey), source: certificate.path }
}

/** @throws {XmppkiError} PASSPHRASE when the password is wrong, BAD_INPUT when something is missing in the bundle */
export async function credentialsOfBundle(
  octets: Uint8Array,
  password: string,
  source: string,
): Promise<ClientCredentials> {
  const { bags } = await readPkcs12(octets, { password, source })
  const key = bags.find(({ type }) => type === 'private-key')
  const certificates = bags.filter(({ type }) => type === 'certificate').map(({ der }) => der)
  if (key === undefined) throw new XmppkiError('BAD_INPUT', `${source} holds no private key`)
  const privateKey = createPrivateKey({ key: Buffer.from(key.der), format: 'der', type: 'pkcs8' })
  const own = certificates.find((der) => new X509Certificate(der).checkPrivateKey(privateKey))
  if (own === undefined) throw new XmppkiError('BAD_INPUT', `${source} holds no certificate for its private key`)
  return { chain: [own, ...certificates.filter((der) => der !== own)], key: pemOf(privateKey), source }
}

/** @throws {XmppkiError} BAD_INPUT, PASSPHRASE when the key is encrypted */
export function credentialsOfFiles(
  certificate: { readonly octets: Uint8Array; readonly source: string },
  key: { readonly octets: Uint8Array; readonly source: string },
): ClientCredentials {
  const { privateKey } = decodePrivateKey(privateKeyText(key.octets), { source: key.source })
  const chain = readCertificates(certificate.octets, certificate.source)
  return { chain, key: pemOf(privateKey), source: certificate.source }
}
