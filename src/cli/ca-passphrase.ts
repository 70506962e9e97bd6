import { readSecret } from './secret.ts'

export interface CaPassphraseOptions {
  /** The value of `--passphrase-file`. */
  readonly file: string | undefined
  /** For a new passphrase: ask twice. */
  readonly confirm?: boolean
  /** Path of the key, where there may be several. */
  readonly key?: string
  /** False where nobody is there to answer (default: true). */
  readonly terminal?: boolean
  readonly warn: (text: string) => void
}

/** The passphrase of the CA key: `--passphrase-file`, `XMPPKI_CA_PASSPHRASE`, or the terminal. @throws {XmppkiError} */
export function readCaPassphrase({ key, ...options }: CaPassphraseOptions): Promise<string> {
  const names = {
    label: key === undefined ? 'passphrase of the CA key' : `passphrase of the CA key ${key}`,
    flag: '--passphrase-file',
    variable: 'XMPPKI_CA_PASSPHRASE',
  }
  return readSecret({ ...names, ...options })
}

/** The PIN of the token that a new CA key is in: from where the passphrase of a CA key comes. @throws {XmppkiError} */
export function readTokenPin({ file, warn }: CaPassphraseOptions): Promise<string> {
  const names = { label: 'PIN of the PKCS#11 token', flag: '--passphrase-file', variable: 'XMPPKI_CA_PASSPHRASE' }
  return readSecret({ ...names, file, warn })
}

/** The passphrase for the key of a new issuing CA; on the terminal asked for twice. @throws {XmppkiError} */
export function readIssuingPassphrase({ file, warn }: CaPassphraseOptions): Promise<string> {
  const names = {
    label: 'passphrase for the key of the issuing CA',
    flag: '--issuing-passphrase-file',
    variable: 'XMPPKI_ISSUING_PASSPHRASE',
  }
  return readSecret({ ...names, file, confirm: true, warn })
}

/**
 * Asks for the passphrase of each key once and keeps it: a file may be a pipe, and nobody is there to be asked again.
 * What fails is asked for again.
 */
export function rememberedPassphrases(
  read: (key: string, terminal: boolean) => Promise<string>,
): (key: string, terminal: boolean) => Promise<string> {
  const known = new Map<string, string>()
  return async (key, terminal) => {
    const passphrase = known.get(key) ?? (await read(key, terminal))
    known.set(key, passphrase)
    return passphrase
  }
}
