import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import { decodePemAll } from '../../pki/der/pem.ts'
import { type CertificateFacts, openCertificate, readCertificate } from '../../pki/x509/certificate.ts'
import { readRawCertificate } from '../../pki/x509/certificate-der.ts'
import { nameKey } from '../../pki/x509/name-key.ts'
import type { InsertRecord, IssuedRecord, LedgerChanges } from '../../store/ledger.ts'
import { aboutRecord, currentActor } from '../base/audit-events.ts'
import { type Authority, signerId } from '../base/authority.ts'
import { type CertificateNumber, clientWith, giverOf } from '../base/certificate-number.ts'
import type { Workspace } from '../base/workspace.ts'
import { calledInLedger } from '../ca/certificate-names.ts'
import { withIo } from '../disk/files.ts'

/** A certificate that is to be revoked: a row of the ledger, or one that has to be taken up before. */
export interface Meant {
  readonly record: IssuedRecord
  /** How it is known that a CA of the workspace has signed it; undefined: the ledger has it. */
  readonly knownBy?: 'certificate' | 'serial number'
}

/** A certificate that somebody has found. */
export interface FoundCertificate {
  /** Where it was found. */
  readonly path: string
  readonly der: Uint8Array
  readonly facts: CertificateFacts
}

/** The first certificate of the file, PEM or DER: in chains that of the holder (RFC 8446 §4.4.2). @throws {XmppkiError} BAD_INPUT, IO */
export function readFoundCertificate(path: string): FoundCertificate {
  const content = withIo(`read ${path}`, () => readFileSync(path))
  const isPem = content.includes('-----BEGIN ')
  const [first] = isPem ? decodePemAll(content.toString('latin1'), 'CERTIFICATE', path) : []
  const der = first ?? content
  return { path, der, facts: readCertificate(der, path) }
}

/**
 * The client certificate with this number. One that the ledger does not know is lost, and it cannot be known whose it was.
 * @throws {XmppkiError} BAD_INPUT for one that is not a client's, or when it is not clear which CA is meant; NOT_FOUND
 */
export function meantByNumber(number: CertificateNumber, workspace: Workspace, now: Date): Meant {
  const record = clientWith(number, workspace.ledger())
  const { serial } = number
  if (record !== undefined) return { record: clientOnly(record, `serial ${serial}`) }
  const giver = giverOf(number, workspace.authorities())
  const { notBefore, notAfter } = readCertificate(giver.der)
  return {
    knownBy: 'serial number',
    record: {
      ...signerId(giver),
      serial,
      kind: 'client',
      name: '',
      device: '',
      domains: [],
      fingerprint: '',
      // It cannot have been good before the CA was, nor after it.
      notBefore: notBefore.getTime(),
      notAfter: notAfter.getTime(),
      issuedAt: now.getTime(),
      directory: dirname(giver.files.certificate),
    },
  }
}

/**
 * A client certificate that somebody has found, which a CA of the workspace must have signed.
 * @throws {XmppkiError} BAD_INPUT for one that is not a client's, or shares its number with another; NOT_FOUND when
 * another CA has issued it
 */
export function meantByCertificate(found: FoundCertificate, workspace: Workspace): Meant {
  const { path, facts } = found
  const ledger = workspace.ledger()
  const known = ledger.listBySerial(facts.serial).find(({ fingerprint }) => fingerprint === facts.fingerprint)
  if (known !== undefined) return { record: clientOnly(known, path) }
  const signer = signerId(signerOf(found, workspace.knownAuthorities()))
  const record = ledger.find({ ...signer, serial: facts.serial })
  if (record === undefined) return { record: newRecord(found, signer, workspace), knownBy: 'certificate' }
  // Of some the ledger knows no more than the number.
  if (record.fingerprint === '') return { record: clientOnly(record, path) }
  throw new XmppkiError(
    'BAD_INPUT',
    `${path} has the serial number of another certificate of its CA (${record.name})`,
    {
      hint: `nothing was revoked; --serial ${facts.serial} revokes both of them`,
      spec: 'RFC 5280 §4.1.2.2',
    },
  )
}

/** Writes it into the ledger and the audit log. */
export function takeUp({ record, knownBy }: Meant, insert: InsertRecord, changes: LedgerChanges, at: number): void {
  if (knownBy === undefined) return
  insert(record)
  const details = { knownBy }
  changes.audit({ at, event: 'taken-up', actor: currentActor(), ...aboutRecord(record), details })
}

const COMMANDS = {
  root: 'a root cannot be revoked: whoever trusts it has to stop doing so',
  issuing: 'revoke it, and all that it has issued, with: xmppki ca issuing revoke --serial ',
  ocsp: 'it ends within days; serve makes another one when its folder below ocsp is removed',
  server: 'no command revokes it yet; replace it with: xmppki server renew ',
} as const

function clientOnly(record: IssuedRecord, what: string): IssuedRecord {
  const { kind, name, serial } = record
  if (kind === 'client') return record
  const about = kind === 'issuing' ? serial : kind === 'server' ? name : ''
  throw new XmppkiError('BAD_INPUT', `${what} is not the certificate of a client but of the ${kind} ${name}`, {
    hint: `${COMMANDS[kind]}${about}`,
  })
}

function signerOf({ path, der, facts }: FoundCertificate, authorities: readonly Authority[]): Authority {
  const name = nameKey(readRawCertificate(der).issuer)
  const called = authorities.filter((authority) => nameKey(readRawCertificate(authority.der).subject) === name)
  const certificate = openCertificate(der, path)
  const signer = called.find((authority) => certificate.verify(openCertificate(authority.der).publicKey))
  if (signer !== undefined) return signer
  const what = called.length === 0 ? 'was issued by another CA' : 'was signed by another key than that of the CA here'
  throw new XmppkiError('NOT_FOUND', `${path} ${what}: ${facts.issuer}`, {
    hint: 'nothing was revoked; only its own CA can revoke it',
  })
}

function newRecord(found: FoundCertificate, signer: ReturnType<typeof signerId>, workspace: Workspace): IssuedRecord {
  const { path, facts } = found
  const { serial, fingerprint, notBefore, notAfter, isCa } = facts
  const { kind, name } = calledInLedger(facts, workspace.defaultDomain)
  if (kind !== 'client') {
    const what = isCa ? 'a CA' : 'a server'
    throw new XmppkiError('BAD_INPUT', `${path} is not the certificate of a client but of ${what}: ${facts.subject}`, {
      hint: `the ledger does not know it; to revoke it all the same, give its number: --serial ${serial}`,
    })
  }
  return {
    ...signer,
    serial,
    kind,
    name,
    device: '',
    domains: [],
    fingerprint,
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
    issuedAt: notBefore.getTime(),
    directory: dirname(resolve(path)),
  }
}
