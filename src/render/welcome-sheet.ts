import { CLIENTS, type ClientFacts, namesOf } from './client-facts.ts'
import type { Guide } from './guide.ts'
import { guideHtml } from './guide-html.ts'
import { escapeHtml } from './html.ts'
import { renderTemplate } from './template.ts'

/** What a user is told on paper. All of it may come from strangers and is escaped. */
export interface WelcomeSheet {
  /** Bare JID. */
  readonly jid: string
  /** Where to connect; undefined: DNS knows. */
  readonly address: { readonly host: string; readonly port: number } | undefined
  /** Undefined for somebody who logs in with a password. */
  readonly certificate: SheetCertificate | undefined
  /** SHA-256 over the DER certificate of the root CA, lower-case hexadecimal. */
  readonly caFingerprint: string
  readonly guides: readonly Guide[]
}

interface SheetCertificate {
  /** The empty string is the main device. */
  readonly device: string
  readonly notAfter: Date
  /** Name of the PKCS#12 file. */
  readonly bundle: string
  readonly directory: string
  /** A secret: only where it was asked for. */
  readonly password: string | undefined
}

type Fact = readonly [name: string, html: string]

/**
 * One page to print (A4), whole in itself: no script, nothing loaded from elsewhere.
 * @param source names the template in errors
 */
export function renderWelcomeSheet(template: string, sheet: WelcomeSheet, source: string): string {
  const { jid, certificate, guides } = sheet
  const facts = [...serverFacts(sheet), ...(certificate === undefined ? [] : certificateFacts(certificate))]
  const values = {
    jid: escapeHtml(jid),
    // A long name stands in every step: all becomes smaller, so that the page stays one.
    size: jid.length > 40 ? 'long' : 'short',
    lead: escapeHtml(certificate === undefined ? PASSWORD_LEAD : CERTIFICATE_LEAD),
    facts: facts.map(([name, html]) => `<dt>${name}</dt><dd>${html}</dd>`).join('\n'),
    fingerprint: groups(sheet.caFingerprint),
    layout: guides.length > 1 ? 'several' : 'single',
    guides: guides.map(guideHtml).join('\n'),
    care: escapeHtml(certificate === undefined ? PASSWORD_CARE : CERTIFICATE_CARE),
  }
  return renderTemplate(template, values, source)
}

const CERTIFICATE_LEAD = 'You log in with a certificate, without a password. It is in a bundle that is yours alone.'
const PASSWORD_LEAD = 'You log in with a password, which your operator gives you.'
const CERTIFICATE_CARE =
  'Keep the bundle like the key of your house: whoever has it and its password is you. If a device is lost, tell your ' +
  'operator, who revokes its certificate.'
const PASSWORD_CARE = 'Keep the password to yourself. If somebody else may know it, tell your operator.'

function serverFacts({ jid, address }: WelcomeSheet): Fact[] {
  const domain = jid.slice(jid.lastIndexOf('@') + 1)
  const server = address === undefined ? code(domain) : `${code(address.host)}, port ${address.port}`
  return [['Server', server]]
}

function certificateFacts({ device, notAfter, bundle, directory, password }: SheetCertificate): Fact[] {
  return [
    ['Device', device === '' ? 'your main device' : code(device)],
    ['Valid until', `<time>${notAfter.toISOString().slice(0, 10)}</time>`],
    ['Bundle', `${code(bundle)} <span class="where">in ${code(directory)}</span>`],
    ['Its password', password === undefined ? 'comes to you another way, not on paper' : code(password)],
  ]
}

function code(text: string): string {
  return `<code>${escapeHtml(text)}</code>`
}

/** In fours, which the eye can compare. */
function groups(fingerprint: string): string {
  const fours = fingerprint.match(/.{1,4}/g) ?? []
  return fours.map((four) => `<span>${four}</span>`).join(' ')
}

/** What the sheet says about the clients that have no guide on it. */
export function otherClients(): Guide {
  const those = (wanted: (client: ClientFacts) => boolean) => namesOf(CLIENTS.filter(wanted))
  const passwords = those(({ credentials }) => credentials === 'password')
  const libraries = those(({ isProgram }) => !isProgram)
  const texts = [
    `${passwords} cannot present a certificate today. To use one of them, ask your operator for a password.`,
    `Programs of your own can log in through ${libraries}.`,
  ]
  return {
    title: 'Other clients',
    blocks: texts.map((text) => ({ kind: 'paragraph', spans: [{ text, isCode: false }] })),
  }
}
