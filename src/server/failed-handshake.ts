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

/** How OpenSSL words a signature that does not fit, whatever its algorithm. */
const WRONG_SIGNATURE = /item_verify|DigestVerify|padding_check|bad signature/i

/** Undefined when there is nothing to say about it: somebody has hung up. */
export function failureOf({
  code = 'unknown',
  reason,
  message,
}: TlsError): Pick<FailedHandshake, 'code' | 'reason'> | undefined {
  if (GONE.has(code)) return undefined
  const what = reason ?? message
  if (!WRONG_SIGNATURE.test(message)) return { code, reason: what }
  return { code, reason: `a signature of the client, or of a certificate that it has sent, does not fit (${what})` }
}
