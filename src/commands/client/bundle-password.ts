import { readSecretFile } from '../../cli/secret.ts'

/**
 * The password for new bundles: the one in the file of `--p12-password-file`; without a file one is to be generated.
 * @throws {XmppkiError} PASSPHRASE, NOT_FOUND, BAD_INPUT, IO
 */
export async function readBundlePassword(
  file: string | undefined,
  warn: (text: string) => void,
): Promise<{ readonly p12Password?: string }> {
  if (file === undefined) return {}
  const request = { label: 'password of the bundles', flag: '--p12-password-file', warn }
  const p12Password = await readSecretFile(file, request)
  // How characters become octets is clear for the key derivation of PBES2 (RFC 8018 §3) only in ASCII.
  if (/[^ -~]/.test(p12Password)) {
    warn('the password of the bundles is not plain ASCII: Java cannot open them with it, and other programs may not')
  }
  return { p12Password }
}
