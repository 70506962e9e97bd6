import { createHash } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { Memo } from '../../memo.ts'
import { contextTag, readSingle, TAG } from '../../pki/der/der.ts'
import type { CertificateLimits } from '../limits.ts'
import type { OversizedCertificate, PresentedCertificate } from './transport.ts'

/** Bytes of a handshake that are not certificates, at most: key shares after quantum computers and a long signature. */
const HANDSHAKE_BYTES = 8 * 1024

/** Chains that are remembered for resumed sessions, and bytes of one: strangers may send others. */
const MAX_REMEMBERED = 1_000
const MAX_REMEMBERED_BYTES = 16 * 1024

type Chain = readonly Uint8Array[]

/** OpenSSL's SSL_SESSION has the certificate of the peer as `[3] EXPLICIT`. */
const SESSION_PEER = contextTag(3, 'constructed')

/**
 * The certificate of the peer itself. `getPeerX509Certificate` loses the memory of everything that was sent along, and
 * `getPeerCertificate` prints all names, which takes milliseconds for somebody who has sent many.
 */
function leafOf(socket: TLSSocket): Uint8Array | undefined {
  const session: Buffer | null | undefined = socket.getSession()
  // Null when the connection is gone already.
  if (session === undefined || session === null) return undefined
  try {
    const fields = readSingle(session, TAG.sequence).reader()
    while (!fields.done) {
      const field = fields.next()
      // Copied, because the session has the master secret in it.
      if (field.tag === SESSION_PEER) return new Uint8Array(field.content)
    }
    return undefined
  } finally {
    session.fill(0)
  }
}

/** What OpenSSL finds about a certificate that nothing of what was sent along has issued. */
const ALONE = new Set(['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'DEPTH_ZERO_SELF_SIGNED_CERT'])

/** Whether OpenSSL has found nothing that leads up from the certificate, and so has verified no signature either. */
export function comesAlone({ authorizationError }: TLSSocket): boolean {
  return ALONE.has(String(authorizationError))
}

/** What leads up from the leaf, as far as the limits go. */
function chainOf(socket: TLSSocket, { chainBytes, chainLength }: CertificateLimits): Chain {
  const chain: Uint8Array[] = []
  // Node.js prints every name of every certificate that it is asked about.
  if (comesAlone(socket)) return chain
  let certificate: DetailedPeerCertificate | null = socket.getPeerCertificate(true)
  // The connection is gone already.
  if (certificate === null) return chain
  let bytes = certificate.raw.length
  // A self-signed certificate is its own issuer.
  while (certificate.issuerCertificate !== undefined && certificate.issuerCertificate !== certificate) {
    certificate = certificate.issuerCertificate
    bytes += certificate.raw.length
    if (chain.length === chainLength || bytes > chainBytes) break
    chain.push(new Uint8Array(certificate.raw))
  }
  return chain
}

/** Reads what clients present to a listener. */
export class PeerCertificates {
  readonly #limits: CertificateLimits
  /** By the leaf: a resumed session brings back nothing else. */
  readonly #remembered: Memo<Chain> | undefined

  /** @param resumes whether sessions are resumed here */
  constructor(limits: CertificateLimits, resumes: boolean) {
    this.#limits = limits
    this.#remembered = resumes ? new Memo(MAX_REMEMBERED) : undefined
  }

  /** @param received bytes that the client has sent in the handshake: its certificates cannot be more */
  of(socket: TLSSocket, received: number): PresentedCertificate | OversizedCertificate | undefined {
    const { bytes, chainBytes } = this.#limits
    const leaf = leafOf(socket)
    if (leaf === undefined) return undefined
    if (leaf.length > bytes) return { tooLarge: `it has ${leaf.length} bytes, more than ${bytes}` }
    if (received > chainBytes + HANDSHAKE_BYTES) {
      return { tooLarge: `with what was sent along it has more than ${chainBytes} bytes` }
    }
    let chain: Chain | undefined
    const sent = () => {
      chain ??= this.#chain(socket, leaf)
      return chain
    }
    return { leaf, sent }
  }

  #chain(socket: TLSSocket, leaf: Uint8Array): Chain {
    if (this.#remembered === undefined) return chainOf(socket, this.#limits)
    const key = createHash('sha256').update(leaf).digest('base64')
    if (socket.isSessionReused()) return this.#remembered.get(key) ?? []
    const chain = chainOf(socket, this.#limits)
    const bytes = chain.reduce((sum, { length }) => sum + length, 0)
    if (chain.length > 0 && bytes <= MAX_REMEMBERED_BYTES) this.#remembered.keep(key, chain)
    return chain
  }
}
