import { type KeyObject, X509Certificate } from 'node:crypto'
import { XmppkiError } from '../errors.ts'
import { authorityId } from '../pki/authority-id.ts'
import { type CertificateFacts, openCertificate, readCertificate } from '../pki/certificate.ts'
import { readRawCertificate } from '../pki/certificate-der.ts'
import { nameKey } from '../pki/name-key.ts'
import { OID } from '../pki/oids.ts'
import { decodePemAll, encodePem } from '../pki/pem.ts'

/** Why a certificate may not be used; `reason` completes a log line. */
export interface Refusal {
  readonly check: 'malformed' | 'critical-extension' | 'validity' | 'key-usage' | 'extended-key-usage' | 'issuer'
  readonly reason: string
}

/** Whether the certificate is valid at this moment. */
export function checkValidity(facts: CertificateFacts, now: Date): Refusal | undefined {
  if (now < facts.notBefore)
    return {
      check: 'validity',
      reason: `not valid before ${facts.notBefore.toISOString()}`,
    }
  // RFC 5280 §4.1.2.5: notAfter is inclusive, and a second lasts until the next one begins.
  if (now.getTime() >= facts.notAfter.getTime() + 1000) {
    return {
      check: 'validity',
      reason: `expired on ${facts.notAfter.toISOString()}`,
    }
  }
  return undefined
}

/** The first few of a list that a peer may have made long. */
function some(list: readonly string[]): string {
  return list.length > 3 ? `${list.slice(0, 3).join(', ')} …` : list.join(', ')
}

/** What holds for every certificate of a path: readable without doubt and nothing critical unknown. */
export function checkForm(facts: CertificateFacts): Refusal | undefined {
  if (facts.malformed.length > 0) return { check: 'malformed', reason: some(facts.malformed) }
  if (facts.unknownCritical.length > 0) {
    return { check: 'critical-extension', reason: `unknown critical extension ${some(facts.unknownCritical)}` }
  }
  return undefined
}

/** What an end entity may prove in TLS. */
export type Purpose = 'clientAuth' | 'serverAuth'

/** Whether key usage and key purposes, where they are stated, allow this use. */
export function checkPurpose(facts: CertificateFacts, purpose: Purpose): Refusal | undefined {
  // RFC 8446 §4.4.2.2: where the extension is present, a key that signs needs digitalSignature.
  if (facts.keyUsage !== undefined && !facts.keyUsage.includes('digitalSignature')) {
    return { check: 'key-usage', reason: 'key usage without digitalSignature' }
  }
  // anyExtendedKeyUsage is not enough: RFC 5280 §4.2.1.12 lets us insist on the purpose, as OpenSSL does.
  if (facts.extendedKeyUsage !== undefined && !facts.extendedKeyUsage.includes(OID[purpose])) {
    return {
      check: 'extended-key-usage',
      reason: `extended key usage without ${purpose}`,
    }
  }
  return undefined
}

/**
 * The checks on a client certificate that need nothing but itself and the time, to be made at SASL
 * time: a resumed TLS session still counts as authorised after its certificate has expired. Who
 * issued it is the question of `TrustAnchors.check`.
 */
export function checkClientCertificate(facts: CertificateFacts, context: { readonly now: Date }): Refusal | undefined {
  return checkForm(facts) ?? checkValidity(facts, context.now) ?? checkPurpose(facts, 'clientAuth')
}

/** A certificate that may have issued others, with its public key parsed once. */
export interface Authority {
  /** What the CA is, whichever of its certificates this one is: see {@link authorityId}. */
  readonly id: string
  /** Its name, to compare: see {@link nameKey}. */
  readonly name: string
  readonly certificate: X509Certificate
  readonly facts: CertificateFacts
  readonly publicKey: KeyObject
}

/** A certificate on the way up from the leaf. */
interface Link {
  readonly certificate: X509Certificate
  /** The CAs that lead here from the leaf; as many lie below its issuer (RFC 5280 §4.2.1.9). */
  readonly below: readonly Authority[]
}

/** The CAs above a certificate: who issued it, who issued that one, and so on to an anchor. Never empty. */
export type CertificationPath = readonly Authority[]

/** More intermediates than this from one peer are not looked at; real chains have one or two. */
const MAX_INTERMEDIATES = 8

function authorityOf(der: Uint8Array, source: string): Authority {
  const facts = readCertificate(der, source)
  const certificate = openCertificate(der, source)
  const raw = readRawCertificate(der)
  return { id: authorityId(raw), name: nameKey(raw.subject), certificate, facts, publicKey: certificate.publicKey }
}

/** Undefined for whatever cannot be used; a peer may send anything. */
function attempt<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

/** Whether this certificate may issue others at all (RFC 5280 §6.1.4 k, n). */
function mayIssue({ isCa, keyUsage }: CertificateFacts): boolean {
  return isCa && keyUsage?.includes('keyCertSign') !== false
}

/** As `mayIssue`; before version 3 a certificate cannot say so, and being configured says it (RFC 5280 §6.1.4 k). */
function mayAnchor(facts: CertificateFacts): boolean {
  return facts.version < 3 || mayIssue(facts)
}

/** The intermediate CA that a peer sent, or nothing when it is not one. */
function intermediateOf(input: X509Certificate | Uint8Array): Authority[] {
  const der = input instanceof X509Certificate ? input.raw : input
  const authority = attempt(() => authorityOf(der, 'the intermediate'))
  return authority !== undefined && mayIssue(authority.facts) ? [authority] : []
}

/** The CAs among certificates that a peer sent. */
export function authoritiesOf(certificates: readonly X509Certificate[]): readonly Authority[] {
  return certificates.flatMap(intermediateOf)
}

