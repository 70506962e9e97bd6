import { XmppkiError } from '../../errors.ts'
import type { Issuer } from '../../pki/issue/issuer.ts'
import { createCrl } from '../../pki/revocation/crl.ts'
import { readCrl } from '../../pki/revocation/crl-facts.ts'
import type { RevocationReason } from '../../pki/revocation/revocation-reason.ts'
import type { RevokedEntry } from '../../pki/revocation/revoked-entry.ts'
import type { SignerId } from '../../store/certificate-id.ts'
import type { InsertRecord, IssuedRecord, Ledger, LedgerChanges } from '../../store/ledger.ts'
import { currentActor } from '../base/audit-events.ts'
import { type Authority, keyFileOf, signerId } from '../base/authority.ts'
import { settledTransaction } from '../base/unfinished.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import { exists, PUBLIC_FILE, readTextIfAny, replaceFile } from '../disk/files.ts'

const DAY_MS = 86_400_000

export interface CrlRequest {
  /** The CAs whose lists are to be written; each may be there several times. */
  readonly of: Iterable<SignerId>
  readonly issuer: IssuerSource
  /** From thisUpdate to nextUpdate; verifiers stop trusting the list then. */
  readonly days: number
  readonly now: Date
}

/** A CRL that was written. */
export interface PublishedCrl {
  /** Subject of the CA, for people (RFC 4514). */
  readonly issuer: string
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

/** A CA whose list is as old as it was. */
export interface UnsignedCrl {
  readonly authority: Authority
  /** Why its key cannot be used, or must not; undefined when it is not in the workspace. */
  readonly reason: XmppkiError | undefined
}

/** Why this CA cannot write a CRL, whoever has its key; undefined when it can. */
export function crlObstacle({ signsCrls, subject, serial, files }: Authority): XmppkiError | undefined {
  if (signsCrls) return undefined
  const number = serial.replace(/^-?/, '$&0x')
  return new XmppkiError('BAD_INPUT', `there is no CRL of ${subject}: its keyUsage lacks cRLSign`, {
    hint:
      'serve and its OCSP responder know what is revoked; for CRLs make a certificate with the same key, name and serial ' +
      `number and cRLSign, and put it in the place of ${files.certificate}: openssl req -x509 -new -key ${files.key} ` +
      `-set_serial ${number} -subj NAME -days 3650 -addext keyUsage=critical,keyCertSign,cRLSign -out CERT`,
    spec: 'RFC 5280 §4.2.1.3',
  })
}

/** What came of a {@link CrlRequest}. */
export interface CrlRun<T> {
  readonly crls: readonly PublishedCrl[]
  readonly unsigned: readonly UnsignedCrl[]
  readonly changed: T
}

/**
 * Writes the CRLs of everything that the ledger has as revoked, one for each CA, replacing those before in one step.
 * Number and content come from one transaction, so a larger number never says less; of several at once the largest
 * number stays on the disk. What keeps a CA from signing keeps nothing else: who is to be locked out must not stay in
 * because nobody knows a passphrase at night.
 * @param change what is to be revoked before, in the same transaction; when it throws nothing is written
 * @throws {XmppkiError} IO, CORRUPT; what `change` throws
 */
export async function publishCrls<T>(
  workspace: Workspace,
  request: CrlRequest,
  change: (changes: LedgerChanges, insert: InsertRecord) => T,
): Promise<CrlRun<T>> {
  const { ready, unsigned } = await unlockAll(workspace, request)
  const ledger = workspace.ledger()
  // What a crash left without its row could not be revoked.
  const { changed, lists } = settledTransaction(ledger, workspace.paths.temporary, (insert, changes) => {
    const result = change(changes, insert)
    return { changed: result, lists: ready.map((signer) => listOf(signer, ledger, changes)) }
  })
  const crls: PublishedCrl[] = []
  for (const list of lists) crls.push(await writeList(workspace, list, request))
  return { crls, unsigned, changed }
}

interface Signer {
  readonly issuer: Issuer
  readonly authority: Authority
}

/** A CA that was revoked itself, or whose folder is gone, cannot say anything more; what it has issued is worth nothing. */
function authoritiesOf(workspace: Workspace, signers: Iterable<SignerId>): Iterable<Authority> {
  const known = new Map<string, Authority>()
  for (const signer of signers) {
    if (known.has(signer.authority)) continue
    const authority = workspace.findAuthority(signer)
    if (authority !== undefined) known.set(authority.id, authority)
  }
  return known.values()
}

async function unlockAll(workspace: Workspace, { of, issuer }: CrlRequest) {
  const ready: Signer[] = []
  const unsigned: UnsignedCrl[] = []
  for (const authority of authoritiesOf(workspace, of)) {
    const reason = crlObstacle(authority)
    if (reason !== undefined) {
      unsigned.push({ authority, reason })
      continue
    }
    try {
      ready.push({ issuer: await issuer(authority), authority })
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      unsigned.push({ authority, reason: exists(keyFileOf(authority.files)) ? error : undefined })
    }
  }
  return { ready, unsigned }
}

interface List extends Signer {
  readonly number: number
  readonly revoked: readonly IssuedRecord[]
}

function listOf({ issuer, authority }: Signer, ledger: Ledger, changes: LedgerChanges): List {
  const signer = signerId(authority)
  const number = changes.nextCrlNumber(signer, numberOf(authority.files.crl))
  return { issuer, authority, number, revoked: ledger.listRevoked(signer) }
}

async function writeList(workspace: Workspace, list: List, { days, now }: CrlRequest): Promise<PublishedCrl> {
  const { issuer, authority, number, revoked } = list
  const file = authority.files.crl
  const nextUpdate = new Date(now.getTime() + days * DAY_MS)
  try {
    const entries = revoked.map(toEntry)
    const { pem } = await createCrl({ issuer, entries, number: BigInt(number), thisUpdate: now, nextUpdate })
    workspace.ledger().transaction((_insert, changes) => {
      if (numberOf(file) >= number) return
      replaceFile(file, { content: pem, mode: PUBLIC_FILE })
      const { serial, authority: issuerId } = workspace.certificateOf(authority)
      const details = { number, entries: revoked.length }
      changes.audit({
        at: now.getTime(),
        event: 'crl-published',
        actor: currentActor(),
        serial,
        issuerId,
        name: authority.subject,
        details,
      })
    })
    return { issuer: authority.subject, file, pem, number, thisUpdate: now, nextUpdate, revoked }
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

/**
 * Writes the current CRLs of these CAs to one further file, one behind the other, as servers read them; a file with
 * CRLs that is there is replaced in one step.
 * @throws {XmppkiError} EXISTS, IO
 */
export function copyCrls(authorities: readonly Authority[], path: string): void {
  checkCrlTarget(path)
  const content = authorities.flatMap(({ files }) => readTextIfAny(files.crl) ?? []).join('')
  replaceFile(path, { content, mode: PUBLIC_FILE })
}
