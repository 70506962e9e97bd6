import { NS } from '../namespaces.ts'
import { errorReply, resultReply, type StanzaError } from '../stanza.ts'
import { childElements, childNamed, type Element, namespaceOf, textOf, xml } from '../xml/element.ts'
import { changed } from './negotiation-state.ts'
import type { NegotiationContext, NegotiationState, Registrar, Step, StreamFeature } from './stream-feature.ts'

/** What somebody fills in who wants an account or another password (XEP-0077 §3). */
export interface Registration {
  readonly username: string
  readonly password: string
}

const INCOMPLETE: StanzaError = { condition: 'not-acceptable', text: 'username and password are needed' }

/** The only text of a child; undefined when there is none, or several, which somebody else might read differently. */
function field(query: Element, name: string): string | undefined {
  const found = childElements(query).filter((child) => child.name === name && namespaceOf(child) === NS.register)
  const [only] = found
  const text = only === undefined || found.length > 1 ? '' : textOf(only)
  return text === '' ? undefined : text
}

/** XEP-0077 §3.1: an empty field is a missing one. */
export function readRegistration(query: Element): Registration | undefined {
  const [username, password] = [field(query, 'username'), field(query, 'password')]
  return username === undefined || password === undefined ? undefined : { username, password }
}

/** Whether the query asks for the end of the account (XEP-0077 §3.2). */
export function asksForRemoval(query: Element): boolean {
  return childNamed(query, 'remove', NS.register) !== undefined
}

/** The answer to whoever asks what is to be filled in. @param username of the account that is asked about */
export function registrationForm(instructions: string, username?: string): Element {
  return xml(
    'query',
    { xmlns: NS.register },
    ...(username === undefined ? [] : [xml('registered')]),
    xml('instructions', {}, instructions),
    xml('username', {}, ...(username === undefined ? [] : [username])),
    xml('password'),
  )
}

async function register(iq: Element, query: Element, state: NegotiationState, registrar: Registrar): Promise<Step> {
  const refuse = (error: StanzaError): Step => ({ kind: 'continue', state, send: [errorReply(iq, error)] })
  // XEP-0077 §3.2: whoever has not logged in has no account here that could be removed.
  if (asksForRemoval(query)) return refuse({ condition: 'unexpected-request', text: 'log in first' })
  // XEP-0077 §3.1.1: a second identity on one stream may be refused.
  if (state.registered) return refuse({ condition: 'not-acceptable', text: 'one account for a stream' })
  const registration = readRegistration(query)
  const error = registration === undefined ? INCOMPLETE : await registrar.register(state.domain, registration)
  if (error !== undefined) return refuse(error)
  return { kind: 'continue', state: changed(state, { registered: true }), send: [resultReply(iq)] }
}

function negotiate(iq: Element, state: NegotiationState, context: NegotiationContext): Step | Promise<Step> {
  const query = childNamed(iq, 'query', NS.register)
  const registrar = context.registrar()
  const { id, type, to } = iq.attrs as Readonly<Record<string, string | undefined>>
  const answer = (element: Element): Step => ({ kind: 'continue', state, send: [element] })
  if (query === undefined || id === undefined) return answer(errorReply(iq, { condition: 'bad-request' }))
  // XEP-0077 §3.1: of a host that does not support it.
  if (registrar === undefined || (to !== undefined && to !== state.domain)) {
    return answer(errorReply(iq, { condition: 'service-unavailable' }))
  }
  if (type === 'set') return register(iq, query, state, registrar)
  return answer(resultReply(iq, registrationForm('Choose a username and a password.')))
}

/** In-band registration before the login (XEP-0077 §3.1, §8), where it is turned on and over TLS only. */
export const registrationFeature: StreamFeature = {
  name: 'register',
  needs: ['secured'],
  excludedBy: ['authenticated'],
  advertise: ({ registers }) => (registers ? xml('register', { xmlns: NS.registerFeature }) : undefined),
  handles: (element) =>
    element.name === 'iq' &&
    namespaceOf(element) === NS.client &&
    (element.attrs.type === 'get' || element.attrs.type === 'set') &&
    childNamed(element, 'query', NS.register) !== undefined,
  negotiate,
}
