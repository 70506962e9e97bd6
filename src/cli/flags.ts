import { resolve } from 'node:path'
import { Flags } from '@oclif/core'
import { XmppkiError } from '../errors.ts'
import { KEY_TYPES, type KeyAlgorithm, parseKeyType } from '../pki/keys/algorithms.ts'
import { type Period, parsePeriod } from '../workspace/base/period.ts'
import { JidError, prepareDomain } from '../xmpp/address/jid.ts'

/** A hundred years; more is a slip of the finger. */
const MAX_DAYS = 36_525

const DEVICE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/

/** A number of days. @param what how it is called in the message @throws {XmppkiError} BAD_INPUT */
export function parseDays(text: string, what = '--days'): number {
  const days = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (days >= 1 && days <= MAX_DAYS) return days
  throw new XmppkiError('BAD_INPUT', `${what} must be a whole number from 1 to ${MAX_DAYS}, not '${text}'`)
}

/** A domainpart, prepared. @throws {XmppkiError} BAD_NAME */
export function parseDomain(text: string): string {
  try {
    return prepareDomain(text)
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    throw new XmppkiError('BAD_NAME', `'${text}' is not a domain: ${error.reason}`, {
      spec: 'RFC 7622 §3.2',
      cause: error,
    })
  }
}

/** The label of a device, in lower case. @throws {XmppkiError} BAD_NAME */
export function parseDevice(text: string): string {
  // Some file systems do not tell `Phone` from `phone`.
  if (DEVICE.test(text)) return text.toLowerCase()
  throw new XmppkiError('BAD_NAME', `'${text}' cannot be the label of a device`, {
    hint: 'use up to 32 letters, digits, dots, hyphens and underscores of ASCII, a letter or digit first',
  })
}

export const daysFlag = Flags.custom<number>({
  helpValue: 'DAYS',
  parse: async (text) => parseDays(text),
})

/** How long a CRL is good that is written by the way. */
export const crlDaysFlag = Flags.custom<number>({
  helpValue: 'DAYS',
  default: 30,
  env: 'XMPPKI_CRL_DAYS',
  parse: async (text) => parseDays(text, '--crl-days'),
})

export const domainFlag = Flags.custom<string>({
  helpValue: 'DOMAIN',
  parse: async (text) => parseDomain(text),
})

/** For commands that take names of users. */
export const namesDomainFlag = domainFlag({
  summary: 'domain of names without one (default: that of the workspace)',
  env: 'XMPPKI_DOMAIN',
})

export const deviceFlag = Flags.custom<string>({
  helpValue: 'LABEL',
  parse: async (text) => parseDevice(text),
})

/** What is due for renewal. */
export const expiresInFlag = Flags.custom<Period>({
  summary: 'only what ends within this time: 30d, 12h, 2w, or a part of its validity: 25%',
  helpValue: 'PERIOD',
  env: 'XMPPKI_EXPIRES_IN',
  parse: async (text) => parsePeriod(text),
})

/** A TCP port; 0 lets the system choose. @throws {XmppkiError} BAD_INPUT */
export function parsePort(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new XmppkiError('BAD_INPUT', `a port is a number from 0 to 65535, not '${text}'`)
}

export const portFlag = Flags.custom<number>({
  helpValue: 'PORT',
  parse: async (text) => parsePort(text),
})

/**
 * A path, made absolute. `-` is refused: what is meant to go through a pipe would end in a file of this name, and the
 * pipe would get what is said about it.
 * @throws {XmppkiError} BAD_INPUT
 */
export function parsePath(text: string): string {
  if (text === '') throw new XmppkiError('BAD_INPUT', 'the name of a file or folder is empty')
  if (text !== '-') return resolve(text)
  throw new XmppkiError('BAD_INPUT', "'-' is not a file: standard input and output cannot be used here", {
    hint: 'name a file; one that is really called so is ./-',
  })
}

export const pathFlag = Flags.custom<string>({
  helpValue: 'PATH',
  parse: async (text) => parsePath(text),
})

/** A file that holds a secret; `-` is standard input. */
export const secretFileFlag = Flags.custom<string>({
  helpValue: 'FILE',
  parse: async (text) => (text === '-' ? text : resolve(text)),
})

/** The type of a new key. */
export const keyTypeFlag = Flags.custom<KeyAlgorithm>({
  summary: `type of the new key: ${KEY_TYPES.join(', ')}`,
  helpValue: 'TYPE',
  env: 'XMPPKI_KEY_TYPE',
  parse: async (text) => parseKeyType(text),
})

/** Where the passphrase of the CA key comes from. */
export const caPassphraseFileFlag = secretFileFlag({
  summary: 'file with the passphrase of the CA key; - reads standard input',
  description:
    'Without it the passphrase is taken from the environment variable XMPPKI_CA_PASSPHRASE, ' +
    'else asked for on the terminal. It is never taken from the command line.',
  env: 'XMPPKI_CA_PASSPHRASE_FILE',
})
