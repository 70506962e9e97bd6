import { statSync } from 'node:fs'
import { XmppkiError } from '../errors.ts'
import { readInputFile, sourceName } from './input-file.ts'
import { askHidden } from './prompt.ts'

/** Where a secret may come from and how it is called in messages. */
export interface SecretRequest {
  /** `passphrase of the CA key`; the first word is what kind of secret it is. */
  readonly label: string
  /** The flag that takes a file: `--passphrase-file`. */
  readonly flag: string
  /** Its value: a path, `-` for standard input. */
  readonly file?: string | undefined
  /** The environment variable that may hold the secret itself. */
  readonly variable?: string
  /** Ask a second time, because nobody sees what is typed and it cannot be had again. */
  readonly confirm?: boolean
  /** False where nobody is there to answer (default: true). */
  readonly terminal?: boolean
  readonly warn: (text: string) => void
}

/** Nobody types more; a larger file is the wrong file. */
const MAX_BYTES = 4096

/**
 * Reads a secret: from the file if one was named, else from the environment, else from the terminal.
 * @throws {XmppkiError} PASSPHRASE when there is no source, or it is blank; NOT_FOUND, BAD_INPUT, IO about the file
 */
export async function readSecret(request: SecretRequest): Promise<string> {
  const { file, variable, terminal = true } = request
  if (file !== undefined) return readSecretFile(file, request)
  const inherited = variable === undefined ? undefined : process.env[variable]
  if (inherited !== undefined) return checked(inherited, `the ${request.label} in ${variable}`)
  if (terminal && process.stdin.isTTY && process.stderr.isTTY) return askTerminal(request)
  throw missing(request)
}

/** As {@link readSecret} for the one source `file`. */
export async function readSecretFile(
  file: string,
  request: Pick<SecretRequest, 'label' | 'flag' | 'warn'>,
): Promise<string> {
  const source = sourceName(file)
  if (file !== '-') warnIfShared(file, request.warn)
  const bytes = await readInputFile(file, { maxBytes: MAX_BYTES, flag: request.flag })
  return checked(decode(bytes, source).replace(/\r?\n$/, ''), `the ${request.label} in ${source}`)
}

function missing({ label, flag, variable }: SecretRequest): XmppkiError {
  const environment = variable === undefined ? '' : `, set ${variable}`
  return new XmppkiError('PASSPHRASE', `the ${label} is needed and there is no terminal to ask for it`, {
    hint: `give ${flag} FILE (- for standard input)${environment}, or run it on a terminal`,
  })
}

async function askTerminal(request: SecretRequest): Promise<string> {
  const { label, confirm } = request
  const first = checked(await askHidden(`${label}: `, process.stdin, process.stderr), `the ${label}`)
  if (!confirm) return first
  const second = await askHidden(`${label}, once more: `, process.stdin, process.stderr)
  if (first === second) return first
  const [kind = ''] = label.split(' ')
  throw new XmppkiError('PASSPHRASE', `the two ${kind}s differ`, {
    hint: 'nothing was changed; try again',
  })
}

function checked(secret: string, what: string): string {
  if (secret.trim() === '') throw new XmppkiError('PASSPHRASE', `${what} is blank`)
  if (secret.includes('\0')) throw new XmppkiError('BAD_INPUT', `${what} contains a NUL character`)
  if (/[\r\n]/.test(secret)) throw new XmppkiError('BAD_INPUT', `${what} has more than one line`)
  return secret
}

/** Pipes and the like (`<(pass show ca)`) have modes that mean nothing. */
function warnIfShared(file: string, warn: (text: string) => void): void {
  const status = statSync(file, { throwIfNoEntry: false })
  if (status?.isFile() && (status.mode & 0o077) !== 0) warn(`${file} can be read by others; run: chmod 600 '${file}'`)
}

function decode(bytes: Buffer, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new XmppkiError('BAD_INPUT', `${source} is not UTF-8 text`)
  }
}
