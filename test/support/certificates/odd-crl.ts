import { type KeyObject, sign, X509Certificate } from 'node:crypto'
import { TAG } from '../../../src/pki/der/der.ts'
import {
  booleanTrue,
  context,
  element,
  integer,
  octetString,
  oid,
  sequence,
  time,
} from '../../../src/pki/der/der-writer.ts'
import { readRawCertificate } from '../../../src/pki/x509/certificate-der.ts'
import type { Credentials } from './certificates.ts'
import { ECDSA_SHA256, signedStructure } from './signed-octets.ts'

/** Parts of a CRL as DER, whatever it is; everything is optional. */
export interface OddCrl {
  readonly version?: Uint8Array
  /** AlgorithmIdentifier; {@link ECDSA_SHA256} without it. */
  readonly algorithm?: Uint8Array
  /** DER of the name; the subject of the CA without it. */
  readonly issuer?: Uint8Array
  readonly thisUpdate?: Uint8Array
  /** Undefined: in the far future. Empty: left out. */
  readonly nextUpdate?: Uint8Array
  readonly entries?: readonly Uint8Array[]
  readonly extensions?: readonly Uint8Array[]
  /** What makes the signature of the rest; by ECDSA and SHA-256 without it. */
  readonly signature?: (tbs: Uint8Array) => Uint8Array
}

/** A time as it stands there, right or wrong. */
export function utcTime(text: string): Uint8Array {
  return element(TAG.utcTime, Buffer.from(text))
}

export function generalizedTime(text: string): Uint8Array {
  return element(TAG.generalizedTime, Buffer.from(text))
}

export const DATE = time(new Date('2025-06-01T00:00:00Z'))

export function serialOf({ cert }: Pick<Credentials, 'cert'>): Buffer {
  return Buffer.from(new X509Certificate(cert).serialNumber, 'hex')
}

export function extension(id: string, value: Uint8Array, isCritical = false): Uint8Array {
  return sequence(oid(id), ...(isCritical ? [booleanTrue()] : []), octetString(value))
}

/** @param serial unsigned, or a whole INTEGER */
export function entry(
  serial: Uint8Array,
  { date = DATE, extensions = [] }: { readonly date?: Uint8Array; readonly extensions?: readonly Uint8Array[] } = {},
): Uint8Array {
  const number = serial[0] === TAG.integer && serial[1] === serial.length - 2 ? serial : integer(serial)
  return sequence(number, date, ...(extensions.length === 0 ? [] : [sequence(...extensions)]))
}

/** Name of the CA in DER. */
export function nameOf({ cert }: Pick<Credentials, 'cert'>): Uint8Array {
  return readRawCertificate(new X509Certificate(cert).raw).subject.raw
}

/** A CRL that this CA has signed, in DER. */
export function oddCrl(ca: Credentials & { readonly signer?: KeyObject }, crl: OddCrl = {}): Buffer {
  const { version = integer(1), algorithm = ECDSA_SHA256, entries = [], extensions = [] } = crl
  const tbs = sequence(
    version,
    algorithm,
    crl.issuer ?? nameOf(ca),
    crl.thisUpdate ?? time(new Date('2025-07-01T00:00:00Z')),
    crl.nextUpdate ?? time(new Date('2049-01-01T00:00:00Z')),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    ...(extensions.length === 0 ? [] : [context(0, sequence(...extensions))]),
  )
  const signature = crl.signature?.(tbs) ?? sign('sha256', tbs, ca.key)
  return signedStructure(tbs, algorithm, signature)
}
