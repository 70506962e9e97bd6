import { fileURLToPath } from 'node:url'
import { LineProcess } from '../line-process.ts'
import type { ClientFiles } from '../service.ts'

const SCRIPT = fileURLToPath(new URL('./slixmpp-client.py', import.meta.url))

export interface SlixmppOptions {
  readonly jid: string
  /** Nothing: a client without a certificate. */
  readonly files?: Pick<ClientFiles, 'certificate' | 'key'>
  readonly directTls?: boolean
  /** Not beyond TLS 1.2. */
  readonly tls12?: boolean
  readonly password?: string
  /** What it verifies the server with; default: the CA of the service. */
  readonly ca?: string
}

/** The server that it connects to. */
export interface SlixmppServer {
  readonly port: number
  readonly tlsPort: number
  /** PEM file of the CA that it is verified with. */
  readonly rootCertificate: string
}

/** A slixmpp client; Debian's Python, because only that sees Debian's slixmpp. */
export function slixmpp(server: SlixmppServer, options: SlixmppOptions): LineProcess {
  const { jid, files, directTls = false, tls12 = false, password, ca } = options
  const port = directTls ? server.tlsPort : server.port
  const args = ['--jid', jid, '--port', String(port), '--ca', ca ?? server.rootCertificate]
  if (files !== undefined) args.push('--cert', files.certificate, '--key', files.key)
  if (directTls) args.push('--direct-tls')
  if (tls12) args.push('--tls12')
  const secret = password === undefined ? {} : { SLIXMPP_PASSWORD: password }
  return new LineProcess('/usr/bin/python3', [SCRIPT, ...args], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', LC_ALL: 'C.UTF-8', ...secret },
  })
}
