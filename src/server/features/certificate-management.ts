import type { Enrolment } from '../../store/enrolments.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { decodeBase64 } from '../../xmpp/sasl/attempt.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { childElements, childNamed, namespaceOf, textOf, xml } from '../../xmpp/xml/element.ts'
import type { Applicant, EnrolmentService } from '../accounts/enrolment-service.ts'
import type { BoundSession, Directory } from '../session/session-registry.ts'
import type { Feature, IqHandler, IqReply } from './feature.ts'

/** Characters of the name that the account gives a certificate. */
const MAX_LABEL = 64

/** What could make a line of the audit log look like another one: controls, line ends, changes of direction. */
const MISLEADING = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

const BAD_NAME: StanzaError = {
  condition: 'bad-request',
  text: `one <name/> of 1 to ${MAX_LABEL} characters is needed`,
}
const BAD_CERTIFICATE: StanzaError = { condition: 'bad-request', text: 'one <x509cert/> in base64 is needed' }
const FORBIDDEN: StanzaError = { condition: 'forbidden', text: 'this client may not manage certificates' }

function answer(error: StanzaError | undefined): IqReply {
  return error === undefined ? { type: 'result' } : { type: 'error', error }
}

/** The text of the one child with this name. */
function only(payload: Element, name: string): string | undefined {
  const found = childElements(payload).filter((child) => child.name === name && namespaceOf(child) === NS.saslCert)
  const [child] = found
  return child === undefined || found.length > 1 ? undefined : textOf(child)
}

function labelOf(payload: Element): string | undefined {
  const label = only(payload, 'name')?.trim().normalize('NFC')
  return label === undefined || label === '' || [...label].length > MAX_LABEL || MISLEADING.test(label)
    ? undefined
    : label
}

/** In XEP-0257 the base64 is broken into lines. */
function certificateOf(payload: Element): Uint8Array | undefined {
  const der = decodeBase64((only(payload, 'x509cert') ?? '').replaceAll(/[ \t\r\n]+/g, ''))
  return der === undefined || der.length === 0 ? undefined : der
}

/** XEP-0257 §5 asks for TLS and SASL. Who has logged in with a certificate has both, and with a password one of them. */
function mayLook({ proof, secured }: BoundSession): boolean {
  return proof !== undefined || secured === true
}

function applicantOf(session: BoundSession): Applicant | undefined {
  const { account, proof } = session
  return mayLook(session) && proof?.enrolment?.mayManage !== false ? { account, proof } : undefined
}

function append(service: EnrolmentService): IqHandler {
  return async ({ payload, session }) => {
    const applicant = applicantOf(session)
    if (applicant === undefined) return answer(FORBIDDEN)
    const [label, der] = [labelOf(payload), certificateOf(payload)]
    if (label === undefined) return answer(BAD_NAME)
    if (der === undefined) return answer(BAD_CERTIFICATE)
    const mayManage = childNamed(payload, 'no-cert-management', NS.saslCert) === undefined
    return answer(await service.append(applicant, { label, der, mayManage }))
  }
}

function end(service: EnrolmentService, how: 'disable' | 'revoke'): IqHandler {
  return async ({ payload, session }) => {
    const applicant = applicantOf(session)
    if (applicant === undefined) return answer(FORBIDDEN)
    const label = labelOf(payload)
    return answer(label === undefined ? BAD_NAME : await service.end(applicant, label, how))
  }
}

function itemOf({ label, certificate, fingerprint }: Enrolment, sessions: readonly BoundSession[]): Element {
  const users = sessions.filter(({ proof }) => proof?.enrolment !== undefined && proof.fingerprint === fingerprint)
  const resources = users.map(({ jid }) => xml('resource', {}, jid.resource ?? ''))
  return xml(
    'item',
    {},
    xml('name', {}, label),
    xml('x509cert', {}, certificate),
    ...(resources.length === 0 ? [] : [xml('users', {}, ...resources)]),
  )
}

function items(service: EnrolmentService, directory: Directory): IqHandler {
  return ({ session }) => {
    // A client that may not manage may still look (XEP-0257 §2.1).
    if (!mayLook(session)) return answer(FORBIDDEN)
    const sessions = directory.sessionsOf(session.account)
    const list = service.list(session.account).map((enrolment) => itemOf(enrolment, sessions))
    return { type: 'result', payload: xml('items', { xmlns: NS.saslCert }, ...list) }
  }
}

/** XEP-0257: an account manages the certificates that it logs in with, beside those that a CA has issued to it. */
export const certificateManagement: Feature = {
  name: 'certificate-management',
  claims: [{ spec: 'XEP-0257', scope: '0.3' }],
  advertises: [NS.saslCert],
  needs: 'enrolments',
  install(host) {
    const { enrolments: service } = host
    if (service === undefined) return
    const whenOpen =
      (handle: IqHandler): IqHandler =>
      (request) =>
        service.isOpen ? handle(request) : answer({ condition: 'service-unavailable' })
    const payload = (name: string) => ({ name, namespace: NS.saslCert })
    host.onIq('get', 'account', payload('items'), whenOpen(items(service, host.directory)))
    host.onIq('set', 'account', payload('append'), whenOpen(append(service)))
    host.onIq('set', 'account', payload('disable'), whenOpen(end(service, 'disable')))
    host.onIq('set', 'account', payload('revoke'), whenOpen(end(service, 'revoke')))
  },
}
