import { certificateKey } from '../store/certificate-id.ts'
import type { IssuedRecord } from '../store/ledger.ts'
import { endsWithin, type Period } from './period.ts'
import type { Workspace } from './workspace.ts'

/**
 * What a client certificate is good for now, in the order in which it is decided:
 * `revoked`; `expired`; `superseded`, still good for a login although its holder has a newer one that is as well;
 * `expiring`, soon and without a newer one; `valid`.
 */
export const CLIENT_STATES = ['valid', 'expiring', 'superseded', 'expired', 'revoked'] as const

export type ClientState = (typeof CLIENT_STATES)[number]

/** One client certificate of the ledger. */
export interface ListedClient {
  /** Bare; the empty string for one that is lost and was revoked by its number alone. */
  readonly jid: string
  /** The empty string is the user's main device. */
  readonly device: string
  /** Lower-case hexadecimal. */
  readonly serial: string
  /** The CA that signed it, by name and key, see `authorityId`; missing where that is not known. */
  readonly issuerId?: string
  readonly state: ClientState
  readonly notBefore: Date
  /** The last second of validity. */
  readonly notAfter: Date
  readonly issuedAt: Date
  /** SHA-256 over the DER certificate, lower-case hexadecimal. */
  readonly fingerprint: string
  /** Absolute path of the folder that the files were published in. */
  readonly directory: string
  /** When a server of this workspace last accepted it for a login; undefined when it never did. */
  readonly lastLogin?: Date
  readonly revokedAt?: Date
  /** A CRLReason name (RFC 5280 §5.3.1). */
  readonly revocationReason?: string
}

export interface ListRequest {
  /** Bare JID of the one user to list; undefined for all. */
  readonly jid?: string
  /** What counts as `expiring`. */
  readonly expiring: Period
  readonly now?: Date
}

/** The client certificates in the ledger, by user and device, the newest of each first. @throws {XmppkiError} CORRUPT, IO */
export function listClients(workspace: Workspace, request: ListRequest): ListedClient[] {
  const now = (request.now ?? new Date()).getTime()
  const records = workspace
    .ledger()
    .list('client')
    .filter(({ name }) => request.jid === undefined || name === request.jid)
  const newest = new Map<string, string>()
  for (const record of records) {
    if (record.revokedAt === undefined && record.notAfter >= now) newest.set(holderKey(record), certificateKey(record))
  }
  const stateOf = (record: IssuedRecord): ClientState => {
    if (record.revokedAt !== undefined) return 'revoked'
    if (record.notAfter < now) return 'expired'
    if (newest.get(holderKey(record)) !== certificateKey(record)) return 'superseded'
    return endsWithin(request.expiring, record, now) ? 'expiring' : 'valid'
  }
  const logins = workspace.ledger().lastLogins()
  return records
    .toReversed()
    .toSorted(byHolder)
    .map((record) => describe(record, stateOf(record), logins.get(certificateKey(record))))
}

/** Neither name nor label has a NUL. */
function holderKey({ name, device }: IssuedRecord): string {
  return `${name}\0${device}`
}

function byHolder(a: IssuedRecord, b: IssuedRecord): number {
  const [first, second] = [holderKey(a), holderKey(b)]
  return first < second ? -1 : first > second ? 1 : 0
}

function describe(record: IssuedRecord, state: ClientState, lastLogin: number | undefined): ListedClient {
  const { name, device, serial, fingerprint, directory, notBefore, notAfter, issuedAt } = record
  const times = { notBefore: new Date(notBefore), notAfter: new Date(notAfter), issuedAt: new Date(issuedAt) }
  return {
    jid: name,
    device,
    serial,
    ...(record.authority === '' ? {} : { issuerId: record.authority }),
    state,
    ...times,
    fingerprint,
    directory,
    ...(lastLogin === undefined ? {} : { lastLogin: new Date(lastLogin) }),
    ...(record.revokedAt === undefined ? {} : { revokedAt: new Date(record.revokedAt) }),
    ...(record.revocationReason === undefined ? {} : { revocationReason: record.revocationReason }),
  }
}
