import type { KeyObject } from 'node:crypto'
import { Attributes, CertificationRequestInfo } from '@peculiar/asn1-csr'
import { AsnConvert } from '@peculiar/asn1-schema'
import { Attribute, Extensions } from '@peculiar/asn1-x509'
import { OID } from '../der/oids.ts'
import type { ProfileExtension } from '../x509/extensions.ts'
import type { SubjectName } from '../x509/names.ts'
import { profileExtension } from '../x509/schema-extensions.ts'
import { schemaPublicKey } from '../x509/schema-keys.ts'
import { schemaName } from '../x509/schema-names.ts'

/**
 * DER of a CertificationRequestInfo (RFC 2986 §4.1) with these extensions asked for (RFC 2985 §5.4.2), written by the
 * schemas of `@peculiar/asn1-csr`.
 */
export function certificationRequestInfo(content: {
  readonly subject: SubjectName
  readonly publicKey: KeyObject
  readonly extensions: readonly ProfileExtension[]
}): Uint8Array {
  const extensions = new Extensions(content.extensions.map(profileExtension))
  const request = new Attribute({ type: OID.extensionRequest, values: [AsnConvert.serialize(extensions)] })
  const info = new CertificationRequestInfo({
    subject: schemaName(content.subject),
    subjectPKInfo: schemaPublicKey(content.publicKey),
    attributes: new Attributes([request]),
  })
  return new Uint8Array(AsnConvert.serialize(info))
}
