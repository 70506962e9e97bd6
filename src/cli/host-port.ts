import { isIP } from 'node:net'
import { XmppkiError } from '../errors.ts'

export interface HostPort {
  readonly host: string
  /** Undefined when none was given. */
  readonly port: number | undefined
}

/** `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`, or an IPv6 address by itself. @throws {XmppkiError} BAD_INPUT */
export function parseHostPort(text: string): HostPort {
  const bracketed = /^\[([0-9a-f:.]+)\](?::([0-9]{1,5}))?$/i.exec(text)
  const plain = /^([^\s:/@[\]]+)(?::([0-9]{1,5}))?$/.exec(text)
  const [, host, digits] = isIP(text) === 6 ? [text, text] : (bracketed ?? plain ?? [])
  const port = digits === undefined ? undefined : Number(digits)
  if (
    host !== undefined &&
    (bracketed === null || isIP(host) === 6) &&
    (port === undefined || (port > 0 && port <= 65_535))
  )
    return { host, port }
  throw new XmppkiError('BAD_INPUT', `'${text}' is not a host and port`, {
    hint: 'write example.org, example.org:5222 or [::1]:5222',
  })
}
