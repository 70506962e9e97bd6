import type { Enrolment } from '../../store/enrolments.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { decodeBase64 } from '../../xmpp/sasl/attempt.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { childElements, childNamed, namespaceOf, textOf, xml } from '../../xmpp/xml/element.ts'
import type { Applicant, EnrolmentService } from '../accounts/enrolment-service.ts'
import { certificateOf } from '../login/credential.ts'
import type { IqHandler, IqReply } from '../routing/iq.ts'
import type { Session } from '../session/session.ts'
import type { Resource } from '../session/session-registry.ts'
import type { Feature, FeatureHost } from './feature.ts'

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
function derOf(payload: Element): Uint8Array | undefined {
  const der = decodeBase64((only(payload, 'x509cert') ?? '').replaceAll(/[ \t\r\n]+/g, ''))
  return der === undefined || der.length === 0 ? undefined : der
}

/** XEP-0257 §5 asks for TLS and SASL. Who has logged in with a certificate has both, and with a password one of them. */
function mayLook({ credential, secured }: Session): boolean {
  return certificateOf(credential) !== undefined || secured
}

function applicantOf(session: Session): Applicant | undefined {
  const proof = certificateOf(session.credential)
  return mayLook(session) && proof?.enrolment?.mayManage !== false ? { account: session.account, proof } : undefined
}

function append(service: EnrolmentService): IqHandler {
  return async ({ payload, session }) => {
    const applicant = applicantOf(session)
    if (applicant === undefined) return answer(FORBIDDEN)
    const [label, der] = [labelOf(payload), derOf(payload)]
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

function itemOf({ label, certificate, fingerprint }: Enrolment, resources: readonly Resource[]): Element {
  const users = resources
    .filter(({ enrolled }) => enrolled === fingerprint)
    .map(({ jid }) => xml('resource', {}, jid.resource ?? ''))
  return xml(
    'item',
    {},
    xml('name', {}, label),
    xml('x509cert', {}, certificate),
    ...(users.length === 0 ? [] : [xml('users', {}, ...users)]),
  )
}

function items(service: EnrolmentService, host: FeatureHost): IqHandler {
  return ({ session }) => {
    // A client that may not manage may still look (XEP-0257 §2.1).
    if (!mayLook(session)) return answer(FORBIDDEN)
    const resources = host.resources(session.account)
    const list = service.list(session.account).map((enrolment) => itemOf(enrolment, resources))
    return { type: 'result', payload: xml('items', { xmlns: NS.saslCert }, ...list) }
  }
}

/** XEP-0257: an account manages the certificates that it logs in with, beside those that a CA has issued to it. */
export function certificateManagement(service: EnrolmentService): Feature {
  const whenOpen =
    (handle: IqHandler): IqHandler =>
    (request) =>
      service.isOpen ? handle(request) : answer({ condition: 'service-unavailable' })
  const payload = (name: string) => ({ name, namespace: NS.saslCert })
  return {
    name: 'certificate-management',
    claims: [{ spec: 'XEP-0257', scope: '0.3' }],
    get disco() {
      return service.isOpen ? { server: [NS.saslCert], account: [NS.saslCert] } : {}
    },
    install(host) {
      host.onIq('get', 'self', payload('items'), whenOpen(items(service, host)))
      host.onIq('set', 'self', payload('append'), whenOpen(append(service)))
      host.onIq('set', 'self', payload('disable'), whenOpen(end(service, 'disable')))
      host.onIq('set', 'self', payload('revoke'), whenOpen(end(service, 'revoke')))
    },
  }
}
