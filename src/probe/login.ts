import { createSecureContext, type SecureContext } from 'node:tls'
import { NS } from '../xmpp/namespaces.ts'
import { childNamed, serialize, textOf, xml } from '../xmpp/xml/element.ts'
import { ClientStream, failed } from './probe-stream.ts'

/** Where and as whom to log in, with the files that a user would be given. */
export interface LoginRequest {
  readonly host: string
  readonly port: number
  readonly mode: 'starttls' | 'tls'
  /** Also what the server certificate must be for. */
  readonly domain: string
  /** PKCS#12 and its password. */
  readonly bundle: { readonly data: Uint8Array; readonly password: string }
  /** PEM of the CA that the server certificate must come from. */
  readonly ca: string
}

/** What a login looked like from the client's side. */
export interface LoginReport {
  readonly jid: string
  /** `TLSv1.3` */
  readonly tls: string
  readonly milliseconds: number
}

function openBundle({ data, password }: LoginRequest['bundle'], ca: string): SecureContext {
  try {
    return createSecureContext({ pfx: Buffer.from(data), passphrase: password, ca })
  } catch (error) {
    throw failed('the PKCS#12 bundle cannot be opened with its password', error)
  }
}

async function startTls(stream: ClientStream): Promise<void> {
  await stream.open()
  const answer = await stream.ask(xml('starttls', { xmlns: NS.tls }))
  if (answer.name !== 'proceed') throw failed(`the server refused STARTTLS: ${serialize(answer)}`)
}

/**
 * A small XMPP client: logs in with a certificate, sends and receives messages. It verifies the server's
 * certificate as a user's client would. Errors: `PROOF_FAILED`, naming the step.
 */
export class LoginProbe {
  readonly report: LoginReport
  readonly #stream: ClientStream

  private constructor(stream: ClientStream, report: LoginReport) {
    this.#stream = stream
    this.report = report
  }

  static async login(request: LoginRequest): Promise<LoginProbe> {
    const began = process.hrtime.bigint()
    const secureContext = openBundle(request.bundle, request.ca)
    const stream = await ClientStream.connect(request)
    try {
      if (request.mode === 'starttls') await startTls(stream)
      await stream.secure({ secureContext })
      const offered = await stream.open()
      const sasl = childNamed(offered, 'mechanisms', NS.sasl)
      const names = (sasl?.children ?? []).filter((child) => typeof child !== 'string').map(textOf)
      if (!names.includes('EXTERNAL')) throw failed(`the server does not offer EXTERNAL, only [${names.join(', ')}]`)
      // RFC 6120 §6.4.2: a lone "=" leaves the choice of the account to the certificate.
      const answer = await stream.ask(xml('auth', { xmlns: NS.sasl, mechanism: 'EXTERNAL' }, '='))
      if (answer.name !== 'success') throw failed(`the server refused the certificate: ${serialize(answer)}`)
      await stream.open()
      const bound = await stream.ask(xml('iq', { type: 'set', id: 'bind' }, xml('bind', { xmlns: NS.bind })))
      const bind = childNamed(bound, 'bind', NS.bind)
      const jid = bind && childNamed(bind, 'jid', NS.bind)
      if (jid === undefined) throw failed(`the server did not bind a resource: ${serialize(bound)}`)
      const milliseconds = Number(process.hrtime.bigint() - began) / 1e6
      return new LoginProbe(stream, { jid: textOf(jid), tls: stream.protocol, milliseconds })
    } catch (error) {
      stream.close()
      throw error
    }
  }

  /** Sends available presence and waits until the server has it. */
  async announce(): Promise<void> {
    await this.#stream.ask(xml('presence'))
  }

  send(to: string, body: string): void {
    this.#stream.send(xml('message', { to, type: 'chat' }, xml('body', {}, body)))
  }

  /** The next message: its sender and its text. */
  async receive(): Promise<{ from: string; body: string }> {
    for (;;) {
      const stanza = await this.#stream.next()
      const body = stanza.name === 'message' ? childNamed(stanza, 'body', NS.client) : undefined
      if (body !== undefined) return { from: stanza.attrs.from ?? '', body: textOf(body) }
    }
  }

  close(): void {
    this.#stream.close()
  }
}
