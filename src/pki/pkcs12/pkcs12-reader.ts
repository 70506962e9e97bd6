import { createHmac } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { derFromBer } from '../der/ber.ts'
import {
  contextTag,
  type DerElement,
  DerError,
  type DerReader,
  readOid,
  readSingle,
  readSmallInteger,
  TAG,
} from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { checkRounds, type Encryption, readEncryption } from '../keys/decrypt.ts'
import { derivePkcs12, PKCS12_HASHES } from '../keys/password-kdf.ts'
import { decodeString } from '../x509/distinguished-name.ts'

/** A certificate or a key of a bundle. */
interface Bag {
  readonly type: 'certificate' | 'private-key'
  /** DER of the certificate, or PKCS #8 of the key. */
  readonly der: Uint8Array
  readonly friendlyName: string | undefined
  /** How a key was encrypted by itself, for people; undefined when it was not. */
  readonly encryption?: string
}

/** What a PKCS #12 bundle (RFC 7292) says of itself, and holds as far as it could be opened. */
export interface Pkcs12Facts {
  /** How its parts are encrypted, for people; each way once. */
  readonly encryption: readonly string[]
  /** What protects the whole: undefined without a MAC. */
  readonly mac: { readonly hash: string; readonly iterations: number } | undefined
  /** Whether everything inside could be read: there was a password, or nothing is encrypted. */
  readonly opened: boolean
  readonly bags: readonly Bag[]
}

const EXPLICIT = contextTag(0, 'constructed')

/** Bundles nest their contents in practice never, in theory without end. */
const MAX_NESTING = 4

function unwrap(element: DerElement, tag: number): DerElement {
  return readSingle(element.content, tag)
}

/** ContentInfo (RFC 5652 §3): its type and the element inside the `[0]`. */
function readContentInfo(element: DerElement): { type: string; content: DerElement } {
  const parts = element.reader()
  const type = readOid(parts.next())
  const wrapper = parts.read(EXPLICIT).reader()
  const content = wrapper.next()
  wrapper.finish()
  parts.finish()
  return { type, content }
}

function friendlyNameOf(attributes: DerElement | undefined): string | undefined {
  const list = attributes?.reader()
  while (list !== undefined && !list.done) {
    const attribute = list.read(TAG.sequence).reader()
    if (readOid(attribute.next()) === OID.friendlyName) return decodeString(attribute.read(TAG.set).reader().next())
  }
  return undefined
}

/** Collects what is in a bundle on the way through its parts. */
class Opener {
  readonly encryption = new Set<string>()
  readonly bags: Bag[] = []
  opened = true
  readonly #password: string | undefined
  readonly #source: string

  constructor({ password, source }: { password: string | undefined; source: string }) {
    this.#password = password
    this.#source = source
  }

  /** Undefined without a password. */
  async #decrypt(encryption: Encryption, ciphertext: Uint8Array): Promise<Buffer | undefined> {
    this.encryption.add(encryption.label)
    if (this.#password === undefined) {
      this.opened = false
      return undefined
    }
    if (encryption.decrypt === undefined) {
      throw new XmppkiError(
        'BAD_INPUT',
        `${this.#source} is encrypted by ${encryption.label}, which is not supported`,
        {
          hint: 'openssl pkcs12 -legacy may read it and openssl pkcs12 -export write it anew',
        },
      )
    }
    return encryption.decrypt(ciphertext, this.#password)
  }

  async readSafe(element: DerElement): Promise<void> {
    const { type, content } = readContentInfo(element)
    if (type === OID.data) return this.#readContents(unwrapOctets(content), 0)
    if (type !== OID.encryptedData) throw new DerError(`content of type ${type}`)
    const parts = content.reader()
    readSmallInteger(parts.next())
    const info = parts.read(TAG.sequence).reader()
    readOid(info.next())
    const encryption = readEncryption(info.read(TAG.sequence), this.#source)
    const contents = await this.#decrypt(encryption, readPieces(info.next()))
    if (contents !== undefined) await this.#readContents(contents, 0)
  }

  async #readContents(der: Uint8Array, depth: number): Promise<void> {
    if (depth > MAX_NESTING) throw new DerError('nested too deeply')
    const bags = readSingle(derFromBer(der), TAG.sequence).reader()
    while (!bags.done) await this.#readBag(bags.read(TAG.sequence).reader(), depth)
  }

