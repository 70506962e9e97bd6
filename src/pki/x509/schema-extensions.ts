import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AccessDescription,
  AuthorityInfoAccessSyntax,
  AuthorityKeyIdentifier,
  BasicConstraints,
  CRLDistributionPoints,
  DistributionPoint,
  DistributionPointName,
  ExtendedKeyUsage,
  Extension,
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  NameConstraints,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
} from '@peculiar/asn1-x509'
import { Memo } from '../../memo.ts'
import { OID } from '../der/oids.ts'
import type { ExtensionContent, ProfileExtension } from './extensions.ts'
import { schemaGeneralName } from './schema-names.ts'

type Content<Type extends ExtensionContent['type']> = Extract<ExtensionContent, { readonly type: Type }>

function crlDistributionPoints({ url }: Content<'cRLDistributionPoints'>): CRLDistributionPoints {
  const fullName = [new GeneralName({ uniformResourceIdentifier: url })]
  const distributionPoint = new DistributionPointName({ fullName })
  return new CRLDistributionPoints([new DistributionPoint({ distributionPoint })])
}

function authorityInfoAccess({ locations }: Content<'authorityInfoAccess'>): AuthorityInfoAccessSyntax {
  return new AuthorityInfoAccessSyntax(
    locations.map(({ method, url }) => {
      const accessLocation = new GeneralName({ uniformResourceIdentifier: url })
      return new AccessDescription({ accessMethod: OID[method], accessLocation })
    }),
  )
}

function nameConstraints({ permitted }: Content<'nameConstraints'>): NameConstraints {
  const subtrees = permitted.map((name) => new GeneralSubtree({ base: schemaGeneralName(name) }))
  return new NameConstraints({ permittedSubtrees: new GeneralSubtrees(subtrees) })
}

/** DER of NULL, which is all that id-pkix-ocsp-nocheck says (RFC 6960 §4.2.2.2.1). */
const NULL = Uint8Array.of(0x05, 0x00).buffer

/** The extension in the classes of the schema; undefined where it is NULL. */
function schemaOf(extension: ExtensionContent): object | undefined {
  switch (extension.type) {
    case 'basicConstraints': {
      const { pathLength } = extension
      return new BasicConstraints(pathLength === undefined ? {} : { cA: true, pathLenConstraint: pathLength })
    }
    case 'keyUsage':
      return new KeyUsage(extension.usages.reduce((flags, usage) => flags | KeyUsageFlags[usage], 0))
    case 'extKeyUsage':
      return new ExtendedKeyUsage([OID[extension.purpose]])
    case 'ocspNoCheck':
      return undefined
    case 'subjectAltName':
      return new SubjectAlternativeName(extension.names.map(schemaGeneralName))
    case 'nameConstraints':
      return nameConstraints(extension)
    case 'subjectKeyIdentifier':
      return new SubjectKeyIdentifier(extension.keyIdentifier)
    case 'authorityKeyIdentifier':
      return new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(extension.keyIdentifier) })
    case 'cRLDistributionPoints':
      return crlDistributionPoints(extension)
    case 'authorityInfoAccess':
      return authorityInfoAccess(extension)
  }
}

/** An extension with this value in DER. */
export function schemaExtension(extnID: string, value: ArrayBuffer, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(value) })
}

/** Most extensions are the same in every certificate of a batch; those of a user stand in two structures. */
const known = new Memo<ArrayBuffer>(100)

function encodedOnce(extension: ProfileExtension): ArrayBuffer {
  if ('keyIdentifier' in extension) return encode(extension)
  const text = JSON.stringify(extension)
  return known.get(text) ?? known.keep(text, encode(extension))
}

function encode(extension: ExtensionContent): ArrayBuffer {
  const content = schemaOf(extension)
  return content === undefined ? NULL : AsnConvert.serialize(content)
}

/** An extension of a profile. */
export function profileExtension(extension: ProfileExtension): Extension {
  return schemaExtension(OID[extension.type], encodedOnce(extension), extension.critical)
}
