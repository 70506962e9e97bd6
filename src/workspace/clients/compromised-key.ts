import type { KeyObject } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { isSamePublicKey } from '../../pki/keys/keys.ts'
import { openCertificate } from '../../pki/x509/certificate.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import type { Workspace } from '../base/workspace.ts'
import { type Client, holderOf } from './client-folder.ts'
import { readClientCertificate } from './read-client.ts'

/**
 * The certificate that tells that somebody else may have the private key of `publicKey`: one of this account, for any
 * device, that was revoked with `keyCompromise` (RFC 5280 §5.3.1). What lies no more where the ledger says tells nothing.
 * @throws {XmppkiError} CORRUPT, IO
 */
export function findCompromise(workspace: Workspace, { jid }: Client, publicKey: KeyObject): IssuedRecord | undefined {
  const { name } = holderOf({ jid, device: '' })
  return workspace
    .ledger()
    .list('client')
    .find((record) => {
      if (record.name !== name || record.revocationReason !== 'keyCompromise') return false
      const key = publicKeyOf(record, { jid, device: record.device })
      return key !== undefined && isSamePublicKey(key, publicKey)
    })
}

function publicKeyOf(record: IssuedRecord, client: Client): KeyObject | undefined {
  try {
    return openCertificate(readClientCertificate(record, client).der).publicKey
  } catch (error) {
    if (error instanceof XmppkiError) return undefined
    throw error
  }
}
