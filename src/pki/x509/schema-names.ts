import { AsnConvert } from '@peculiar/asn1-schema'
import {
  AttributeTypeAndValue,
  AttributeValue,
  GeneralName,
  Name,
  OtherName,
  RelativeDistinguishedName,
} from '@peculiar/asn1-x509'
import { readSingle, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { readName } from './distinguished-name.ts'
import { type AlternativeName, type SubjectName, subjectAttributes } from './names.ts'

/** A subject with each attribute as UTF8String (RFC 5280 §4.1.2.4). */
export function schemaName(subject: SubjectName): Name {
  return new Name(
    subjectAttributes(subject).map(({ type, value }) => {
      const text = new AttributeValue({ utf8String: value })
      return new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value: text })])
    }),
  )
}

/**
 * The name of an issuer, which must be written as it stands in its certificate (RFC 5280 §4.1.2.4): strings of any type,
 * in their order, stay what they are.
 * @param der DER of the Name
 * @throws DerError
 */
export function copiedName(der: Uint8Array): Name {
  return new Name(
    readName(readSingle(der, TAG.sequence)).map(
      (attributes) =>
        new RelativeDistinguishedName(
          attributes.map(({ type, raw }) => {
            const value = new AttributeValue({ anyValue: Uint8Array.from(raw).buffer })
            return new AttributeTypeAndValue({ type, value })
          }),
        ),
    ),
  )
}

function otherName(typeId: string, text: AttributeValue): GeneralName {
  return new GeneralName({ otherName: new OtherName({ typeId, value: AsnConvert.serialize(text) }) })
}

/** One name of a subjectAltName or a constraint. */
export function schemaGeneralName({ kind, text }: AlternativeName): GeneralName {
  switch (kind) {
    case 'xmppAddr':
      // RFC 6120 §13.7.1.4
      return otherName(OID.xmppAddr, new AttributeValue({ utf8String: text }))
    case 'srvName':
      // RFC 4985 §2
      return otherName(OID.dnsSrv, new AttributeValue({ ia5String: text }))
    case 'rfc822Name':
      return new GeneralName({ rfc822Name: text })
    case 'dNSName':
      return new GeneralName({ dNSName: text })
  }
}
