import type { X509Certificate } from 'node:crypto'
import { type ConnectionOptions, DEFAULT_CIPHERS, type TLSSocket } from 'node:tls'
import { XmppkiError } from '../errors.ts'
import { NS } from '../xmpp/namespaces.ts'
import type { Element } from '../xmpp/xml/element.ts'
import { childElements, childNamed, localNameOf, serialize, textOf, xml } from '../xmpp/xml/element.ts'
import { acceptableAuthorities, Tap } from './certificate-request.ts'
import { ClientStream, failed, type StreamTarget } from './probe-stream.ts'

/** What a client proves itself with. */
export interface ClientIdentity {
  /** PEM, not encrypted. */
  readonly key: string
  /** PEM of the certificate, then of intermediate CAs. */
  readonly chain: string
}

/** What was said before TLS. */
export interface ClearFacts {
  readonly startTls: 'required' | 'offered' | 'missing'
  readonly mechanisms: readonly string[]
}

export interface TlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string
  readonly cipher: string
  /** RFC 7301; undefined when none was agreed upon. */
  readonly alpn: string | undefined
  /** DER, the server's own certificate first. */
  readonly chain: readonly Uint8Array[]
  /** Why no public CA vouches for the server, as OpenSSL's code; undefined when one does. Names are not looked at. */
  readonly publicDistrust: string | undefined
  /** Whether the server sent a CertificateRequest. */
  readonly asksForCertificate: boolean
}

/** The SASL mechanisms of a stream after TLS. */
export interface Offer {
  /** RFC 6120 §6 */
  readonly sasl: readonly string[]
  /** XEP-0388; undefined when the server does not know it. */
  readonly sasl2: readonly string[] | undefined
}

export type LoginOutcome =
  | { readonly ok: true /** Full JID; undefined when nothing was to be bound. */; readonly jid: string | undefined }
  | { readonly ok: false; readonly reason: string }

/** How far a visit came, and what was seen on the way. */
export interface Visit {
  readonly connected: boolean
  /** Undefined with direct TLS. */
  readonly clear?: ClearFacts
  readonly tls?: TlsFacts
  readonly offer?: Offer
  readonly login?: LoginOutcome
  /** What ended it before its time, in words. */
  readonly failure?: string
}

export interface VisitRequest extends StreamTarget {
  readonly identity?: ClientIdentity
  /** What is tried with EXTERNAL, where it is offered (default: nothing). */
  readonly login?: 'authenticate' | 'bind'
}

/** What is too weak for the OpenSSL in Node may still be presented: the server is to judge it. */
const EVERY_STRENGTH = `${DEFAULT_CIPHERS}:@SECLEVEL=0`

type Progress = { -readonly [K in keyof Visit]: Visit[K] }

/**
 * Goes through the first steps of a client and notes what the server does. It trusts every server certificate, because
 * it says nothing that is secret and judging it is the purpose. Never throws what the server did: that is in the result.
 */
export async function visit(request: VisitRequest): Promise<Visit> {
  const progress: Progress = { connected: false }
  let stream: ClientStream | undefined
  try {
    stream = await ClientStream.connect(request)
    progress.connected = true
    if (request.mode === 'starttls') await requestTls(stream, progress)
    progress.tls = factsOf(await stream.secure(tlsOptions(request.identity)))
    progress.offer = offerOf(await stream.open())
    const isOffered = progress.offer.sasl.includes('EXTERNAL')
    if (request.login !== undefined && isOffered) progress.login = await logIn(stream, request.login)
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    progress.failure = error.message
  } finally {
    stream?.close()
  }
  return progress
}

/**
 * The CAs that a server names when it asks for a certificate, as DER of their names; an empty list is "any". Undefined
 * when that cannot be seen: the server does not ask, or insists on TLS 1.3, which encrypts it.
 */
