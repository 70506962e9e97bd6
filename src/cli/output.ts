import { XmppkiError } from '../errors.ts'

/** Select Graphic Rendition (ECMA-48 §8.3.117): on, off. */
const SGR = { bold: [1, 22], dim: [2, 22], red: [31, 39], yellow: [33, 39], green: [32, 39] } as const

/** The few styles that the screens use. */
type Style = keyof typeof SGR

interface Sink {
  readonly isTTY?: boolean
}

/** Whether escape sequences may go to this stream (https://no-color.org). */
function isColourful(stream: Sink): boolean {
  const { NO_COLOR, TERM } = process.env
  return stream.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb'
}

/** Not `styleText` of node:util: it looks at standard output, whatever stream the text is for. */
function escaped(style: Style, text: string): string {
  const [on, off] = SGR[style]
  return `\x1b[${on}m${text}\x1b[${off}m`
}

/** The text in a style, where the stream can show it. */
export function styled(style: Style, text: string, stream: Sink = process.stdout): string {
  return isColourful(stream) ? escaped(style, text) : text
}

/** Rows of name and value, the values aligned, every row indented by two. */
export function columns(rows: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
}

/** `2030-12-31`, in UTC as in the certificate. */
export function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}

/** Whose certificate it is, as the ledger has it: of what is lost it may not be known. */
export function holderText(name: string, device = ''): string {
  const known = name === '' ? '(unknown)' : name
  return device === '' ? known : `${known} (${device})`
}

/**
 * A text in which nothing acts on the terminal or hides: names in it may come from files of others. Control characters,
 * line breaks included, and what changes the direction of writing stand there as escapes.
 */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (character) => {
    const number = character.codePointAt(0) ?? 0
    return `\\u${number.toString(16).padStart(4, '0')}`
  })
}

/** An error as it stands on standard error. */
export function errorLines({ message, spec, hint }: XmppkiError): string[] {
  return [
    `${styled('red', 'error:', process.stderr)} ${harmless(message)}`,
    ...(spec === undefined ? [] : [`spec:  ${spec}`]),
    ...(hint === undefined ? [] : [`hint:  ${harmless(hint)}`]),
  ]
}

/**
 * Ends the process when standard output cannot be written: quietly where its reader has gone (`xmppki … | head`), else
 * with an error. What standard error does not take is lost, but what is done goes on.
 */
export function watchOutput(): void {
  // oclif's listener throws, and Node would print a line of the bundle.
  process.stdout.removeAllListeners('error')
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit()
    const error = new XmppkiError('IO', `standard output cannot be written: ${code}`)
    process.stderr.write(`${errorLines(error).join('\n')}\n`)
    process.exit(error.exitCode)
  })
  process.stderr.on('error', () => undefined)
}
