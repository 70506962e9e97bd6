import { createPublicKey, type KeyObject } from 'node:crypto'
import { XmppkiError } from '../errors.ts'
import { type KeyAlgorithm, keyTypeOf } from './algorithms.ts'
import { type CertificateFacts, openCertificate, readCertificate } from './certificate.ts'
import { readRawCertificate } from './certificate-der.ts'
import { importSigningKey, signingAlgorithm, x509 } from './crypto.ts'
import { contextPrimitive, octetString, sequence } from './der-writer.ts'
import { type Issuer, keyIdentifierOf } from './issuer.ts'
import type { KeyPair } from './keys.ts'
import type { AccountName } from './names.ts'
import { OID } from './oids.ts'
import { encodePem } from './pem.ts'
import {
  clientProfile,
  issuedValidity,
  type Profile,
  type ProfileExtension,
  randomSerial,
  rootProfile,
  rootValidity,
  serverProfile,
  type Validity,
} from './profiles.ts'

/** A certificate that has just been signed and checked. */
export interface IssuedCertificate {
  readonly pem: string
  readonly der: Uint8Array
  /** Lower-case hexadecimal, 32 digits. */
  readonly serial: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly fingerprint: string
}

interface Template extends Profile, Validity {
  readonly serial: Uint8Array
  readonly publicKey: KeyObject
  /** DER of the issuer's name. */
  readonly issuerName: Uint8Array
  readonly issuerKey: KeyObject
  readonly issuerAlgorithm: KeyAlgorithm
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
  const subject = {
    oid: OID.subjectKeyIdentifier,
    critical: false,
    value: octetString(keyIdentifierOf(publicKey)),
  }
  if (authority === undefined) return [subject]
  return [
    subject,
    {
      oid: OID.authorityKeyIdentifier,
      critical: false,
      value: sequence(contextPrimitive(0, authority)),
    },
  ]
}

/**
 * A self-signed root certificate.
 * @throws XmppkiError BAD_NAME or BAD_INPUT as `rootProfile` and `rootValidity`
 */
export function prepareRoot(request: {
  readonly commonName: string
  readonly organization?: string | undefined
  readonly keys: KeyPair
  readonly days: number
  /** Domains that it may certify; none means any. */
  readonly permitDomains: readonly string[]
  readonly now: Date
}): Prepared {
  const { publicKey, algorithm } = request.keys
  const profile = rootProfile(request)
  return new PreparedCertificate({
    subject: profile.subject,
    extensions: [...profile.extensions, ...keyIdentifiers(publicKey, undefined)],
    ...rootValidity(request.days, request.now),
    serial: randomSerial(),
    publicKey,
    issuerName: profile.subject,
    issuerKey: publicKey,
    issuerAlgorithm: algorithm,
  })
}

function prepareIssued(profile: Profile, publicKey: KeyObject, validity: Validity, issuer: Issuer): Prepared {
  return new PreparedCertificate({
    subject: profile.subject,
    extensions: [...profile.extensions, ...keyIdentifiers(publicKey, issuer.keyIdentifier)],
    ...validity,
    serial: randomSerial(),
    publicKey,
    issuerName: issuer.name,
    issuerKey: createPublicKey(issuer.key),
    issuerAlgorithm: issuer.algorithm,
  })
}

/**
 * A client certificate for one account.
 * @throws XmppkiError BAD_NAME or BAD_INPUT as `clientProfile` and `issuedValidity`; BAD_INPUT for
 *   keys of a type that is not supported
 */
export function prepareClient(request: {
  readonly jid: AccountName
  readonly publicKey: KeyObject
  readonly days: number
  readonly now: Date
  readonly issuer: Issuer
  /** Where the CRL will be published. */
  readonly crlUrl?: string | undefined
}): Prepared {
  const { publicKey, days, now, issuer } = request
  keyTypeOf(publicKey)
  return prepareIssued(clientProfile(request, issuer), publicKey, issuedValidity(days, now, issuer), issuer)
}

/**
 * A server certificate for one or more XMPP domains.
 * @throws XmppkiError BAD_NAME or BAD_INPUT as `serverProfile` and `issuedValidity`; BAD_INPUT for
 *   keys of a type that is not supported
 */
export function prepareServer(request: {
  /** With A-labels or U-labels; the first becomes the CN. */
  readonly domains: readonly string[]
  readonly publicKey: KeyObject
  readonly days: number
  readonly now: Date
  readonly issuer: Issuer
}): Prepared {
  const { domains, publicKey, days, now, issuer } = request
  const profile = serverProfile(domains, keyTypeOf(publicKey), issuer)
  return prepareIssued(profile, publicKey, issuedValidity(days, now, issuer), issuer)
}

/** Reads the new certificate as a stranger would: signature by OpenSSL, names by the login path. */
function inspect(der: Uint8Array, template: Template): CertificateFacts {
  const certificate = openCertificate(der)
  const facts = readCertificate(der)
  const sound =
    certificate.verify(template.issuerKey) &&
    certificate.publicKey.equals(template.publicKey) &&
    Buffer.compare(readRawCertificate(der).issuer.raw, template.issuerName) === 0 &&
    facts.malformed.length === 0
  if (!sound) throw new XmppkiError('INTERNAL', 'the certificate that was just signed does not verify')
  return facts
}

/**
 * Signs with the private key of the issuer (of the root itself for a root) and verifies the result.
 * @throws XmppkiError BAD_INPUT when the key is not the issuer's
 */
export async function sign(prepared: Prepared, key: KeyObject): Promise<IssuedCertificate> {
  const template = PreparedCertificate.templateOf(prepared)
  if (!createPublicKey(key).equals(template.issuerKey)) {
    throw new XmppkiError('BAD_INPUT', 'the signing key does not belong to the issuer of this certificate')
  }
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(template.serial).toString('hex'),
    subject: new x509.Name(template.subject),
    issuer: new x509.Name(template.issuerName),
    notBefore: template.notBefore,
    notAfter: template.notAfter,
    publicKey: template.publicKey.export({ type: 'spki', format: 'der' }),
    extensions: template.extensions.map(({ oid, critical, value }) => new x509.Extension(oid, critical, value)),
    signingKey: await importSigningKey(key, template.issuerAlgorithm),
    signingAlgorithm: signingAlgorithm(template.issuerAlgorithm),
  })
  const der = new Uint8Array(certificate.rawData)
  const { serial, notBefore, notAfter, fingerprint } = inspect(der, template)
  return {
    pem: encodePem('CERTIFICATE', der),
    der,
    serial,
    notBefore,
    notAfter,
    fingerprint,
  }
}
