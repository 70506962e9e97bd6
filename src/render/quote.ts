import { XmppkiError } from '../errors.ts'
import type { ServerCertificateFiles } from '../workspace/servers/server-certificate-files.ts'

/** Each format would write them in another way, or not at all. */
const CONTROL = /\p{Cc}/u

function checked(text: string): string {
  if (!CONTROL.test(text)) return text
  throw new XmppkiError('BAD_INPUT', `${JSON.stringify(text)} has a control character: no configuration can hold it`, {
    hint: 'use another folder with --home',
  })
}

/** A string as TOML, Erlang, YAML and Lua have it alike. @throws {XmppkiError} BAD_INPUT */
export function quoted(text: string): string {
  return JSON.stringify(checked(text))
}

/** A list of strings, without brackets. @throws {XmppkiError} BAD_INPUT */
export function quotedList(texts: readonly string[]): string {
  return texts.map(quoted).join(', ')
}

/** The files that every server needs, as those formats have them. @throws {XmppkiError} BAD_INPUT */
export function quotedFiles({ domain, chain, key, ca }: ServerCertificateFiles) {
  return { domain: quoted(domain), chain: quoted(chain), key: quoted(key), ca: quoted(ca) }
}

/** One word of `ExecStart=`: `%` and `$` stand for themselves (systemd.service(5), COMMAND LINES). @throws {XmppkiError} BAD_INPUT */
export function systemdWord(text: string): string {
  const escaped = checked(text).replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : JSON.stringify(escaped)
}

/** One word of a line for the shell. @throws {XmppkiError} BAD_INPUT */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./~-]+$/.test(checked(text)) && !text.startsWith('~') ? text : `'${text.replaceAll("'", "'\\''")}'`
}
