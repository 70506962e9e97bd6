import { XmppkiError } from '../../errors.ts'
import { decodePrivateKey, isEncryptedPrivateKey } from '../../pki/keys/keys.ts'
import { type SigningKey, softwareKey } from '../../pki/keys/signature.ts'
import { isReadableByOthers, readTextIfAny } from '../disk/files.ts'
import { openTokenFile } from './ca-token.ts'

/** Where the signing key of a CA may be; absolute paths. */
interface CaKeyPlace {
  readonly keyFile: string
  /** Says instead of a key file where in which PKCS #11 token the key is. */
  readonly tokenFile: string
}

function noKey(path: string): XmppkiError {
  return new XmppkiError('NOT_FOUND', `the key of the CA is missing: ${path}`, {
    hint: 'bring it back from where it is kept, then try again',
  })
}

/**
 * The key of a CA, ready to sign.
 * @param passphrase asked only when the key is encrypted, or its token wants a PIN
 * @param warn told when others may read the key
 * @throws {XmppkiError} NOT_FOUND, PASSPHRASE, BAD_INPUT, CORRUPT, IO
 */
export async function loadCaKey(
  { keyFile, tokenFile }: CaKeyPlace,
  passphrase: () => Promise<string>,
  warn: (text: string) => void,
): Promise<SigningKey> {
  const pem = readTextIfAny(keyFile)
  if (pem === undefined) {
    const reference = readTextIfAny(tokenFile)
    if (reference === undefined) throw noKey(keyFile)
    return openTokenFile(reference, tokenFile, passphrase)
  }
  if (isReadableByOthers(keyFile)) warn(`${keyFile} can be read by others; run: chmod 600 '${keyFile}'`)
  const source = keyFile
  const options = isEncryptedPrivateKey(pem) ? { passphrase: await passphrase(), source } : { source }
  return softwareKey(decodePrivateKey(pem, options).privateKey)
}
