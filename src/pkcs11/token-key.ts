import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { Crypto, CryptoKey, TokenAlgorithm } from 'node-webcrypto-p11'
import { XmppkiError } from '../errors.ts'
import { type KeyAlgorithm, keyTypeOf } from '../pki/keys/algorithms.ts'
import { certificateSignature } from '../pki/keys/ecdsa-sig-value.ts'
import type { SigningKey } from '../pki/keys/signature.ts'
import { inToken, logIn, openToken, type TokenSelector } from './token.ts'

/** A key that lies in a PKCS #11 token, and how to find it again. */
export interface TokenKey {
  readonly key: SigningKey
  readonly token: { readonly label: string; readonly serial: string }
  readonly label: string
  /** CKA_ID, lower-case hexadecimal. */
  readonly id: string
}

/** A private key as the token lists it. */
interface StoredKey {
  /** What the package calls it. */
  readonly item: string
  /** CKA_ID, lower-case hexadecimal. */
  readonly id: string
  readonly label: string
}

/** Tokens do one thing at a time in a session, and modules need not be thread-safe (PKCS #11 v2.40 §5.4). */
let turn: Promise<unknown> = Promise.resolve()

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = turn.then(work)
  turn = result.catch(() => undefined)
  return result
}

/** CKA_ID at the end of `private-<handle>-<id>`. */
function idOf(item: string): string {
  return item.slice(item.lastIndexOf('-') + 1)
}

async function storedKeys(crypto: Crypto): Promise<StoredKey[]> {
  const items = await crypto.keyStorage.keys()
  const keys: StoredKey[] = []
  for (const item of items.filter((name) => name.startsWith('private-'))) {
    // The package reads the attributes of RSA and EC keys only; others can be here for other purposes.
    const label = await crypto.keyStorage.getItem(item).then(
      ({ algorithm }) => algorithm.label,
      () => undefined,
    )
    if (label !== undefined) keys.push({ item, id: idOf(item), label })
  }
  return keys
}

async function publicKeyOf(crypto: Crypto, { id, label }: StoredKey): Promise<KeyObject> {
  const items = await crypto.keyStorage.keys()
  const item = items.find((name) => name.startsWith('public-') && idOf(name) === id)
  if (item === undefined) {
    throw new XmppkiError('NOT_FOUND', `the token '${crypto.token.label}' has no public key for '${label}'`, {
      hint: 'write it beside the private key, with the same label and id',
    })
  }
  return exportPublicKey(crypto, await crypto.keyStorage.getItem(item))
}

async function exportPublicKey(crypto: Crypto, key: CryptoKey): Promise<KeyObject> {
  const der = await crypto.subtle.exportKey('spki', key)
  return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
}

const CURVES = { prime256v1: 'P-256', secp384r1: 'P-384' } as const

/** The parameters of WebCrypto for keys of this type. @throws XmppkiError BAD_INPUT for Ed25519 */
function tokenAlgorithm({
  generation,
  signatureHash,
  label,
}: KeyAlgorithm): TokenAlgorithm & { readonly hash: string } {
  if (generation.type === 'ed25519' || signatureHash === undefined) {
    throw new XmppkiError('BAD_INPUT', `${label} keys cannot be used in a PKCS#11 token here`, {
      hint: 'choose --key-type ec:p256, ec:p384 or one of RSA',
    })
  }
  const hash = signatureHash
  if (generation.type === 'ec') return { name: 'ECDSA', namedCurve: CURVES[generation.namedCurve], hash }
  const { modulusLength } = generation
  return { name: 'RSASSA-PKCS1-v1_5', hash, modulusLength, publicExponent: Uint8Array.of(1, 0, 1) }
}

