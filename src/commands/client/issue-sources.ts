import { XmppkiError } from '../../errors.ts'

/**
 * Where the users come from: names or a list, and standard input only once.
 * @throws {XmppkiError} USAGE
 */
export function checkSources(
  names: readonly string[],
  flags: {
    readonly file: string | undefined
    readonly 'passphrase-file': string | undefined
    readonly 'p12-password-file': string | undefined
  },
): void {
  if (names.length === 0 && flags.file === undefined) {
    throw new XmppkiError('USAGE', 'missing argument: NAME', { hint: 'name users, or a list of them by --file' })
  }
  if (names.length > 0 && flags.file !== undefined) {
    throw new XmppkiError('USAGE', 'names and --file cannot be given together', { hint: 'put the names into the file' })
  }
  const [first, second] = (['file', 'passphrase-file', 'p12-password-file'] as const).filter(
    (flag) => flags[flag] === '-',
  )
  if (first !== undefined && second !== undefined) {
    throw new XmppkiError('USAGE', `--${first} and --${second} cannot both read standard input`)
  }
}
