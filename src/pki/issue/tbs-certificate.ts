import type { KeyObject } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import { Extensions, TBSCertificate, Validity as ValidityPeriod, Version } from '@peculiar/asn1-x509'
import type { KeyAlgorithm } from '../keys/algorithms.ts'
import { profileExtension } from '../x509/schema-extensions.ts'
import { schemaPublicKey, schemaSignatureAlgorithm } from '../x509/schema-keys.ts'
import { copiedName, schemaName } from '../x509/schema-names.ts'
import type { Profile } from './profiles.ts'
import type { Validity } from './validity.ts'

/** All that a certificate is going to say. */
export interface CertificateContent extends Profile, Validity {
  /** Positive, in its shortest form. */
  readonly serial: Uint8Array
  readonly publicKey: KeyObject
  /** DER of the issuer's name; undefined for a root, whose issuer is its subject. */
  readonly issuerName: Uint8Array | undefined
  readonly issuerAlgorithm: KeyAlgorithm
}

/** DER of a TBSCertificate, version 3 (RFC 5280 §4.1), written by the schemas of `@peculiar/asn1-x509`. */
export function tbsCertificate(content: CertificateContent): Uint8Array {
  const { notBefore, notAfter, issuerName } = content
  const subject = schemaName(content.subject)
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: Uint8Array.from(content.serial).buffer,
    signature: schemaSignatureAlgorithm(content.issuerAlgorithm),
    issuer: issuerName === undefined ? subject : copiedName(issuerName),
    validity: new ValidityPeriod({ notBefore, notAfter }),
    subject,
    subjectPublicKeyInfo: schemaPublicKey(content.publicKey),
    extensions: new Extensions(content.extensions.map(profileExtension)),
  })
  return new Uint8Array(AsnConvert.serialize(tbs))
}
