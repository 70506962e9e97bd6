import { hash, type KeyObject, X509Certificate } from 'node:crypto'
import { DerError } from '../pki/der/der.ts'
import { type CertificateFacts, formatSerial, readCertificate } from '../pki/x509/certificate.ts'
import { type RawCertificate, readRawCertificate } from '../pki/x509/certificate-der.ts'
import { formatName, PRINT_LIMIT, readName } from '../pki/x509/distinguished-name.ts'
import { nameKey } from '../pki/x509/name-key.ts'
import type { Refusal } from './refusal.ts'

/** Whoever may have signed it. */
interface Signer {
  readonly facts: Pick<CertificateFacts, 'fingerprint'>
  readonly publicKey: KeyObject
}

/** What log lines and people are told of a certificate. */
export interface CertificateLabel {
  readonly subject: string
  readonly issuer: string
  readonly serial: string
}

/**
 * A certificate whose issuer is looked for. A stranger may have sent it: it is split when it is opened, and its names are
 * read when somebody asks for them, which is after its signature has been found good.
 */
export class SignedCertificate {
  readonly der: Uint8Array
  readonly raw: RawCertificate
  /** The name of its issuer, to compare. */
  readonly issuerName: string
  /** As `serial` of `CertificateFacts`. */
  readonly serial: string
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly fingerprint: string
  #facts: CertificateFacts | undefined
  #isSelfSigned: boolean | undefined
  /** By fingerprint of the CA: signatures do not change, so each is computed once. */
  readonly #signers = new Map<string, boolean>()

  private constructor(der: Uint8Array) {
    this.der = der
    this.raw = readRawCertificate(der)
    this.issuerName = nameKey(this.raw.issuer)
    this.serial = formatSerial(this.raw.serial)
    this.fingerprint = hash('sha256', der, 'hex')
  }

  /** Never throws: a peer may send anything. */
  static open(der: Uint8Array): SignedCertificate | Refusal {
    try {
      return new SignedCertificate(der)
    } catch (error) {
      if (!(error instanceof DerError)) throw error
      return { check: 'malformed', reason: `not a certificate: ${error.message}` }
    }
  }

  /** Everything that it says. @throws XmppkiError BAD_INPUT when an extension or a name cannot be read */
  get facts(): CertificateFacts {
    this.#facts ??= readCertificate(this.der, 'the certificate')
    return this.#facts
  }

  /** Without reading more than one line can show. */
  get label(): CertificateLabel {
    return { subject: printed(this.raw.subject), issuer: printed(this.raw.issuer), serial: this.serial }
  }

  /** Whether the key of this CA has signed it; names are not compared. Never throws. */
  isSignedBy({ facts: { fingerprint }, publicKey }: Signer): boolean {
    const known = this.#signers.get(fingerprint)
    if (known !== undefined) return known
    const isSigned = attempt(() => this.opened().verify(publicKey)) === true
    this.#signers.set(fingerprint, isSigned)
    return isSigned
  }

  /** Its own name, to compare; undefined when it cannot be read. */
  get subjectName(): string | undefined {
    return attempt(() => nameKey(this.raw.subject))
  }

  /** Whether its own key has signed it, under its own name. Never throws. */
  get isSelfSigned(): boolean {
    this.#isSelfSigned ??=
      this.issuerName === this.subjectName && attempt(() => hasOwnSignature(this.opened())) === true
    return this.#isSelfSigned
  }

  /** As OpenSSL reads it, anew each time: it takes ten times the memory of the octets. @throws Error when it cannot */
  opened(): X509Certificate {
    return new X509Certificate(this.der)
  }
}

function hasOwnSignature(certificate: X509Certificate): boolean {
  return certificate.verify(certificate.publicKey)
}

function printed(name: RawCertificate['subject']): string {
  if (name.length > PRINT_LIMIT) return `(a name of ${name.length} octets)`
  return attempt(() => formatName(readName(name))) ?? '(a name that cannot be read)'
}

/** OpenSSL throws for keys and encodings that it does not know, our reader for what is not DER. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
