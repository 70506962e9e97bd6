import { Flags } from '@oclif/core'
import { secretFileFlag } from '../../cli/flags.ts'
import { columns } from '../../cli/output.ts'
import { readSecret } from '../../cli/secret.ts'

/** Where the password of an account comes from; without any of them it is asked for. */
export const NEW_PASSWORD_FLAGS = {
  'password-file': secretFileFlag({
    summary: 'file with the password; - reads standard input',
    exclusive: ['generate', 'no-password'],
    env: 'XMPPKI_PASSWORD_FILE',
  }),
  generate: Flags.boolean({
    summary: 'make a password up, and show it this once',
    exclusive: ['no-password'],
    env: 'XMPPKI_GENERATE',
  }),
  'no-password': Flags.boolean({
    summary: 'no password: the account logs in by certificate only',
    env: 'XMPPKI_NO_PASSWORD',
  }),
}

export interface NewPasswordFlags {
  readonly 'password-file': string | undefined
  readonly generate: boolean
  readonly 'no-password': boolean
}

/** The password that an account is to have. */
export interface NewPassword {
  /** Undefined: none. */
  readonly password: string | undefined
  readonly isGenerated: boolean
}

/**
 * The password for an account, from where the flags say. On the terminal it is asked for twice.
 * @throws {XmppkiError} what `readSecret` throws
 */
export async function newPassword(
  jid: string,
  flags: NewPasswordFlags,
  warn: (text: string) => void,
): Promise<NewPassword> {
  if (flags['no-password']) return { password: undefined, isGenerated: false }
  if (flags.generate) {
    const { generatePassword } = await import('../../workspace/base/password.ts')
    return { password: generatePassword(), isGenerated: true }
  }
  const label = `password of ${jid}`
  const source = { flag: '--password-file', file: flags['password-file'] }
  return { password: await readSecret({ label, ...source, confirm: true, warn }), isGenerated: false }
}

/** How a generated password is shown. */
export function passwordRows(password: string): string[] {
  return columns([['password', `${password} (shown this once)`]])
}
