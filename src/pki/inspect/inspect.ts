import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { type CertificateRequest, readCsr } from '../csr/csr-reader.ts'
import { derFromBer } from '../der/ber.ts'
import { DerError, readSingle, TAG } from '../der/der.ts'
import { decodePem, type PemBlock, pemBlocks } from '../der/pem.ts'
import { readEncryption } from '../keys/decrypt.ts'
import { type KeyFacts, keyFacts, openPublicKey } from '../keys/key-facts.ts'
import { readSignedStructure, signatureAlgorithmName } from '../keys/signature.ts'
import { type Pkcs12Facts, readPkcs12 } from '../pkcs12/pkcs12-reader.ts'
import { type CrlFacts, readCrl } from '../revocation/crl-facts.ts'
import { readCaUrls, type StatedCaUrls } from '../x509/ca-urls.ts'
import { type CertificateFacts, readCertificate } from '../x509/certificate.ts'
import { readRawCertificate } from '../x509/certificate-der.ts'
import { type DerKind, kindOfDer } from './der-kind.ts'

interface InspectedCertificate extends CertificateFacts, StatedCaUrls {
  readonly kind: 'certificate'
  /** Undefined when OpenSSL cannot read the key. */
  readonly key: KeyFacts | undefined
  readonly signatureAlgorithm: string
  /** Issuer and subject are the same. */
  readonly selfIssued: boolean
  /** Within a bundle. */
  readonly friendlyName?: string | undefined
}

interface InspectedPrivateKey {
  readonly kind: 'private-key'
  /** How it is encrypted; undefined when it is not. */
  readonly encryption: string | undefined
  /** Undefined when it is encrypted and there was no password. */
  readonly key: KeyFacts | undefined
  readonly friendlyName?: string | undefined
}

interface InspectedPublicKey {
  readonly kind: 'public-key'
  readonly key: KeyFacts
}

interface InspectedRequest extends Omit<CertificateRequest, 'publicKey' | 'der'> {
  readonly kind: 'request'
  readonly key: KeyFacts
}

interface InspectedCrl
  extends Pick<
    CrlFacts,
    'version' | 'issuer' | 'thisUpdate' | 'nextUpdate' | 'entries' | 'unknownCritical' | 'faults' | 'fingerprint'
  > {
  readonly kind: 'crl'
  /** Decimal. */
  readonly number: string | undefined
  readonly signatureAlgorithm: string
}

interface InspectedPkcs12 extends Omit<Pkcs12Facts, 'bags'> {
  readonly kind: 'pkcs12'
  readonly contents: readonly (InspectedCertificate | InspectedPrivateKey)[]
}

/** One thing found in a file; JSON can carry all of it. */
export type Inspected =
  | InspectedCertificate
  | InspectedPrivateKey
  | InspectedPublicKey
  | InspectedRequest
  | InspectedCrl
  | InspectedPkcs12

/** How a file is called in errors, and the password of what is encrypted in it. */
interface Context {
  readonly source: string
  readonly password: string | undefined
}

/** CA bundles have some 150. */
const MAX_BLOCKS = 1000

function inspectCertificate(der: Uint8Array, source: string): InspectedCertificate {
  const facts = readCertificate(der, source)
  const raw = readRawCertificate(der)
  const publicKey = openPublicKey(raw.publicKeyInfo.raw)
  return {
    kind: 'certificate',
    ...facts,
    ...readCaUrls(raw.extensions),
    key: publicKey === undefined ? undefined : keyFacts(publicKey),
    signatureAlgorithm: signatureAlgorithmName(readSignedStructure(readSingle(der, TAG.sequence)).algorithm).name,
    selfIssued: Buffer.compare(raw.issuer.raw, raw.subject.raw) === 0,
  }
}

function unreadableKey(source: string, cause: unknown): XmppkiError {
  return new XmppkiError('BAD_INPUT', `the key in ${source} cannot be read`, {
    hint: 'it is damaged or of a type that OpenSSL does not know',
    cause,
  })
}

function openKey(source: string, open: () => KeyObject): KeyFacts {
  try {
    return keyFacts(open())
  } catch (error) {
    throw unreadableKey(source, error)
  }
}

/** PKCS #8, PKCS #1 or SEC 1; OpenSSL is told which, because its guess about DER may ask for a passphrase. */
function inspectPlainKey(der: Uint8Array, type: 'pkcs8' | 'pkcs1' | 'sec1', source: string): InspectedPrivateKey {
  const key = openKey(source, () => createPrivateKey({ key: Buffer.from(der), format: 'der', type }))
  return { kind: 'private-key', encryption: undefined, key }
}

/** EncryptedPrivateKeyInfo (RFC 5208 §6) */
async function inspectEncryptedKey(der: Uint8Array, { source, password }: Context): Promise<InspectedPrivateKey> {
  const parts = readSingle(der, TAG.sequence).reader()
  const { label, decrypt } = readEncryption(parts.read(TAG.sequence), source)
  const ciphertext = parts.read(TAG.octetString).content
  parts.finish()
  if (password === undefined || decrypt === undefined) {
    return { kind: 'private-key', encryption: label, key: undefined }
  }
  const opened = await decrypt(ciphertext, password)
  // Padding fits by chance one time in 256: then the key is what shows that the password was wrong.
  if (kindOfDer(opened) !== 'pkcs8') throw new XmppkiError('PASSPHRASE', `wrong password for ${source}`)
  return { ...inspectPlainKey(opened, 'pkcs8', source), encryption: label }
}

