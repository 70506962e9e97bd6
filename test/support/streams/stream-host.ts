import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import { Session, type SessionStream } from '../../../src/server/session/session.ts'
import type { Binding } from '../../../src/server/session/session-binding.ts'
import type { StreamHost } from '../../../src/server/stream/stream-host.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { TcpFraming } from '../../../src/xmpp/framing/tcp-framing.ts'
import type { SaslMechanism, SaslOutcome } from '../../../src/xmpp/sasl/mechanism.ts'
import { Negotiation } from '../../../src/xmpp/stream/negotiation.ts'
import type { Login } from '../../../src/xmpp/stream/stream-feature.ts'
import { LogBook } from '../servers/server.ts'

/** Lets in whomever it is told by the client, or alice. */
export const testMechanism: SaslMechanism = {
  name: 'TEST',
  start: (initial): SaslOutcome => {
    const name = Buffer.from(initial ?? []).toString() || 'alice'
    return { kind: 'success', account: parseJid(`${name}@localhost`), credential: { mechanism: 'TEST' } }
  },
}

/** `<auth/>` for {@link testMechanism}. */
export function testAuth(name = ''): string {
  const initial = name === '' ? '=' : Buffer.from(name).toString('base64')
  return `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='TEST'>${initial}</auth>`
}

/** A session of whoever has logged in, with the resource `r`. */
export function bindingOf({ account, credential }: Login, stream: SessionStream): Binding {
  const common = { agent: undefined, now: new Date(), leaving: [], outboundOctets: 1_000, onFailure: () => undefined }
  return { session: new Session({ jid: account.withResource('r'), credential, stream, ...common }), results: [] }
}

/** A server for one stream that lets everybody do everything, and does nothing. */
export function testHost(given: Partial<StreamHost> = {}): StreamHost {
  return {
    listener: 'a listener',
    disconnectOnFailure: false,
    startTls: 'required',
    defaultDomain: 'localhost',
    isEnabled: (name) => name === 'TEST',
    limits: DEFAULT_LIMITS,
    log: new LogBook(),
    serves: () => true,
    mechanisms: () => [testMechanism],
    registrar: () => undefined,
    negotiation: new Negotiation(),
    bindInline: [],
    framing: (events, limits) => new TcpFraming(events, limits),
    loggedIn: () => undefined,
    bind: (login, _, stream) => bindingOf(login, stream),
    opened: () => undefined,
    abandoned: () => undefined,
    router: { take: () => undefined },
    left: () => undefined,
    closed: () => undefined,
    ...given,
  }
}