  async #readBag(bag: DerReader, depth: number): Promise<void> {
    const type = readOid(bag.next())
    const value = bag.read(EXPLICIT)
    const friendlyName = friendlyNameOf(bag.readOptional(TAG.set))
    bag.finish()
    if (type === OID.certBag) this.#addCertificate(unwrap(value, TAG.sequence), friendlyName)
    else if (type === OID.keyBag) this.bags.push({ type: 'private-key', der: value.content, friendlyName })
    else if (type === OID.pkcs8ShroudedKeyBag) await this.#addShrouded(unwrap(value, TAG.sequence), friendlyName)
    else if (type === OID.safeContentsBag) await this.#readContents(value.content, depth + 1)
  }

  #addCertificate(element: DerElement, friendlyName: string | undefined): void {
    const parts = element.reader()
    if (readOid(parts.next()) !== OID.x509Certificate) return
    const der = unwrap(parts.read(EXPLICIT), TAG.octetString).content
    this.bags.push({ type: 'certificate', der, friendlyName })
  }

  async #addShrouded(element: DerElement, friendlyName: string | undefined): Promise<void> {
    const parts = element.reader()
    const encryption = readEncryption(parts.read(TAG.sequence), this.#source)
    const der = await this.#decrypt(encryption, parts.read(TAG.octetString).content)
    if (der !== undefined) this.bags.push({ type: 'private-key', der, friendlyName, encryption: encryption.label })
  }
}

function unwrapOctets(element: DerElement): Uint8Array {
  if (element.tag !== TAG.octetString) throw new DerError('not an octet string')
  return element.content
}

/** `[0] IMPLICIT OCTET STRING`, whole or in pieces. */
function readPieces(element: DerElement): Uint8Array {
  if (element.tag === contextTag(0, 'primitive')) return element.content
  if (element.tag !== EXPLICIT) throw new DerError('no encrypted content')
  const reader = element.reader()
  const pieces: Uint8Array[] = []
  while (!reader.done) pieces.push(reader.read(TAG.octetString).content)
  return Buffer.concat(pieces)
}

function readMac(element: DerElement) {
  const parts = element.reader()
  const info = parts.read(TAG.sequence).reader()
  const algorithm = readOid(info.read(TAG.sequence).reader().next())
  const digest = info.read(TAG.octetString).content
  const salt = parts.read(TAG.octetString).content
  // RFC 7292 §4: 1 when it is left out.
  const count = parts.readOptional(TAG.integer)
  const iterations = count === undefined ? 1 : readSmallInteger(count)
  const kind = Object.values(PKCS12_HASHES).find(({ oid }) => oid === algorithm)
  return { kind, algorithm, digest, salt, iterations }
}

async function checkMac(mac: ReturnType<typeof readMac>, authenticated: Uint8Array, password: string, source: string) {
  const { kind, algorithm, digest, salt, iterations } = mac
  if (kind === undefined) throw new XmppkiError('BAD_INPUT', `the MAC of ${source} is of the unknown type ${algorithm}`)
  checkRounds(iterations, source)
  const key = await derivePkcs12(kind, 'mac', { password, salt, iterations }, kind.length)
  if (Buffer.compare(createHmac(kind.name, key).update(authenticated).digest(), digest) !== 0) {
    throw new XmppkiError('PASSPHRASE', `wrong password for ${source}, or it was changed`)
  }
}

async function readBundle(der: Uint8Array, options: { password: string | undefined; source: string }) {
  const { password, source } = options
  const parts = readSingle(derFromBer(der), TAG.sequence).reader()
  if (readSmallInteger(parts.next()) !== 3) throw new DerError('unknown version')
  const { type, content } = readContentInfo(parts.read(TAG.sequence))
  if (type !== OID.data) throw new DerError('signed by a key instead of protected by a password')
  const authenticated = unwrapOctets(content)
  const macData = parts.readOptional(TAG.sequence)
  parts.finish()
  const mac = macData === undefined ? undefined : readMac(macData)
  if (mac !== undefined && password !== undefined) await checkMac(mac, authenticated, password, source)
  const opener = new Opener(options)
  const safes = readSingle(derFromBer(authenticated), TAG.sequence).reader()
  while (!safes.done) await opener.readSafe(safes.read(TAG.sequence))
  return {
    encryption: [...opener.encryption],
    mac: mac === undefined ? undefined : { hash: mac.kind?.name ?? mac.algorithm, iterations: mac.iterations },
    opened: opener.opened,
    bags: opener.bags,
  }
}

/**
 * Reads a PKCS #12 bundle in DER or BER; without a password what can be seen without one.
 * @param options.source names the file in errors
 * @throws XmppkiError PASSPHRASE for a wrong password; BAD_INPUT for anything that is not a bundle, or is
 *   encrypted in a way that is not supported
 */
export async function readPkcs12(
  der: Uint8Array,
  options: { readonly password: string | undefined; readonly source: string },
): Promise<Pkcs12Facts> {
  try {
    return await readBundle(der, options)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `${options.source} is not a PKCS #12 bundle: ${error.message}`, {
      spec: 'RFC 7292 §4',
      cause: error,
    })
  }
}
