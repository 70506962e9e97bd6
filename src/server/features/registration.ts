import { tryParseJid } from '../../xmpp/address/jid.ts'
import { NS } from '../../xmpp/namespaces.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import { asksForRemoval, readRegistration, registrationForm } from '../../xmpp/stream/account-registration.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { childElements } from '../../xmpp/xml/element.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { certificateOf } from '../login/credential.ts'
import type { IqHandler, IqReply, IqRequest } from '../routing/iq.ts'
import type { Session } from '../session/session.ts'
import type { Feature } from './feature.ts'

function answer(error: StanzaError | undefined): IqReply {
  return error === undefined ? { type: 'result' } : { type: 'error', error }
}

/**
 * Who may change what the account logs in with. XEP-0257 §7: not a session that has not shown the password, or the thief of
 * a certificate could keep the account when the certificate is revoked. And nobody in the clear (XEP-0077 §3.3).
 */
function objectionTo({ credential, secured }: Session): StanzaError | undefined {
  if (certificateOf(credential) !== undefined) {
    return { condition: 'not-authorized', text: 'log in with the password to do this' }
  }
  return secured ? undefined : { condition: 'not-authorized', text: 'not without TLS' }
}

/** The account is the one that has logged in, at its own domain. */
function isOwnHost({ session, to }: IqRequest): boolean {
  return to.domain === session.account.domain
}

async function remove(service: AccountService, { payload, session }: IqRequest): Promise<IqReply> {
  if (childElements(payload).length > 1) return answer({ condition: 'bad-request', text: '<remove/> stands alone' })
  const { account } = session
  const error = objectionTo(session) ?? (await service.remove(account))
  return error === undefined ? { type: 'result', after: () => service.endSessions(account) } : answer(error)
}

async function change(service: AccountService, payload: Element, session: Session): Promise<IqReply> {
  const wish = readRegistration(payload)
  if (wish === undefined) return answer({ condition: 'bad-request', text: 'username and password are needed' })
  const { username, password } = wish
  const named = tryParseJid(username.includes('@') ? username : `${username}@${session.account.domain}`)
  // One's own, and nobody else's: there are no administrators here.
  if (!named?.equals(session.account)) return answer({ condition: 'not-allowed', text: 'only the own password' })
  return answer(objectionTo(session) ?? (await service.changePassword(session.account, password)))
}

/** XEP-0077 after the login: another password, or no account any more. Accounts are made before it. */
export function registration(service: AccountService): Feature {
  const query = { name: 'query', namespace: NS.register }
  const whenOpen =
    (handle: IqHandler): IqHandler =>
    (request) =>
      service.isOpen && isOwnHost(request) ? handle(request) : answer({ condition: 'service-unavailable' })
  const form = whenOpen(({ session: { account } }) => ({
    type: 'result',
    payload: registrationForm('You may change the password of this account.', account.local),
  }))
  const apply = whenOpen((request) =>
    asksForRemoval(request.payload) ? remove(service, request) : change(service, request.payload, request.session),
  )
  return {
    name: 'registration',
    claims: [{ spec: 'XEP-0077', scope: '2.4' }],
    get disco() {
      return service.isOpen ? { server: [NS.register], account: [NS.register] } : {}
    },
    install(host) {
      for (const to of ['self', 'server'] as const) {
        host.onIq('get', to, query, form)
        host.onIq('set', to, query, apply)
      }
    },
  }
}
