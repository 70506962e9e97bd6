import { secretFileFlag } from '../../cli/flags.ts'
import { readSecret } from '../../cli/secret.ts'

/** Where the passphrase of a backup comes from. */
export const backupPassphraseFileFlag = secretFileFlag({
  summary: 'file with the passphrase of the backup; - reads standard input',
  description:
    'Without it the passphrase is taken from the environment variable XMPPKI_BACKUP_PASSPHRASE, ' +
    'else asked for on the terminal. It is never taken from the command line.',
  env: 'XMPPKI_BACKUP_PASSPHRASE_FILE',
})

/** What {@link backupPassphraseFileFlag} says. @throws {XmppkiError} PASSPHRASE, NOT_FOUND, BAD_INPUT, IO */
export function readBackupPassphrase(
  file: string | undefined,
  options: { readonly confirm: boolean; readonly warn: (text: string) => void },
): Promise<string> {
  const names = { label: 'passphrase of the backup', variable: 'XMPPKI_BACKUP_PASSPHRASE' }
  return readSecret({ ...names, flag: '--backup-passphrase-file', file, ...options })
}
