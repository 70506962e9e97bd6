import { certificateKey } from '../../store/certificate-id.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import type { Refusal, RefusalName } from '../../trust/refusal.ts'
import { endsWithin, type Period } from '../base/period.ts'
import type { Workspace } from '../base/workspace.ts'
import { CaStandings } from '../ca/ca-standings.ts'

/**
 * What a client certificate is good for now, in the order in which it is decided:
 * `revoked`, itself or its CA; `expired`, itself or its CA; `superseded`, still good for a login although its holder has a newer one that is as well;
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
  /** Why `serve` refuses it, by the names that its log has, as far as that is known; null when nothing speaks against it. */
  readonly refusal: RefusalName | null
  /** In words; missing where the state says it all. */
  readonly refusalReason?: string
  readonly notBefore: Date
  /** The last second of validity. */
  readonly notAfter: Date
  readonly issuedAt: Date
  /** SHA-256 over the DER certificate, lower-case hexadecimal. */
  readonly fingerprint: string
  /** Absolute path of the folder that the files were installed in. */
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

/**
 * The client certificates in the ledger, by user and device, the newest of each first. They are judged by their rows and
 * those of their CAs.
 * @throws {XmppkiError} CORRUPT, IO
 */
export function listClients(workspace: Workspace, request: ListRequest): ListedClient[] {
  const now = request.now ?? new Date()
  const records = recordsOf(workspace, request.jid)
  const standings = new CaStandings(workspace, now)
  const judged = records.map((record) => ({ record, refusal: refusalOf(record, standings, now.getTime()) }))
  const stateOf = statesBy(judged, request.expiring, now.getTime())
  const logins = workspace.ledger().lastLogins()
  return judged
    .toReversed()
    .toSorted((a, b) => byHolder(a.record, b.record))
    .map((one) => describe(one, stateOf(one), logins.get(certificateKey(one.record))))
}

/**
 * Every user and device with a certificate that is itself neither expired nor revoked, whatever became of its CA: they all
 * need another one when that is revoked. @throws {XmppkiError} CORRUPT, IO
 */
export function holdersInUse(workspace: Workspace, now: Date): Pick<ListedClient, 'jid' | 'device'>[] {
  const inUse = recordsOf(workspace, undefined).filter((record) => isInUse(record, now.getTime()))
  const holders = new Map(inUse.map((record) => [holderKey(record), record]))
  return [...holders.values()].toSorted(byHolder).map(({ name, device }) => ({ jid: name, device }))
}

interface Judged {
  readonly record: IssuedRecord
  readonly refusal: Refusal | undefined
}

function recordsOf(workspace: Workspace, jid: string | undefined): IssuedRecord[] {
  const records = workspace.ledger().list('client')
  return jid === undefined ? records : records.filter(({ name }) => name === jid)
}

function isInUse({ revokedAt, notAfter }: IssuedRecord, now: number): boolean {
  return revokedAt === undefined && notAfter >= now
}

function refusalOf(record: IssuedRecord, standings: CaStandings, now: number): Refusal | undefined {
  const { revokedAt, notBefore, notAfter } = record
  if (revokedAt !== undefined) return { check: 'revoked', reason: '' }
  if (notAfter < now) return { check: 'expired', reason: '' }
  const early = `not valid before ${new Date(notBefore).toISOString()}`
  return standings.refusalBelow(record) ?? (notBefore > now ? { check: 'not-yet-valid', reason: early } : undefined)
}

const FINAL: Partial<Record<RefusalName, ClientState>> = { revoked: 'revoked', expired: 'expired' }

function statesBy(judged: readonly Judged[], expiring: Period, now: number): (one: Judged) => ClientState {
  const finalOf = ({ refusal }: Judged) => (refusal === undefined ? undefined : FINAL[refusal.check])
  const newest = new Map<string, string>()
  for (const one of judged) {
    if (finalOf(one) === undefined) newest.set(holderKey(one.record), certificateKey(one.record))
  }
  return (one) => {
    const { record } = one
    const final = finalOf(one)
    if (final !== undefined) return final
    if (newest.get(holderKey(record)) !== certificateKey(record)) return 'superseded'
    return endsWithin(expiring, record, now) ? 'expiring' : 'valid'
  }
}

/** Neither name nor label has a NUL. */
function holderKey({ name, device }: IssuedRecord): string {
  return `${name}\0${device}`
}

function byHolder(a: IssuedRecord, b: IssuedRecord): number {
  const [first, second] = [holderKey(a), holderKey(b)]
  return first < second ? -1 : first > second ? 1 : 0
}

function describe({ record, refusal }: Judged, state: ClientState, lastLogin: number | undefined): ListedClient {
  const { name, device, serial, fingerprint, directory, notBefore, notAfter, issuedAt } = record
  const times = { notBefore: new Date(notBefore), notAfter: new Date(notAfter), issuedAt: new Date(issuedAt) }
  return {
    jid: name,
    device,
    serial,
    ...(record.authority === '' ? {} : { issuerId: record.authority }),
    state,
    refusal: refusal?.check ?? null,
    ...(refusal === undefined || refusal.reason === '' ? {} : { refusalReason: refusal.reason }),
    ...times,
    fingerprint,
    directory,
    ...(lastLogin === undefined ? {} : { lastLogin: new Date(lastLogin) }),
    ...(record.revokedAt === undefined ? {} : { revokedAt: new Date(record.revokedAt) }),
    ...(record.revocationReason === undefined ? {} : { revocationReason: record.revocationReason }),
  }
}
