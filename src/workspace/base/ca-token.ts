import { XmppkiError } from '../../errors.ts'
import type { TokenKey } from '../../pkcs11/token-key.ts'
import type { KeyAlgorithm } from '../../pki/keys/algorithms.ts'
import type { SigningKey } from '../../pki/keys/signature.ts'
import { exists } from '../disk/files.ts'

/** Which key in which PKCS #11 token a new CA gets. */
export interface TokenRequest {
  /** Absolute path of the PKCS #11 module. */
  readonly module: string
  /** Undefined: the only token there is. */
  readonly token: string | undefined
  /** A key pair of this label is made, or the one that is there is used: a label, or a CKA_ID in hexadecimal. */
  readonly key: { readonly make: string } | { readonly use: string }
  /** Asks for the user PIN, when the token wants one. */
  readonly pin: () => Promise<string>
}

/** What the file beside the certificate says instead of a key; no secret. */
interface TokenFile {
  /** Absolute path. */
  readonly module: string
  readonly token: { readonly label: string; readonly serial: string }
  /** `id`: CKA_ID in hexadecimal. */
  readonly key: { readonly label: string; readonly id: string }
}

const VERSION = 1

function checkModule(module: string, hint: string): void {
  if (exists(module)) return
  throw new XmppkiError('NOT_FOUND', `the PKCS#11 module ${module} is missing`, { hint })
}

/**
 * Makes or finds the key of a new CA in its token.
 * @param algorithm of a key that is made
 * @throws {XmppkiError} NOT_FOUND when module, package, token or key is missing; EXISTS, PASSPHRASE, BAD_INPUT, IO
 */
export async function obtainTokenKey(
  { module, token, key, pin }: TokenRequest,
  algorithm: KeyAlgorithm,
): Promise<TokenKey> {
  checkModule(module, 'give the path of the library that came with the token')
  const { findTokenKey, makeTokenKey } = await import('../../pkcs11/token-key.ts')
  const selector = { module, label: token }
  return 'use' in key
    ? findTokenKey(selector, key.use, pin)
    : makeTokenKey(selector, { label: key.make, algorithm }, pin)
}

/** The text of the file that stands in for a key file. */
export function tokenFileText(module: string, { token, label, id }: TokenKey): string {
  const content: TokenFile = { module, token, key: { label, id } }
  return `${JSON.stringify({ version: VERSION, ...content }, null, 2)}\n`
}

/**
 * The key that such a file speaks of.
 * @param source names the file in errors
 * @throws {XmppkiError} CORRUPT for another text; NOT_FOUND when module, package, token or key is missing; PASSPHRASE, IO
 */
export async function openTokenFile(text: string, source: string, pin: () => Promise<string>): Promise<SigningKey> {
  const { module, token, key } = parseTokenFile(text, source)
  checkModule(module, `install it there, or correct the path in ${source}`)
  const { findTokenKey } = await import('../../pkcs11/token-key.ts')
  return (await findTokenKey({ module, ...token }, key.id, pin)).key
}

function parseTokenFile(text: string, source: string): TokenFile {
  const file = record(parseJson(text))
  const token = record(file['token'])
  const key = record(file['key'])
  const texts = [file['module'], token['label'], token['serial'], key['label'], key['id']]
  const [module, label, serial, keyLabel, id] = texts.map((value) => (typeof value === 'string' ? value : undefined))
  const isComplete = module !== undefined && label !== undefined && serial !== undefined && keyLabel !== undefined
  if (file['version'] === VERSION && isComplete && id !== undefined) {
    return { module, token: { label, serial }, key: { label: keyLabel, id } }
  }
  throw new XmppkiError('CORRUPT', `${source} is not what xmppki wrote there`, { hint: 'restore it from a backup' })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
