import { AsnConvert, AsnIntegerBigIntConverter } from '@peculiar/asn1-schema'
import {
  AuthorityKeyIdentifier,
  CRLReason,
  CRLReasons,
  type Extension,
  KeyIdentifier,
  RevokedCertificate,
  TBSCertList,
  Time,
  Version,
} from '@peculiar/asn1-x509'
import { contextTag, readSingle, TAG } from '../der/der.ts'
import { sequence } from '../der/der-writer.ts'
import { OID } from '../der/oids.ts'
import { Slices } from '../der/slices.ts'
import type { Issuer } from '../issue/issuer.ts'
import { schemaExtension } from '../x509/schema-extensions.ts'
import { schemaSignatureAlgorithm } from '../x509/schema-keys.ts'
import { copiedName } from '../x509/schema-names.ts'
import { serialOctets } from '../x509/serial-number.ts'
import type { RevocationReason } from './revocation-reason.ts'
import type { RevokedEntry } from './revoked-entry.ts'

/** What a CRL is going to say. */
export interface CrlContent {
  readonly issuer: Issuer
  /** Sorted, each serial number once. */
  readonly entries: readonly RevokedEntry[]
  readonly number: bigint
  readonly thisUpdate: Date
  readonly nextUpdate: Date
}

/** None for `unspecified`, as RFC 5280 §5.3.1 recommends. */
function reasonExtensions(reason: RevokedEntry['reason']): { readonly crlEntryExtensions?: Extension[] } {
  if (reason === undefined || reason === 'unspecified') return {}
  const extension = known.get(reason) ?? reasonExtension(reason)
  known.set(reason, extension)
  return { crlEntryExtensions: [extension] }
}

/** Long lists have the same few reasons again and again. */
const known = new Map<RevocationReason, Extension>()

function reasonExtension(reason: RevocationReason): Extension {
  return schemaExtension(OID.cRLReasons, AsnConvert.serialize(new CRLReason(CRLReasons[reason])))
}

function entryDer({ serial, revokedAt, reason }: RevokedEntry): Uint8Array {
  const entry = new RevokedCertificate({
    userCertificate: Uint8Array.from(serialOctets(serial)).buffer,
    revocationDate: new Time(revokedAt),
    ...reasonExtensions(reason),
  })
  return new Uint8Array(AsnConvert.serialize(entry))
}

async function entriesDer(entries: readonly RevokedEntry[]): Promise<Uint8Array> {
  const slices = new Slices()
  const ders: Uint8Array[] = []
  for (const entry of entries) {
    ders.push(entryDer(entry))
    if (slices.isDue) await slices.rest()
  }
  // One part, not an argument each: a call has room for some 100,000.
  return sequence(Buffer.concat(ders))
}

function withoutEntries({ issuer, number, thisUpdate, nextUpdate }: CrlContent): Uint8Array {
  const authority = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(issuer.keyIdentifier) })
  const list = new TBSCertList({
    version: Version.v2,
    signature: schemaSignatureAlgorithm(issuer.key.algorithm),
    issuer: copiedName(issuer.name),
    thisUpdate: new Time(thisUpdate),
    nextUpdate: new Time(nextUpdate),
    crlExtensions: [
      schemaExtension(OID.authorityKeyIdentifier, AsnConvert.serialize(authority)),
      schemaExtension(OID.cRLNumber, AsnIntegerBigIntConverter.toASN(number).toBER()),
    ],
  })
  return new Uint8Array(AsnConvert.serialize(list))
}

/** Puts the entries in their place, before the extensions (RFC 5280 §5.1); the list is left out when it is empty. */
function insertEntries(list: Uint8Array, entries: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  for (const reader = readSingle(list, TAG.sequence).reader(); !reader.done; ) {
    const part = reader.next()
    if (part.tag === contextTag(0, 'constructed')) parts.push(entries)
    parts.push(part.raw)
  }
  return sequence(...parts)
}

/**
 * DER of a TBSCertList, version 2 with CRL number and authorityKeyIdentifier (RFC 5280 §5.1), written by the schemas of
 * `@peculiar/asn1-x509`. Each entry is written by itself: all of them at once would keep everybody else waiting.
 */
export async function tbsCertList(content: CrlContent): Promise<Uint8Array> {
  const list = withoutEntries(content)
  return content.entries.length === 0 ? list : insertEntries(list, await entriesDer(content.entries))
}
