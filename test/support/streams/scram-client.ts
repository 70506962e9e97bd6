import { createHash, createHmac, pbkdf2Sync, timingSafeEqual, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { ScramHash } from '../../../src/xmpp/sasl/scram-keys.ts'
import type { RawClient } from './xmpp-client.ts'

const nodeName = (hash: ScramHash) => hash.replace('-', '')

/** RFC 5802 §3, from the other side and with the password. */
export function scramProof(
  hash: ScramHash,
  password: string,
  messages: { readonly bare: string; readonly challenge: string; readonly binding: Uint8Array },
): { readonly final: string; readonly serverFinal: string } {
  const name = nodeName(hash)
  const hmac = (key: Uint8Array, what: string) => createHmac(name, key).update(what).digest()
  const { bare, challenge, binding } = messages
  const [, nonce = '', salt = '', rounds = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge) ?? []
  const bytes = createHash(name).digest().length
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), bytes, name)
  const clientKey = hmac(salted, 'Client Key')
  const withoutProof = `c=${Buffer.from(binding).toString('base64')},r=${nonce}`
  const authMessage = `${bare},${challenge},${withoutProof}`
  const signature = hmac(createHash(name).update(clientKey).digest(), authMessage)
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0))).toString('base64')
  const serverFinal = `v=${hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')}`
  return { final: `${withoutProof},p=${proof}`, serverFinal }
}

/** What the client sees of the connection (RFC 9266, RFC 5929). @param hash that of the signature of the certificate */
export function clientBinding(client: RawClient, type: string, hash = 'sha256'): Uint8Array {
  const socket = client.socket as TLSSocket
  if (type === 'tls-exporter') return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  if (type === 'tls-unique') return socket.getFinished() ?? Buffer.of()
  const { raw } = new X509Certificate(socket.getPeerCertificate().raw)
  return createHash(hash).update(raw).digest()
}

export type Profile = 'SASL' | 'SASL2'

export interface PasswordAttempt {
  readonly profile?: Profile
  readonly mechanism: string
  readonly username?: string
  readonly password?: string
  readonly authzid?: string
  /** Instead of `n`, `y` or what the mechanism says. */
  readonly flag?: string
  /** Type of channel binding; of those with -PLUS. */
  readonly type?: string
  /** What the connection is said to be, instead of what it is. */
  readonly bindingData?: Uint8Array
  /** Hash of the signature of the server's certificate. */
  readonly hash?: string
  /** Put into `<authenticate/>` of SASL2. */
  readonly inline?: string
}

const SASL1 = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
const SASL2 = "xmlns='urn:xmpp:sasl:2'"
const encode = (text: string) => Buffer.from(text).toString('base64')
const ANSWER = /<(success|failure|challenge|stream:error)[^>]*?(?:\/>|>.*?<\/\1>)/s

/** The first element of an attempt, with this initial response. */
export function authElement(profile: Profile, mechanism: string, initial: string, inline = ''): string {
  return profile === 'SASL'
    ? `<auth ${SASL1} mechanism='${mechanism}'>${encode(initial)}</auth>`
    : `<authenticate ${SASL2} mechanism='${mechanism}'><initial-response>${encode(initial)}</initial-response>${inline}</authenticate>`
}

function responseElement(profile: Profile, data: string): string {
  return `<response ${profile === 'SASL' ? SASL1 : SASL2}>${encode(data)}</response>`
}

/** `success`, a SASL condition or a stream error. */
function told(answer: string): string {
  return answer.startsWith('<success') ? 'success' : answer.replace(/^<[^>]*><([\w-]+).*$/s, '$1')
}

async function ask(client: RawClient, element: string): Promise<string> {
  client.send(element)
  return client.receive(ANSWER)
}

function hashOf(mechanism: string): ScramHash {
  return mechanism.replace(/^SCRAM-|-PLUS$/g, '').toLowerCase() as ScramHash
}

/** The first message, without and with its header. */
export function scramFirst(attempt: PasswordAttempt): { readonly header: string; readonly bare: string } {
  const { username = 'alice', authzid, flag, mechanism, type = 'tls-exporter' } = attempt
  const binds = mechanism.endsWith('-PLUS') ? `p=${type}` : 'n'
  const header = `${flag ?? binds},${authzid === undefined ? '' : `a=${authzid}`},`
  return { header, bare: `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=clientnonce` }
}

/** One attempt on an open stream; what the server proves in turn is checked. */
export async function attemptPassword(client: RawClient, attempt: PasswordAttempt): Promise<string> {
  const { profile = 'SASL', mechanism, password = 'open sesame', inline } = attempt
  if (mechanism === 'PLAIN') {
    const message = `${attempt.authzid ?? ''}\0${attempt.username ?? 'alice'}\0${password}`
    return told(await ask(client, authElement(profile, mechanism, message, inline)))
  }
  const { header, bare } = scramFirst(attempt)
  const first = await ask(client, authElement(profile, mechanism, header + bare, inline))
  if (!first.startsWith('<challenge')) return told(first)
  const challenge = Buffer.from(first.replace(/^<[^>]*>|<.*$/g, ''), 'base64').toString()
  const bound =
    attempt.bindingData ??
    (header.startsWith('p=') ? clientBinding(client, attempt.type ?? 'tls-exporter', attempt.hash) : [])
  const binding = Buffer.concat([Buffer.from(header), Buffer.from(bound)])
  const { final, serverFinal } = scramProof(hashOf(mechanism), password, { bare, challenge, binding })
  const last = await ask(client, responseElement(profile, final))
  if (!last.startsWith('<success')) return told(last)
  const proof = /<additional-data>(.*?)</.exec(last)?.[1] ?? last.replace(/^<[^>]*>|<.*$/g, '')
  return timingSafeEqual(Buffer.from(proof, 'base64'), Buffer.from(serverFinal))
    ? 'success'
    : 'a wrong server signature'
}