/** checkIssued compares names and key identifiers; only verify looks at the signature. */
function hasIssued(authority: Authority, link: Link): boolean {
  const { pathLength } = authority.facts
  return (
    (pathLength === undefined || pathLength >= link.below.length) &&
    link.certificate.checkIssued(authority.certificate) &&
    link.certificate.verify(authority.publicKey)
  )
}

/**
 * The CA certificates that client certificates are accepted from. Parsing is done once, so that a
 * check costs one signature verification.
 */
export class TrustAnchors {
  /** The certificates as PEM, one each, for a TLS context. */
  readonly pems: readonly string[]
  /** The last second of each. */
  readonly ends: readonly Date[]
  readonly #anchors: readonly Authority[]

  /**
   * @param pems PEM texts with one or more certificates each
   * @param source names them in errors
   * @throws XmppkiError BAD_INPUT for anything but CA certificates
   */
  constructor(pems: readonly string[], source = 'the CA list') {
    const ders = pems.flatMap((pem) => decodePemAll(pem, 'CERTIFICATE', source))
    this.pems = ders.map((der) => encodePem('CERTIFICATE', der))
    this.#anchors = ders.map((der) => authorityOf(der, source))
    this.ends = this.#anchors.map(({ facts }) => facts.notAfter)
    const useless = this.#anchors.find(({ facts }) => !mayAnchor(facts))
    if (useless !== undefined) {
      throw new XmppkiError('BAD_INPUT', `${source} holds a certificate that is not a CA's (${useless.facts.subject})`)
    }
  }

  /**
   * Whether one of the anchors issued this certificate, directly or through the given intermediates:
   * names, signatures, dates and the right to issue. Name constraints are left to the path validation
   * of the handshake, because they cannot have changed since. Never throws.
   */
  check(
    leaf: X509Certificate | Uint8Array,
    now: Date,
    intermediates: readonly (X509Certificate | Uint8Array)[] = [],
  ): Refusal | undefined {
    const found = this.pathOf(leaf, now, intermediates)
    return 'check' in found ? found : undefined
  }

  /** As {@link check}, and answers the first path that was found; of several the shortest. */
  pathOf(
    leaf: X509Certificate | Uint8Array,
    now: Date,
    intermediates: readonly (X509Certificate | Uint8Array)[] = [],
  ): CertificationPath | Refusal {
    const certificate = leaf instanceof X509Certificate ? leaf : attempt(() => new X509Certificate(leaf))
    if (certificate === undefined) return { check: 'malformed', reason: 'not a certificate' }
    const unused = new Set(intermediates.slice(0, MAX_INTERMEDIATES).flatMap(intermediateOf))
    let refusal: Refusal = { check: 'issuer', reason: 'no configured CA issued it' }
    // Breadth first, each intermediate once: no set of certificates makes this more than quadratic.
    const links: Link[] = [{ certificate, below: [] }]
    for (const link of links) {
      const anchor = this.#anchorOf(link, now)
      if (!('check' in anchor)) return [...link.below, anchor]
      // The last one is from the top of the longest path, where the trouble is.
      refusal = anchor
      for (const authority of [...unused].filter((candidate) => hasIssued(candidate, link))) {
        unused.delete(authority)
        const problem = checkForm(authority.facts) ?? checkValidity(authority.facts, now)
        if (problem === undefined) links.push({ certificate: authority.certificate, below: [...link.below, authority] })
        else refusal = { check: 'issuer', reason: `intermediate CA ${problem.reason}` }
      }
    }
    return refusal
  }

  /**
   * The path of a certificate that OpenSSL has just verified against exactly these anchors: its signature need not be
   * computed again where only one of them can have made it. OpenSSL chooses the issuer by name, key identifiers and key
   * usage as well, so with one that fits it was this one. Undefined when {@link pathOf} has to decide: none or several
   * fit, it is not valid now, or intermediates were there, for then it is not known which way OpenSSL went, and the CRLs
   * of all CAs on it count.
   */
  verifiedPathOf(
    leaf: X509Certificate,
    now: Date,
    intermediates: readonly X509Certificate[],
  ): CertificationPath | undefined {
    if (intermediates.length > 0) return undefined
    const [issuer, ...others] = this.#anchors.filter(({ certificate }) => leaf.checkIssued(certificate))
    if (issuer === undefined || others.length > 0) return undefined
    return checkValidity(issuer.facts, now) === undefined ? [issuer] : undefined
  }

  /** The anchors themselves, as paths have them at their end. */
  get authorities(): readonly Authority[] {
    return this.#anchors
  }

  /** The anchor that issued it and is valid now. */
  #anchorOf(link: Link, now: Date): Authority | Refusal {
    const issuers = this.#anchors.filter((anchor) => hasIssued(anchor, link))
    const valid = issuers.find(({ facts }) => checkValidity(facts, now) === undefined)
    if (valid !== undefined) return valid
    const stale = issuers[0] && checkValidity(issuers[0].facts, now)
    return {
      check: 'issuer',
      reason: stale === undefined ? 'no configured CA issued it' : `its CA is ${stale.reason}`,
    }
  }
}

/** Whether every CA of a path is still valid; signatures do not change. */
export function checkPathDates(path: CertificationPath, now: Date): Refusal | undefined {
  const stale = path.map(({ facts }) => checkValidity(facts, now)).find((problem) => problem !== undefined)
  return stale && { check: 'issuer', reason: `its CA is ${stale.reason}` }
}

/** Whether its own key has signed it; node:crypto's checkIssued would want the key usage of a CA. Never throws. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  const signed = attempt(() => {
    const { subject, issuer } = readRawCertificate(certificate.raw)
    return Buffer.compare(subject.raw, issuer.raw) === 0 && certificate.verify(certificate.publicKey)
  })
  return signed === true
}