/** RFC 1421 §4.6.1.3: what `openssl genrsa -des3 -traditional` writes. */
function inspectTraditionalKey(block: PemBlock, { source, password }: Context): InspectedPrivateKey {
  const cipher = /^DEK-Info: *([A-Za-z0-9-]{1,32})/m.exec(block.body)?.[1] ?? 'unknown cipher'
  const encryption = `traditional PEM with ${cipher}`
  if (password === undefined) return { kind: 'private-key', encryption, key: undefined }
  try {
    const key = createPrivateKey({ key: block.text, format: 'pem', passphrase: password })
    return { kind: 'private-key', encryption, key: keyFacts(key) }
  } catch (error) {
    throw new XmppkiError('PASSPHRASE', `wrong password for ${source}, or it is damaged`, { cause: error })
  }
}

async function inspectPkcs12(der: Uint8Array, context: Context): Promise<InspectedPkcs12> {
  const { bags, ...facts } = await readPkcs12(der, context)
  const contents = bags.map(({ type, der: content, friendlyName, encryption }) =>
    type === 'certificate'
      ? { ...inspectCertificate(content, `a certificate in ${context.source}`), friendlyName }
      : { ...inspectPlainKey(content, 'pkcs8', context.source), encryption, friendlyName },
  )
  return { kind: 'pkcs12', ...facts, contents }
}

function inspectRequest(der: Uint8Array, source: string): InspectedRequest {
  const { publicKey, der: _der, ...facts } = readCsr(der, source)
  return { kind: 'request', ...facts, key: openKey(source, () => publicKey) }
}

function inspectCrl(der: Uint8Array, source: string): InspectedCrl {
  const {
    signed,
    number,
    issuerKey: _name,
    scope: _scope,
    scopeKey: _key,
    delta: _delta,
    ...facts
  } = readCrl(der, source)
  return {
    kind: 'crl',
    ...facts,
    number: number?.toString(),
    signatureAlgorithm: signatureAlgorithmName(signed.algorithm).name,
  }
}

function inspectPublicKey(der: Uint8Array, source: string): InspectedPublicKey {
  const spki = { key: Buffer.from(der), format: 'der', type: 'spki' } as const
  return { kind: 'public-key', key: openKey(source, () => createPublicKey(spki)) }
}

type Reader = (der: Uint8Array, context: Context) => Inspected | Promise<Inspected>

const READERS: Readonly<Record<DerKind, Reader>> = {
  certificate: (der, { source }) => inspectCertificate(der, source),
  request: (der, { source }) => inspectRequest(der, source),
  crl: (der, { source }) => inspectCrl(der, source),
  pkcs12: inspectPkcs12,
  pkcs8: (der, { source }) => inspectPlainKey(der, 'pkcs8', source),
  pkcs1: (der, { source }) => inspectPlainKey(der, 'pkcs1', source),
  sec1: (der, { source }) => inspectPlainKey(der, 'sec1', source),
  'encrypted-key': inspectEncryptedKey,
  spki: (der, { source }) => inspectPublicKey(der, source),
}

async function inspectDer(der: Uint8Array, context: Context): Promise<Inspected> {
  const kind = kindOfDer(der)
  if (kind === undefined) {
    throw new XmppkiError('BAD_INPUT', `${context.source} is DER, but nothing that is known here`)
  }
  try {
    return await READERS[kind](der, context)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `${context.source} is damaged: ${error.message}`, { cause: error })
  }
}

function isTraditionalEncrypted({ label, body }: PemBlock): boolean {
  return label.endsWith(' PRIVATE KEY') && /^Proc-Type: *4,ENCRYPTED/m.test(body)
}

async function inspectPem(text: string, context: Context): Promise<Inspected[]> {
  // openssl ecparam writes the curve before the key, which says it again.
  const blocks = pemBlocks(text).filter(({ label }) => label !== 'EC PARAMETERS')
  if (blocks.length > MAX_BLOCKS) {
    throw new XmppkiError('BAD_INPUT', `${context.source} holds more than ${MAX_BLOCKS} blocks of PEM`)
  }
  const found: Inspected[] = []
  for (const block of blocks) {
    if (isTraditionalEncrypted(block)) found.push(inspectTraditionalKey(block, context))
    else found.push(await inspectDer(decodePem(block.text, block.label, context.source), context))
  }
  return found
}

function isWholeDer(octets: Uint8Array): boolean {
  try {
    readSingle(octets, TAG.sequence)
    return true
  } catch {
    return false
  }
}

/** PKCS #12 is the one format here that is met in BER; for the others DER is demanded (RFC 5280 §4.1). */
function isBerBundle(octets: Uint8Array): boolean {
  try {
    return octets[0] === TAG.sequence && kindOfDer(derFromBer(octets)) === 'pkcs12'
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return false
  }
}

/**
 * Everything in a file: certificates, keys, requests, CRLs and PKCS #12 bundles, each recognised by what it is and
 * not by the name of the file or the label of a PEM block.
 * @param options.source names the file in errors
 * @param options.password of encrypted keys and bundles; without it only their outside is read
 * @throws XmppkiError BAD_INPUT for anything else or damaged; PASSPHRASE for a wrong password
 */
export async function inspect(octets: Uint8Array, options: Context): Promise<readonly Inspected[]> {
  // A PEM file may begin with text, and text may begin with `0`, the octet of a SEQUENCE.
  if (isWholeDer(octets)) return [await inspectDer(octets, options)]
  if (isBerBundle(octets)) return [await inspectPkcs12(octets, options)]
  const found = await inspectPem(Buffer.from(octets).toString('latin1'), options)
  if (found.length > 0) return found
  throw new XmppkiError('BAD_INPUT', `${options.source} is neither PEM nor DER`, {
    hint: 'certificates, keys, certificate requests, CRLs and PKCS #12 bundles can be read',
  })
}
