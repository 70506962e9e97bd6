/** A CA, as what it has signed names it. */
export interface SignerId {
  /** Serial number of its certificate, lower-case hexadecimal. */
  readonly issuer: string
  /**
   * The CA by name and key, see `authorityId`. The empty string where it is not known: in what earlier versions have
   * written, when serial numbers were unique in the ledger, as long as nobody has looked it up.
   */
  readonly authority: string
}

/** What identifies a certificate: the CA that signed it, a root itself, and the serial number that it gave. */
export interface CertificateId extends SignerId {
  /** Lower-case hexadecimal; unique among what one CA has signed (RFC 5280 §4.1.2.2). */
  readonly serial: string
}

/** Whether the same CA is meant; by the serial number of its certificate where one of the two does not know the CA. */
export function isSameSigner(one: SignerId, other: SignerId): boolean {
  if (one.authority === '' || other.authority === '') return one.issuer === other.issuer
  return one.authority === other.authority
}

/** What identifies the certificate of a record, and nothing else. */
export function certificateId({ authority, issuer, serial }: CertificateId): CertificateId {
  return { authority, issuer, serial }
}

/** Whether both are the same certificate, or none. */
export function isSameCertificate(one: CertificateId | undefined, other: CertificateId | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.serial === other.serial && isSameSigner(one, other)
}

/** A text that two ids share when, and only when, they are the same. */
export function certificateKey({ authority, issuer, serial }: CertificateId): string {
  return `${serial} ${authority === '' ? issuer : authority}`
}
