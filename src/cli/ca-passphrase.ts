import { readSecret } from './secret.ts'

export interface CaPassphraseOptions {
  /** The value of `--passphrase-file`. */
  readonly file: string | undefined
  /** For a new passphrase: ask twice. */
  readonly confirm?: boolean
  readonly warn: (text: string) => void
}

/** The passphrase of the CA key: `--passphrase-file`, `XMPPKI_CA_PASSPHRASE`, or the terminal. @throws {XmppkiError} */
export function readCaPassphrase({ file, confirm = false, warn }: CaPassphraseOptions): Promise<string> {
  const names = {
    label: 'passphrase of the CA key',
    flag: '--passphrase-file',
    variable: 'XMPPKI_CA_PASSPHRASE',
  }
  return readSecret({ ...names, file, confirm, warn })
}
