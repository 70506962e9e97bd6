/** A TLS handshake that came to nothing. */
export interface FailedHandshake {
  /** Name of the listener. */
  readonly listener: string
  /** Address and port of the peer. */
  readonly remote: string
  /** As Node.js names it, `ERR_SSL_NO_SHARED_CIPHER` for example. */
  readonly code: string
  /** Completes a log line. */
  readonly reason: string
}

/** What OpenSSL and Node.js tell about an error. */
interface TlsError extends Error {
  readonly code?: string
  readonly library?: string
  readonly reason?: string
}

/** The peer has gone without saying why. */
const GONE = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT'])

/** The part of OpenSSL that tells about the protocol; the others are about certificates, keys and signatures. */
const PROTOCOL = 'SSL routines'

/** Undefined when there is nothing to say about it: somebody has hung up. */
export function failureOf(error: TlsError): Pick<FailedHandshake, 'code' | 'reason'> | undefined {
  const { code = 'unknown', library = PROTOCOL, reason = error.message } = error
  if (GONE.has(code)) return undefined
  return library === PROTOCOL
    ? { code, reason }
    : { code, reason: `a certificate or a signature of the client is wrong: ${reason}` }
}
