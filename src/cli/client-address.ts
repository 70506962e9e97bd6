import { Flags } from '@oclif/core'
import { XmppkiError } from '../errors.ts'
import type { ServerAddress } from './client-guides.ts'
import { parsePort } from './flags.ts'
import { parseHostPort } from './host-port.ts'

/** Where RFC 6120 §3.2 has clients connect when nothing else is said. */
const XMPP_PORT = 5222

/** A host by itself. @throws {XmppkiError} BAD_INPUT */
function parseHost(text: string): string {
  const { host, port } = parseHostPort(text)
  if (port === undefined) return host
  throw new XmppkiError('BAD_INPUT', `--host is a host alone, not '${text}'`, { hint: 'give the port with --port' })
}

/** @throws {XmppkiError} BAD_INPUT */
function parseClientPort(text: string): number {
  const port = parsePort(text)
  if (port > 0) return port
  throw new XmppkiError('BAD_INPUT', 'nobody can connect to port 0')
}

/** Where clients connect, for settings and sheets. */
export const CLIENT_ADDRESS_FLAGS = {
  host: Flags.custom<string>({ helpValue: 'HOST', parse: async (text) => parseHost(text) })({
    summary: 'host that clients connect to (default: DNS says)',
    env: 'XMPPKI_CLIENT_HOST',
  }),
  port: Flags.custom<number>({ helpValue: 'PORT', parse: async (text) => parseClientPort(text) })({
    summary: 'port that clients connect to, with STARTTLS (default: DNS says)',
    env: 'XMPPKI_CLIENT_PORT',
  }),
}

/** The address that the flags give; one of them brings the other: the domain of the user, or 5222. */
export function addressOf(
  { host, port }: { readonly host: string | undefined; readonly port: number | undefined },
  domain: string,
): ServerAddress | undefined {
  if (host === undefined && port === undefined) return undefined
  return { host: host ?? domain, port: port ?? XMPP_PORT }
}
