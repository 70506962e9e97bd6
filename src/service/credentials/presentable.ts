import { createSecureContext } from 'node:tls'
import { XmppkiError } from '../../errors.ts'
import { decodePemAll } from '../../pki/der/pem.ts'
import { DEFAULT_MIN_RSA_BITS } from '../../pki/keys/key-strength.ts'
import { readCertificate } from '../../pki/x509/certificate.ts'
import { type RawCertificate, readRawCertificate } from '../../pki/x509/certificate-der.ts'
import type { DomainCredentials } from '../../server/net/listener.ts'
import { checkStrength } from '../../trust/strength.ts'
import { usableCiphers } from './ciphers.ts'

/** Where key and chain of a domain come from, and what to do about them. */
export interface CredentialPlace {
  readonly certfile: string
  readonly keyfile: string
  /** Ciphers of the listener: with `@SECLEVEL` they say how strong certificates must be. */
  readonly ciphers: string | undefined
  /** How to get a better certificate. */
  readonly hint: string
}

function isSelfIssued({ issuer, subject }: RawCertificate): boolean {
  return Buffer.compare(issuer.raw, subject.raw) === 0
}

/** What is weak in the chain, each in words that begin with the certificate. */
function weaknesses(chain: string, certfile: string): string[] {
  return decodePemAll(chain, 'CERTIFICATE', certfile).flatMap((der, place) => {
    const raw = readRawCertificate(der)
    const options = { minRsaBits: DEFAULT_MIN_RSA_BITS, isAnchor: place > 0 && isSelfIssued(raw) }
    const reason = checkStrength(raw, options)?.reason
    if (reason === undefined) return []
    const what = place === 0 ? 'the certificate' : `the certificate of the CA ${readCertificate(der, certfile).subject}`
    return [`${what} in ${certfile} ${reason.startsWith('signed') ? 'is' : 'has'} ${reason}`]
  })
}

/** The last part of what OpenSSL says: `error:0A00018E:SSL routines::ca md too weak`. */
function opensslReason(error: Error): string {
  return error.message.split(':').at(-1) ?? error.message
}

/**
 * Whether a TLS server can present this key and chain, so that it is said before the server starts.
 * @param warn told of what clients may refuse although the OpenSSL in Node does not
 * @throws {XmppkiError} BAD_INPUT; the message names file and reason
 */
export function assertPresentable(
  { key, chain }: Pick<DomainCredentials, 'key' | 'chain'>,
  { certfile, keyfile, ciphers, hint }: CredentialPlace,
  warn: (text: string) => void,
): void {
  const weak = weaknesses(chain, certfile)
  try {
    createSecureContext({ key, cert: chain, ciphers: usableCiphers(ciphers) })
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    if ('code' in cause && cause.code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') {
      throw new XmppkiError('BAD_INPUT', `the key in ${keyfile} is not that of the certificate in ${certfile}`, {
        hint,
        cause,
      })
    }
    const why = weak[0] ?? `TLS cannot use the certificate in ${certfile} with its key: ${opensslReason(cause)}`
    throw new XmppkiError('BAD_INPUT', why, { hint, cause })
  }
  for (const text of weak) warn(`${text}: clients may refuse it`)
}
