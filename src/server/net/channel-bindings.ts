import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { endPointHash } from '../../pki/keys/signature.ts'
import { type ChannelBindings, UNANNOUNCED_BINDING } from '../../xmpp/sasl/scram.ts'

/** RFC 9266 §3: no context, and 32 bytes. */
const EXPORTER_LABEL = 'EXPORTER-Channel-Binding'
const EXPORTER_BYTES = 32

/** Undefined, too, for one that OpenSSL can read and we cannot. */
function hashOf(certificate: Uint8Array): string | undefined {
  try {
    return endPointHash(certificate)
  } catch {
    return undefined
  }
}

/**
 * `tls-server-end-point` (RFC 5929 §4): the certificate that was sent on this connection, which may be one of several.
 * An Ed25519 signature has no hash of its own, and then this type is not defined.
 */
function endPoint(socket: TLSSocket): (() => Uint8Array) | undefined {
  const certificate = socket.getX509Certificate()?.raw
  const hash = certificate && hashOf(certificate)
  if (certificate === undefined || hash === undefined) return undefined
  return () => createHash(hash).update(certificate).digest()
}

/**
 * What a login over this connection can be tied to, best first.
 * `tls-exporter` is for TLS 1.3: before it, it would need the extended master secret (RFC 9266 §4.2), and Node.js does not
 * tell whether that was negotiated.
 * `tls-unique` (RFC 5929 §3) is there for clients that know no other and take it wherever they see -PLUS, with TLS 1.3
 * as well: the Finished message of the client. It is safe where no session is resumed.
 */
export function channelBindingsOf(socket: TLSSocket): ChannelBindings {
  const bindings = new Map<string, () => Uint8Array>()
  if (socket.getProtocol() === 'TLSv1.3') {
    bindings.set('tls-exporter', () => socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0)))
  }
  const certificate = endPoint(socket)
  if (certificate !== undefined) bindings.set('tls-server-end-point', certificate)
  const unique = socket.isSessionReused() ? undefined : socket.getPeerFinished()
  if (bindings.size > 0 && unique !== undefined) bindings.set(UNANNOUNCED_BINDING, () => unique)
  return bindings
}
