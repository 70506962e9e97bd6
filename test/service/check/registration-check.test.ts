import { afterAll, describe, expect, it } from 'vitest'
import { checkConfiguration } from '../../../src/config/load.ts'
import { checkRegistration } from '../../../src/service/check/registration-check.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'

const partner = new OpensslCa('Partner')
const own = new OpensslCa('Own')
afterAll(() => {
  partner.remove()
  own.remove()
})

const OPEN = 'methods = ["rdbms", "pki"]\npki.require_account = true\nregistration = true'

function configuration(auth = OPEN) {
  const document = `[general]\nhosts = ["example.org", "münchen.example"]\n[auth]\n${auth}`
  const options = { file: '/etc/xmppki.toml', home: undefined, overrides: [], defaultHost: 'localhost' }
  const { configuration: read, problems } = checkConfiguration(document, options)
  if (read === undefined) throw new Error(JSON.stringify(problems))
  return read
}

/** A CA below that of the partner, with these name constraints. */
const constrained = (...constraints: string[]) =>
  partner.issue({
    subject: '/CN=Constrained',
    ca: true,
    extensions: constraints.length === 0 ? [] : [`nameConstraints = critical, ${constraints.join(', ')}`],
  }).cert

const anchors = (...pems: string[]) => new TrustAnchors(pems)
const check = (given: TrustAnchors, auth?: string) =>
  checkRegistration(configuration(auth), given, anchors(own.credentials.cert))
const REFUSED = expect.objectContaining({
  code: 'BAD_INPUT',
  message: expect.stringContaining('strangers could register'),
})

describe('registration beside certificates', () => {
  it.each([
    { name: 'without constraints', constraints: [] },
    { name: 'for this domain', constraints: ['permitted;DNS:example.org'] },
    { name: 'for a domain above it', constraints: ['permitted;DNS:org'] },
    { name: 'for the other domain, in A-labels', constraints: ['permitted;DNS:xn--mnchen-3ya.example'] },
    { name: 'for mailboxes of this domain', constraints: ['permitted;email:example.org'] },
    { name: 'for one mailbox of it', constraints: ['permitted;email:alice@example.org'] },
    { name: 'for all but a subdomain', constraints: ['excluded;DNS:sub.example.org'] },
    { name: 'for all but one of the domains', constraints: ['excluded;DNS:example.org'] },
  ])('is refused with a CA outside the workspace $name', ({ constraints }) => {
    expect(() => check(anchors(own.credentials.cert, constrained(...constraints)))).toThrow(REFUSED)
  })

  it.each([
    { name: 'other domains', constraints: ['permitted;DNS:partner.example'] },
    { name: 'mailboxes elsewhere', constraints: ['permitted;DNS:example.org', 'permitted;email:partner.example'] },
    { name: 'none of ours', constraints: ['excluded;DNS:example.org', 'excluded;DNS:xn--mnchen-3ya.example'] },
  ])('is good with one that is constrained to $name', ({ constraints }) => {
    expect(() => check(anchors(own.credentials.cert, constrained(...constraints)))).not.toThrow()
  })

  it('is good with the CA of the workspace, whose ledger knows its names', () => {
    expect(() => check(anchors(own.credentials.cert))).not.toThrow()
  })

  it.each([
    'methods = ["rdbms"]\nregistration = true',
    'methods = ["rdbms", "pki"]\npki.require_account = true',
    'methods = ["rdbms", "pki"]\npki.require_account = true\nregistration = true\nsasl_mechanisms = ["scram"]',
  ])('is not in question: %j', (auth) => {
    expect(() => check(anchors(constrained()), auth)).not.toThrow()
  })
})