export async function visitForAuthorities(target: StreamTarget): Promise<readonly Uint8Array[] | undefined> {
  let tap: Tap | undefined
  let stream: ClientStream | undefined
  try {
    stream = await ClientStream.connect(target)
    if (target.mode === 'starttls') await requestTls(stream, { connected: true })
    await stream.secure({ ...tlsOptions(undefined), maxVersion: 'TLSv1.2' }, (socket) => {
      tap = new Tap(socket)
      return tap
    })
  } catch (error) {
    // A server that insists on a certificate has asked for it by then.
    if (!(error instanceof XmppkiError)) throw error
  } finally {
    stream?.close()
  }
  return tap && acceptableAuthorities(tap.seen)
}

async function requestTls(stream: ClientStream, progress: Progress): Promise<void> {
  const features = await stream.open()
  const startTls = childNamed(features, 'starttls', NS.tls)
  const isRequired = startTls && childNamed(startTls, 'required', NS.tls)
  const mechanisms = mechanismsOf(childNamed(features, 'mechanisms', NS.sasl))
  progress.clear = {
    startTls: startTls === undefined ? 'missing' : isRequired === undefined ? 'offered' : 'required',
    mechanisms,
  }
  if (startTls === undefined) throw failed('the server does not offer STARTTLS')
  const answer = await stream.ask(xml('starttls', { xmlns: NS.tls }))
  if (localNameOf(answer) !== 'proceed') throw failed(`the server refused STARTTLS: ${serialize(answer)}`)
}

function tlsOptions(identity: ClientIdentity | undefined): ConnectionOptions {
  return {
    rejectUnauthorized: false,
    // The name is judged by the rules of XMPP, which has more kinds of names than the web.
    checkServerIdentity: () => undefined,
    ...(identity === undefined ? {} : { key: identity.key, cert: identity.chain, ciphers: EVERY_STRENGTH }),
  }
}

function factsOf(socket: TLSSocket): TlsFacts {
  const chain: Uint8Array[] = []
  let certificate: X509Certificate | undefined = socket.getPeerX509Certificate()
  for (; certificate !== undefined; certificate = certificate.issuerCertificate) chain.push(certificate.raw)
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    alpn: socket.alpnProtocol || undefined,
    chain,
    publicDistrust: socket.authorized ? undefined : String(socket.authorizationError),
    // A client shares signature algorithms with a server only when that asks for a signature: they come with its
    // CertificateRequest (RFC 5246 §7.4.4, RFC 8446 §4.3.2).
    asksForCertificate: socket.getSharedSigalgs().length > 0,
  }
}

function mechanismsOf(list: Element | undefined): string[] {
  const isMechanism = (child: Element) => localNameOf(child) === 'mechanism'
  return list === undefined ? [] : childElements(list).filter(isMechanism).map(textOf)
}

function offerOf(features: Element): Offer {
  const authentication = childNamed(features, 'authentication', NS.sasl2)
  return {
    sasl: mechanismsOf(childNamed(features, 'mechanisms', NS.sasl)),
    sasl2: authentication && mechanismsOf(authentication),
  }
}

async function logIn(stream: ClientStream, how: 'authenticate' | 'bind'): Promise<LoginOutcome> {
  // RFC 6120 §6.4.2: a lone "=" leaves the choice of the account to the certificate.
  const answer = await stream.ask(xml('auth', { xmlns: NS.sasl, mechanism: 'EXTERNAL' }, '='))
  if (localNameOf(answer) !== 'success') return { ok: false, reason: refusalIn(answer) }
  if (how === 'authenticate') return { ok: true, jid: undefined }
  await stream.open()
  const bound = await stream.ask(xml('iq', { type: 'set', id: 'bind' }, xml('bind', { xmlns: NS.bind })))
  const bind = childNamed(bound, 'bind', NS.bind)
  const jid = bind && childNamed(bind, 'jid', NS.bind)
  if (jid !== undefined) return { ok: true, jid: textOf(jid) }
  return { ok: false, reason: `it did not bind a resource: ${serialize(bound)}` }
}

/** `not-authorized (Certificate expired)` */
function refusalIn(answer: Element): string {
  const condition = childElements(answer).find((child) => localNameOf(child) !== 'text')
  const text = childElements(answer).find((child) => localNameOf(child) === 'text')
  if (localNameOf(answer) !== 'failure' || condition === undefined) return serialize(answer)
  return text === undefined ? localNameOf(condition) : `${localNameOf(condition)} (${textOf(text)})`
}
