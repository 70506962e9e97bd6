import { type KeyObject, X509Certificate } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { encodePem } from '../der/pem.ts'
import { keyTypeOf } from '../keys/algorithms.ts'
import { isSamePublicKey } from '../keys/keys.ts'
import { type SigningKey, signStructure, unsignedStructure } from '../keys/signature.ts'
import { lintCertificate } from '../lint/lint.ts'
import type { CertificateKind } from '../lint/rule.ts'
import { authorityId } from '../x509/authority-id.ts'
import type { CaUrls } from '../x509/ca-urls.ts'
import { type CertificateFacts, readCertificate } from '../x509/certificate.ts'
import { type RawCertificate, readRawCertificate } from '../x509/certificate-der.ts'
import { authorityKeyIdentifier, type ProfileExtension, subjectKeyIdentifier } from '../x509/extensions.ts'
import type { AccountName } from '../x509/names.ts'
import { isAsAsked } from './as-asked.ts'
import { type Issuer, keyIdentifierOf } from './issuer.ts'
import {
  clientProfile,
  issuingCaProfile,
  ocspResponderProfile,
  type Profile,
  randomSerial,
  rootProfile,
  serverProfile,
} from './profiles.ts'
import type { CertificateContent } from './tbs-certificate.ts'
import { issuedValidity, rootValidity, type Validity } from './validity.ts'

/** A certificate that has just been signed and checked. */
export interface IssuedCertificate {
  readonly pem: string
  readonly der: Uint8Array
  /** Lower-case hexadecimal, 32 digits. */
  readonly serial: string
  /** Serial number of the certificate of the CA that signed it; a root's own. */
  readonly issuerSerial: string
  /** That CA, by name and key, see {@link authorityId}; a root itself. */
  readonly issuerId: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly fingerprint: string
}

interface Template extends CertificateContent {
  readonly kind: CertificateKind
  /** Undefined for a root. */
  readonly issuer?: { readonly serial: string; readonly id: string }
  readonly issuerKey: KeyObject
}

/** Not exported as a value: only the prepare functions of this file can make one. */
class PreparedCertificate {
  readonly #template: Template

  constructor(template: Template) {
    this.#template = Object.freeze(template)
  }

  static templateOf(prepared: PreparedCertificate): Template {
    return prepared.#template
  }
}

/** A checked certificate that lacks only its signature; only the `prepare` functions make one. */
export type Prepared = PreparedCertificate

function keyIdentifiers(publicKey: KeyObject, authority: Uint8Array | undefined): ProfileExtension[] {
  const subject = subjectKeyIdentifier(keyIdentifierOf(publicKey))
  return authority === undefined ? [subject] : [subject, authorityKeyIdentifier(authority)]
}

/**
 * A self-signed root certificate.
 * @throws XmppkiError BAD_NAME or BAD_INPUT as `rootProfile` and `rootValidity`
 */
export function prepareRoot(request: {
  readonly commonName: string
  readonly organization?: string | undefined
  readonly keys: Pick<SigningKey, 'publicKey' | 'algorithm'>
  readonly days: number
  /** Domains that it may certify; none means any. */
  readonly permitDomains: readonly string[]
  readonly now: Date
}): Prepared {
  const { publicKey, algorithm } = request.keys
  const profile = rootProfile(request)
  return new PreparedCertificate({
    kind: 'ca',
    subject: profile.subject,
    extensions: [...profile.extensions, ...keyIdentifiers(publicKey, undefined)],
    ...rootValidity(request.days, request.now),
    serial: randomSerial(),
    publicKey,
    issuerName: undefined,
    issuerKey: publicKey,
    issuerAlgorithm: algorithm,
  })
}

function prepareIssued(
  kind: CertificateKind,
  profile: Profile,
  subject: { readonly publicKey: KeyObject; readonly validity: Validity },
  issuer: Issuer,
): Prepared {
  const { publicKey, validity } = subject
  return new PreparedCertificate({
    kind,
    subject: profile.subject,
    extensions: [...profile.extensions, ...keyIdentifiers(publicKey, issuer.keyIdentifier)],
    ...validity,
    serial: randomSerial(),
    publicKey,
    issuer: { serial: issuer.certificate.serial, id: issuer.id },
    issuerName: issuer.name,
    issuerKey: issuer.key.publicKey,
    issuerAlgorithm: issuer.key.algorithm,
  })
}

/** What every certificate of a CA needs to be told. */
interface IssueRequest {
  readonly publicKey: KeyObject
  readonly days: number
  readonly now: Date
  readonly issuer: Issuer
  /** Where the CRL, the OCSP responder and the certificate of the issuer are found. */
  readonly caUrls?: CaUrls | undefined
}

/**
 * The certificate of an intermediate CA that issues end-entity certificates only.
 * @throws XmppkiError BAD_NAME or BAD_INPUT as `issuingCaProfile` and `issuedValidity`; BAD_INPUT for
 *   keys of a type that is not supported
 */
