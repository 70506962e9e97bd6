import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { TAG } from '../../../src/pki/der/der.ts'
import {
  booleanTrue,
  context,
  contextPrimitive,
  element,
  integer,
  namedBits,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  time,
  utf8String,
} from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import { encodePem } from '../../../src/pki/der/pem.ts'
import { type CaCertificate, caCertificateOf } from '../../../src/trust/ca-certificate.ts'
import { SignedCertificate } from '../../../src/trust/signed-certificate.ts'
import type { Credentials } from './certificates.ts'

/** The moment at which certificates are valid that say nothing else. */
export const NOON = new Date('2030-06-01T12:00:00Z')

const YEAR = 365 * 86_400_000

/** What is to stand in a certificate, literally; what is missing is as usual. */
export interface Wish {
  readonly name: string
  /** Whose key it is for; undefined: one of its own. */
  readonly key?: KeyObject
  readonly serial?: number
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly ca?: boolean
  readonly pathLength?: number
  readonly keyUsage?: readonly number[]
  readonly purposes?: readonly string[]
  readonly xmppAddrs?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly emails?: readonly string[]
  readonly permitted?: readonly Uint8Array[]
  readonly excluded?: readonly Uint8Array[]
  readonly more?: readonly Uint8Array[]
  /** Version 1 has no extensions. */
  readonly version?: 1 | 3
  /** Signed by this key instead of that of the issuer. */
  readonly forgedBy?: KeyObject
}

/** Bits of the key usage (RFC 5280 §4.2.1.3). */
export const DIGITAL_SIGNATURE = 0
export const CERT_SIGN = 5
export const CRL_SIGN = 6

/** A certificate and its key, made in a fraction of a millisecond, that may issue whatever is wished for. */
export class Made {
  readonly der: Uint8Array
  readonly key: KeyObject
  readonly name: Uint8Array

  constructor(wish: Wish, issuer?: Made) {
    this.key = wish.key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    this.name = commonName(wish.name)
    const signer = wish.forgedBy ?? issuer?.key ?? this.key
    const algorithm = algorithmOf(signer)
    const tbs = tbsOf(wish, algorithm, { issuer: issuer?.name ?? this.name, subject: this.name, key: this.key })
    const signature = sign('sha256', tbs, signer)
    this.der = sequence(tbs, algorithm, element(TAG.bitString, Uint8Array.of(0), signature))
  }

  issue(wish: Wish): Made {
    return new Made(wish, this)
  }

  /** Another CA below this one. */
  authority(name: string, wish: Partial<Wish> = {}): Made {
    return new Made({ name, ca: true, ...wish }, this)
  }

  /** The certificate of a user that may log in with it. */
  client(name = 'alice', wish: Partial<Wish> = {}): Made {
    return new Made({ name, purposes: [OID.clientAuth], xmppAddrs: [`${name}@example.org`], ...wish }, this)
  }

  get pem(): string {
    return encodePem('CERTIFICATE', this.der)
  }

  get credentials(): Credentials {
    return { key: this.key.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: this.pem }
  }

  /** To be judged. */
  get opened(): SignedCertificate {
    const opened = SignedCertificate.open(this.der)
    if ('check' in opened) throw new Error(opened.reason)
    return opened
  }

  get asAuthority(): CaCertificate {
    return caCertificateOf(this.der, 'made')
  }
}

/** A root that is good for whatever is not forbidden to it. */
export function madeRoot(name = 'root', wish: Partial<Wish> = {}): Made {
  return new Made({ name, ca: true, ...wish })
}

/** With SHA-256. */
function algorithmOf({ asymmetricKeyType }: KeyObject): Uint8Array {
  return asymmetricKeyType === 'rsa'
    ? sequence(oid(OID.sha256WithRsaEncryption), nullValue())
    : sequence(oid(OID.ecdsaWithSha256))
}

function commonName(name: string): Uint8Array {
  return sequence(setOf(sequence(oid(OID.commonName), utf8String(name))))
}

let serials = 1000

function tbsOf(
  wish: Wish,
  algorithm: Uint8Array,
  { issuer, subject, key }: { issuer: Uint8Array; subject: Uint8Array; key: KeyObject },
): Uint8Array {
  serials += 1
  const { serial = serials, version = 3 } = wish
  const notBefore = wish.notBefore ?? new Date(NOON.getTime() - YEAR)
  const notAfter = wish.notAfter ?? new Date(NOON.getTime() + YEAR)
  return sequence(
    ...(version === 3 ? [context(0, integer(2))] : []),
    integer(serial),
    algorithm,
    issuer,
    sequence(time(notBefore), time(notAfter)),
    subject,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    ...(version === 3 ? [context(3, sequence(...extensionsOf(wish)))] : []),
  )
}

export function madeExtension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return sequence(oid(id), ...(critical ? [booleanTrue()] : []), octetString(value))
}

/** GeneralName by its kind. */
export const general = {
  dns: (text: string) => contextPrimitive(2, Buffer.from(text)),
  email: (text: string) => contextPrimitive(1, Buffer.from(text)),
  xmppAddr: (text: string) => context(0, oid(OID.xmppAddr), context(0, utf8String(text))),
} as const

function extensionsOf(wish: Wish): Uint8Array[] {
  const { ca, pathLength, keyUsage, purposes, permitted = [], excluded = [], more = [] } = wish
  const usages = keyUsage ?? (ca ? [CERT_SIGN, CRL_SIGN] : [DIGITAL_SIGNATURE])
  const constraints = ca ? [booleanTrue(), ...(pathLength === undefined ? [] : [integer(pathLength)])] : []
  const names = [
    ...(wish.xmppAddrs ?? []).map(general.xmppAddr),
    ...(wish.dnsNames ?? []).map(general.dns),
    ...(wish.emails ?? []).map(general.email),
  ]
  const subtrees = (number: number, bases: readonly Uint8Array[]) =>
    bases.length === 0 ? [] : [context(number, ...bases.map((base) => sequence(base)))]
  const isBound = permitted.length + excluded.length > 0
  return [
    madeExtension(OID.basicConstraints, sequence(...constraints), true),
    madeExtension(OID.keyUsage, namedBits(usages), true),
    ...(purposes === undefined ? [] : [madeExtension(OID.extKeyUsage, sequence(...purposes.map((one) => oid(one))))]),
    ...(names.length === 0 ? [] : [madeExtension(OID.subjectAltName, sequence(...names))]),
    ...(isBound
      ? [madeExtension(OID.nameConstraints, sequence(...subtrees(0, permitted), ...subtrees(1, excluded)), true)]
      : []),
    ...more,
  ]
}
