import { XmppkiError } from '../../errors.ts'
import type { RevocationReason } from '../../pki/revocation/revocation-reason.ts'
import { isSameSigner } from '../../store/certificate-id.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import { revokeAudited } from '../base/audit-events.ts'
import { readAuthority, signerId } from '../base/authority.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import { type PublishedCrl, publishCrls, type UnsignedCrl } from './publish-crl.ts'

export interface IssuingRevocation {
  /** Serial number as the ledger has it; undefined: the CA that issues now. */
  readonly serial: string | undefined
  readonly reason: RevocationReason
  /** How long the CRL of the root is good for. */
  readonly crlDays: number
  /** Unlocks the root. */
  readonly issuer: IssuerSource
  readonly now?: Date
}

export interface RevokedIssuing {
  readonly name: string
  readonly serial: string
  readonly revokedAt: Date
  /** A CRLReason name (RFC 5280 §5.3.1). */
  readonly reason: string
  /** Users whose certificates are of no use any more: neither expired nor revoked themselves. Bare JIDs, each once. */
  readonly users: readonly string[]
  /** Undefined where the root may not sign CRLs. */
  readonly crl: PublishedCrl | undefined
  readonly unsigned: readonly UnsignedCrl[]
}

/**
 * Revokes an issuing CA and with it whatever it has issued, and writes the CRL of the root. From then on the root issues,
 * until there is another issuing CA.
 * @throws {XmppkiError} NOT_FOUND when there is no such CA, or without the key of the root: a CRL is all that others see of
 * it; PASSPHRASE, IO, CORRUPT
 */
export async function revokeIssuing(workspace: Workspace, request: IssuingRevocation): Promise<RevokedIssuing> {
  const { reason, crlDays, now = new Date() } = request
  const root = workspace.root()
  const record = recordOf(workspace, request.serial)
  if (root.signsCrls) await request.issuer(root)
  const list = { of: [signerId(root)], issuer: request.issuer, days: crlDays, now }
  const { crls, unsigned, changed } = await publishCrls(workspace, list, (changes) =>
    revokeAudited(workspace.ledger(), changes, record, { at: now.getTime(), reason }),
  )
  const [crl] = crls
  if (changed === undefined) throw new XmppkiError('CORRUPT', `${record.serial} has left the ledger`)
  const { name, serial, revokedAt = 0, revocationReason = 'unspecified' } = changed
  const users = usersOf(workspace, record, now)
  return { name, serial, revokedAt: new Date(revokedAt), reason: revocationReason, users, crl, unsigned }
}

function recordOf(workspace: Workspace, wanted: string | undefined): IssuedRecord {
  const serial = wanted ?? workspace.authority().serial
  const record = workspace
    .ledger()
    .listBySerial(serial)
    .find(({ kind }) => kind === 'issuing')
  if (record !== undefined) return record
  const what = wanted === undefined ? 'there is no issuing CA' : `no issuing CA has the serial number ${wanted}`
  throw new XmppkiError('NOT_FOUND', what, {
    hint: 'nothing was revoked; xmppki ca audit --event ca-created lists the CAs of the workspace',
  })
}

function usersOf(workspace: Workspace, { serial, directory }: IssuedRecord, now: Date): string[] {
  const id = readAuthority(directory, 'issuing')?.id ?? ''
  const isLost = (record: IssuedRecord) =>
    isSameSigner(record, { authority: id, issuer: serial }) &&
    record.revokedAt === undefined &&
    record.notAfter >= now.getTime()
  const names = workspace.ledger().list('client').filter(isLost)
  return [...new Set(names.map(({ name }) => name))]
}