export function prepareIssuingCa(
  request: IssueRequest & { readonly commonName: string; readonly organization?: string | undefined },
): Prepared {
  const { publicKey, days, now, issuer } = request
  keyTypeOf(publicKey)
  const profile = issuingCaProfile(request, issuer)
  return prepareIssued('ca', profile, { publicKey, validity: issuedValidity(days, now, issuer) }, issuer)
}

/**
 * The certificate of an OCSP responder that answers for the issuer.
 * @throws XmppkiError BAD_NAME or BAD_INPUT as `ocspResponderProfile` and `issuedValidity`; BAD_INPUT for
 *   keys of a type that is not supported
 */
export function prepareOcspResponder(
  request: IssueRequest & { readonly commonName: string; readonly organization?: string | undefined },
): Prepared {
  const { publicKey, days, now, issuer } = request
  keyTypeOf(publicKey)
  const profile = ocspResponderProfile(request, issuer)
  return prepareIssued('ocsp', profile, { publicKey, validity: issuedValidity(days, now, issuer) }, issuer)
}

/**
 * A client certificate for one account.
 * @throws XmppkiError BAD_NAME or BAD_INPUT as `clientProfile` and `issuedValidity`; BAD_INPUT for
 *   keys of a type that is not supported
 */
export function prepareClient(request: IssueRequest & { readonly jid: AccountName }): Prepared {
  const { publicKey, days, now, issuer } = request
  keyTypeOf(publicKey)
  const validity = issuedValidity(days, now, issuer)
  return prepareIssued('client', clientProfile(request, issuer), { publicKey, validity }, issuer)
}

/**
 * A server certificate for one or more XMPP domains.
 * @param request.domains with A-labels or U-labels; the first becomes the CN
 * @throws XmppkiError BAD_NAME or BAD_INPUT as `serverProfile` and `issuedValidity`; BAD_INPUT for
 *   keys of a type that is not supported
 */
export function prepareServer(request: IssueRequest & { readonly domains: readonly string[] }): Prepared {
  const { publicKey, days, now, issuer } = request
  const profile = serverProfile(request, keyTypeOf(publicKey), issuer)
  return prepareIssued('server', profile, { publicKey, validity: issuedValidity(days, now, issuer) }, issuer)
}

/** False for what cannot be read. */
function isSignedBy(der: Uint8Array, issuerKey: KeyObject): boolean {
  try {
    return new X509Certificate(der).verify(issuerKey)
  } catch {
    return false
  }
}

/** Reads the new certificate as a stranger would: signature by OpenSSL, everything else by the reader of the login path. */
function inspect(der: Uint8Array, template: Template): CertificateFacts {
  if (!isSignedBy(der, template.issuerKey)) {
    throw new XmppkiError('INTERNAL', 'the certificate that was just signed does not verify')
  }
  const facts = readCertificate(der)
  if (!isAsAsked(readRawCertificate(der), facts, template)) {
    throw new XmppkiError('INTERNAL', 'the certificate that was just signed is not what was asked for')
  }
  return facts
}

/** What breaks a rule must not get a signature: it could not be taken back. */
function lintUnsigned(unsigned: Uint8Array, { kind, publicKey }: Template): void {
  const { findings } = lintCertificate(unsigned, { source: 'this', kind, key: publicKey })
  const error = findings.find(({ severity }) => severity === 'error')
  if (error === undefined) return
  throw new XmppkiError('BAD_INPUT', `the certificate would break the rule ${error.rule}: ${error.message}`, {
    spec: error.citation,
  })
}

/**
 * Holds the certificate against the rules of `cert lint`, signs with the private key of the issuer (of the root itself
 * for a root) and reads the result again.
 * @param approve sees the certificate as it is going to be, with an empty signature, and may throw
 * @throws XmppkiError BAD_INPUT when the key is not the issuer's, or the certificate would break a rule
 */
export async function sign(
  prepared: Prepared,
  key: SigningKey,
  approve: (unsigned: RawCertificate) => void = () => undefined,
): Promise<IssuedCertificate> {
  const template = PreparedCertificate.templateOf(prepared)
  if (!isSamePublicKey(key.publicKey, template.issuerKey)) {
    throw new XmppkiError('BAD_INPUT', 'the signing key does not belong to the issuer of this certificate')
  }
  // Loaded only by who writes certificates.
  const { tbsCertificate } = await import('./tbs-certificate.ts')
  const tbs = tbsCertificate(template)
  const unsigned = unsignedStructure(tbs, template.issuerAlgorithm)
  lintUnsigned(unsigned, template)
  approve(readRawCertificate(unsigned))
  const der = await signStructure(tbs, key)
  const facts = inspect(der, template)
  if (template.kind === 'ca') {
    // Loaded only here: evaluating the library costs more than all the rest of issuing a client certificate.
    const { crossCheck } = await import('./cross-check.ts')
    await crossCheck(der, facts, template.issuerKey)
  }
  const { serial, notBefore, notAfter, fingerprint } = facts
  return {
    pem: encodePem('CERTIFICATE', der),
    der,
    serial,
    issuerSerial: template.issuer?.serial ?? serial,
    issuerId: template.issuer?.id ?? authorityId(readRawCertificate(der)),
    notBefore,
    notAfter,
    fingerprint,
  }
}