async function signingKey(crypto: Crypto, item: string, publicKey: KeyObject): Promise<SigningKey> {
  const algorithm = keyTypeOf(publicKey)
  const parameters = tokenAlgorithm(algorithm)
  const { name, hash } = parameters
  const { label } = crypto.token
  const privateKey = await crypto.keyStorage.getItem(item, parameters, false, ['sign'])
  async function sign(octets: Uint8Array): Promise<Uint8Array> {
    const raw = await crypto.subtle.sign({ name, hash }, privateKey, octets)
    const signature = certificateSignature(new Uint8Array(raw), algorithm)
    // Objects in a token can be exchanged behind our back, and nobody looks at the signature of a CRL before it is out.
    if (verify(hash, octets, publicKey, signature)) return signature
    throw new XmppkiError('CORRUPT', `the PKCS#11 token '${label}' signed with another key than that of the CA`)
  }
  return { publicKey, algorithm, sign: (octets) => inTurn(() => inToken(label, () => sign(octets))) }
}

async function describe(crypto: Crypto, stored: StoredKey, publicKey: KeyObject): Promise<TokenKey> {
  const { label, serialNumber: serial } = crypto.token
  return {
    key: await signingKey(crypto, stored.item, publicKey),
    token: { label, serial },
    label: stored.label,
    id: stored.id,
  }
}

async function openLoggedIn(selector: TokenSelector, pin: () => Promise<string>): Promise<Crypto> {
  const crypto = await openToken(selector)
  await logIn(crypto, pin)
  return crypto
}

/**
 * Makes a key pair in the token: sensitive, not extractable, for signing only.
 * @param pin the user PIN; asked when the token wants one
 * @throws XmppkiError EXISTS when there is a key with this label; BAD_INPUT for Ed25519; NOT_FOUND, PASSPHRASE, IO as `openToken`
 *   and `logIn`
 */
export async function makeTokenKey(
  selector: TokenSelector,
  wanted: { readonly label: string; readonly algorithm: KeyAlgorithm },
  pin: () => Promise<string>,
): Promise<TokenKey> {
  const { label, algorithm } = wanted
  const parameters = { ...tokenAlgorithm(algorithm), token: true, sensitive: true, label }
  const crypto = await openLoggedIn(selector, pin)
  return inToken(crypto.token.label, async () => {
    if ((await storedKeys(crypto)).some((stored) => stored.label === label)) {
      throw new XmppkiError('EXISTS', `the PKCS#11 token '${crypto.token.label}' already has a key '${label}'`, {
        hint: `--pkcs11-use '${label}' takes that key, --pkcs11-label NAME makes another one`,
      })
    }
    const { privateKey, publicKey } = await crypto.subtle.generateKey(parameters, false, ['sign', 'verify'])
    const stored = { item: privateKey.id, id: idOf(privateKey.id), label }
    return describe(crypto, stored, await exportPublicKey(crypto, publicKey))
  })
}

/**
 * Finds a private key in the token that another program has made.
 * @param name its label, or its CKA_ID in hexadecimal
 * @param pin the user PIN; asked when the token wants one
 * @throws XmppkiError NOT_FOUND when there is no such key; BAD_INPUT when there are several or its type is not supported;
 *   PASSPHRASE, IO as `openToken` and `logIn`
 */
export async function findTokenKey(
  selector: TokenSelector,
  name: string,
  pin: () => Promise<string>,
): Promise<TokenKey> {
  const crypto = await openLoggedIn(selector, pin)
  const token = crypto.token.label
  return inToken(token, async () => {
    const all = await storedKeys(crypto)
    const id = name.replaceAll(':', '').toLowerCase()
    const [found, ...others] = all.filter((stored) => stored.label === name || stored.id === id)
    if (found === undefined) {
      const labels = all.map(({ label }) => `'${label}'`).join(', ')
      throw new XmppkiError('NOT_FOUND', `the PKCS#11 token '${token}' has no RSA or EC private key '${name}'`, {
        hint: all.length === 0 ? 'it has none at all' : `it has ${labels}`,
      })
    }
    if (others.length > 0) {
      throw new XmppkiError('BAD_INPUT', `the PKCS#11 token '${token}' has several keys '${name}'`, {
        hint: `name one by its id: ${[found, ...others].map((stored) => stored.id).join(', ')}`,
      })
    }
    return describe(crypto, found, await publicKeyOf(crypto, found))
  })
}
