import { XmppkiError } from '../errors.ts'
import { createCrl, type RevocationReason, type RevokedEntry, readCrl } from '../pki/crl.ts'
import type { Issuer } from '../pki/issuer.ts'
import type { IssuedRecord, LedgerChanges } from '../store/ledger.ts'
import { PUBLIC_FILE, readTextIfAny, replaceFile } from './files.ts'
import { finishPublications } from './publish.ts'
import type { Workspace } from './workspace.ts'

const DAY_MS = 86_400_000

export interface CrlRequest {
  readonly issuer: Issuer
  /** From thisUpdate to nextUpdate; verifiers stop trusting the list then. */
  readonly days: number
  readonly now: Date
}

/** A CRL that was written. */
export interface PublishedCrl {
  /** Absolute path. */
  readonly file: string
  readonly pem: string
  /** The CRL number (RFC 5280 §5.2.3). */
  readonly number: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** In the order of issue. */
  readonly revoked: readonly IssuedRecord[]
}

/**
 * Writes the CRL of everything that the ledger has as revoked, replacing the one before in one step.
 * Number and content come from one transaction, so a larger number never says less; of several at once the largest
 * number stays on the disk.
 * @param change what is to be revoked before, in the same transaction; when it throws nothing is written
 * @throws {XmppkiError} BAD_INPUT when the CA may not sign CRLs, IO, CORRUPT; what `change` throws
 */
export async function publishCrl<T>(
  workspace: Workspace,
  request: CrlRequest,
  change: (changes: LedgerChanges) => T,
): Promise<{ readonly crl: PublishedCrl; readonly changed: T }> {
  const { issuer, days, now } = request
  const ledger = workspace.ledger()
  const { temporary, crl: file } = workspace.paths
  const { changed, number, revoked } = ledger.transaction((insert, changes) => {
    // What a crash left without its row could not be revoked.
    finishPublications(ledger, temporary, insert, changes)
    const result = change(changes)
    const { serial } = issuer.certificate
    const revoked = ledger.listRevoked(serial)
    return { changed: result, number: changes.nextCrlNumber(serial, numberOf(file)), revoked }
  })
  const nextUpdate = new Date(now.getTime() + days * DAY_MS)
  const entries = revoked.map(toEntry)
  try {
    const { pem } = await createCrl({ issuer, entries, number: BigInt(number), thisUpdate: now, nextUpdate })
    ledger.transaction(() => {
      if (numberOf(file) < number) replaceFile(file, { content: pem, mode: PUBLIC_FILE })
    })
    return { changed, crl: { file, pem, number, thisUpdate: now, nextUpdate, revoked } }
  } catch (error) {
    if (revoked.length > 0) workspace.warn(`what is revoked in the ledger is not yet in ${file}; run: xmppki ca crl`)
    throw error
  }
}

function toEntry({ serial, revokedAt, revocationReason }: IssuedRecord): RevokedEntry {
  const entry = { serial, revokedAt: new Date(revokedAt ?? 0) }
  // Only names of RFC 5280 §5.3.1 are ever written to the ledger.
  return revocationReason === undefined ? entry : { ...entry, reason: revocationReason as RevocationReason }
}

/** The number of the CRL in the file; 0 where there is none, or something else: that is replaced. */
function numberOf(file: string): number {
  const pem = readTextIfAny(file)
  try {
    return pem === undefined ? 0 : Number(readCrl(pem, file).number ?? 0)
  } catch (error) {
    if (error instanceof XmppkiError) return 0
    throw error
  }
}

/**
 * Refuses to write a CRL over something else.
 * @throws {XmppkiError} EXISTS when the file is there and no CRL, IO
 */
export function checkCrlTarget(path: string): void {
  const text = readTextIfAny(path)
  if (text === undefined || text.trimStart().startsWith('-----BEGIN X509 CRL-----')) return
  throw new XmppkiError('EXISTS', `${path} is there and is not a CRL in PEM form`, {
    hint: 'nothing was written; give another file',
  })
}

/** Writes the CRL to a further place; a CRL that is there is replaced in one step. @throws {XmppkiError} EXISTS, IO */
export function copyCrl({ pem }: PublishedCrl, path: string): void {
  checkCrlTarget(path)
  replaceFile(path, { content: pem, mode: PUBLIC_FILE })
}
