import { XmppkiError } from '../errors.ts'
import { decodePemAll, encodePem } from '../pki/der/pem.ts'
import { type CaCertificate, caCertificateOf, mayAnchor } from './ca-certificate.ts'

/**
 * The CA certificates that are configured. Each is an anchor, an intermediate too; where its issuer is configured as well,
 * paths go on to that one.
 */
export class TrustAnchors {
  /** The certificates as PEM, one each. */
  readonly pems: readonly string[]
  /** The last second of each. */
  readonly ends: readonly Date[]
  readonly authorities: readonly CaCertificate[]
  readonly #byName = new Map<string, CaCertificate[]>()
  readonly #fingerprints: ReadonlySet<string>

  /**
   * @param pems PEM texts with one or more certificates each
   * @param source names them in errors
   * @throws XmppkiError BAD_INPUT for anything but CA certificates
   */
  constructor(pems: readonly string[], source = 'the CA list') {
    const ders = pems.flatMap((pem) => decodePemAll(pem, 'CERTIFICATE', source))
    const all = ders.map((der) => caCertificateOf(der, source))
    // The same one twice would be two ways to the same end.
    this.authorities = [...new Map(all.map((authority) => [authority.facts.fingerprint, authority])).values()]
    this.pems = this.authorities.map(({ certificate }) => encodePem('CERTIFICATE', certificate.der))
    this.ends = this.authorities.map(({ facts }) => facts.notAfter)
    this.#fingerprints = new Set(this.authorities.map(({ facts }) => facts.fingerprint))
    const useless = this.authorities.find(({ facts }) => !mayAnchor(facts))
    if (useless !== undefined) {
      throw new XmppkiError('BAD_INPUT', `${source} holds a certificate that is not a CA's (${useless.facts.subject})`)
    }
    for (const authority of this.authorities) {
      this.#byName.set(authority.name, [...this.named(authority.name), authority])
    }
  }

  /** Those with this name, as `nameKey` writes it. */
  named(name: string): readonly CaCertificate[] {
    return this.#byName.get(name) ?? []
  }

  has({ facts }: CaCertificate): boolean {
    return this.#fingerprints.has(facts.fingerprint)
  }
}
