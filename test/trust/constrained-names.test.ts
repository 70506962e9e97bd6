import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { context, sequence } from '../../src/pki/der/der-writer.ts'
import { OID } from '../../src/pki/der/oids.ts'
import { type RawCertificate, readRawCertificate } from '../../src/pki/x509/certificate-der.ts'
import { readNameConstraints } from '../../src/pki/x509/name-constraints.ts'
import { accountViolation, readConstrainedNames, violation } from '../../src/trust/constrained-names.ts'
import { parseJid } from '../../src/xmpp/address/jid.ts'
import { type Folder, openssl, opensslCertificate, readOctets, temporaryFolder, tryOpenssl } from '../pki/support.ts'
import { dnsName, rfc822Name } from '../support/certificates/general-names.ts'

const XMPP_ADDR = `otherName:${OID.xmppAddr};UTF8`

const MAIL_AND_HOST = [
  { kind: 'rfc822Name', text: 'alice@example.org' },
  { kind: 'dNSName', text: 'example.org' },
] as const

let folder: Folder

beforeAll(() => {
  folder = temporaryFolder()
})

afterAll(() => folder.remove())

function constraintsOf(text: string) {
  const { der } = opensslCertificate(folder, {
    subject: 'CN=CA',
    extensions: `basicConstraints=critical,CA:TRUE\nnameConstraints=critical,${text}\n[d]\nO=Example`,
  })
  const value = readRawCertificate(der).extensions.find(({ oid }) => oid === OID.nameConstraints)?.value
  return readNameConstraints(value ?? new Uint8Array())
}

/** A certificate below the CA that `constraintsOf` has made last. */
function below(subject: string, alternativeNames?: string): RawCertificate {
  const names = alternativeNames === undefined ? '' : `subjectAltName=${alternativeNames}`
  const lines = `[req]\ndistinguished_name=dn\nprompt=no\nutf8=yes\n[dn]\n${subject}\n[ext]\nbasicConstraints=CA:FALSE\n`
  folder.write('leaf.cnf', `${lines}${names}\n[d]\nO=Example\n`)
  const [key, by] = [
    ['-newkey', 'ed25519', '-nodes', '-keyout', 'leaf.key'],
    ['-CA', 'made.pem', '-CAkey', 'made.key'],
  ]
  openssl(
    folder,
    'req',
    '-new',
    '-x509',
    ...key,
    '-config',
    'leaf.cnf',
    '-extensions',
    'ext',
    ...by,
    '-out',
    'leaf.pem',
  )
  openssl(folder, 'x509', '-in', 'leaf.pem', '-outform', 'DER', '-out', 'leaf.der')
  return readRawCertificate(readOctets(folder, 'leaf.der'))
}

function acceptedByOpenssl(): boolean {
  return tryOpenssl(folder, ['verify', '-CAfile', 'made.pem', 'leaf.pem']).status === 0
}

describe('names of a certificate under the constraints of a CA (RFC 5280 §4.2.1.10)', () => {
  it.each<[constraints: string, subject: string, names: string | undefined, violation: string | undefined]>([
    ['permitted;DNS:example.org', 'CN=a', 'DNS:example.org', undefined],
    ['permitted;DNS:example.org', 'CN=a', 'DNS:A.B.Example.ORG', undefined],
    ['permitted;DNS:example.org', 'CN=a', 'DNS:badexample.org', 'does not permit the dNSName "badexample.org"'],
    ['permitted;DNS:.example.org', 'CN=a', 'DNS:a.example.org', undefined],
    ['permitted;DNS:.example.org', 'CN=a', 'DNS:example.org', 'does not permit the dNSName "example.org"'],
    ['permitted;DNS:example.org', 'CN=a', 'DNS:a.example.org,DNS:b.org', 'does not permit the dNSName "b.org"'],
    ['permitted;DNS:example.org', 'CN=a', 'email:a@b.org,URI:https://b.org/', undefined],
    ['permitted;DNS:example.org,permitted;DNS:b.org', 'CN=a', 'DNS:b.org', undefined],
    ['excluded;DNS:example.org', 'CN=a', 'DNS:b.org', undefined],
    ['excluded;DNS:example.org', 'CN=a', 'DNS:x.example.org', 'excludes the dNSName "x.example.org"'],
    ['permitted;DNS:org,excluded;DNS:b.org', 'CN=a', 'DNS:a.org', undefined],
    ['permitted;DNS:org,excluded;DNS:b.org', 'CN=a', 'DNS:b.org', 'excludes the dNSName "b.org"'],
    ['permitted;email:example.org', 'CN=a', 'email:a@EXAMPLE.org', undefined],
    ['permitted;email:example.org', 'CN=a', 'email:a@x.example.org', 'does not permit the mail address'],
    ['permitted;email:.example.org', 'CN=a', 'email:a@x.example.org', undefined],
    ['permitted;email:.example.org', 'CN=a', 'email:a@example.org', 'does not permit the mail address'],
    ['permitted;email:a@example.org', 'CN=a', 'email:a@Example.org', undefined],
    ['permitted;email:a@example.org', 'CN=a', 'email:A@example.org', 'does not permit the mail address'],
    ['permitted;email:example.org', 'CN=a\nemailAddress=a@example.org', undefined, undefined],
    ['permitted;email:example.org', 'CN=a\nemailAddress=a@b.org', undefined, 'does not permit the mail address'],
    ['permitted;URI:example.org', 'CN=a', 'URI:xmpp://Example.org:80/a?b', undefined],
    ['permitted;URI:example.org', 'CN=a', 'URI:https://x.example.org', 'does not permit the URI'],
    ['permitted;URI:.example.org', 'CN=a', 'URI:https://x.example.org/', undefined],
    [
      'permitted;URI:example.org',
      'CN=a',
      'URI:mailto:a@example.org',
      'has constraints that cannot be applied to the URI',
    ],
    ['permitted;IP:10.0.0.0/255.0.0.0', 'CN=a', 'IP:10.1.2.3', undefined],
    ['permitted;IP:10.0.0.0/255.0.0.0', 'CN=a', 'IP:11.1.2.3', 'does not permit the iPAddress 0b010203'],
    ['permitted;IP:10.0.0.0/255.0.0.0', 'CN=a', 'IP:::1', 'does not permit the iPAddress'],
    ['excluded;IP:2001:db8::/ffff:ffff::', 'CN=a', 'IP:2001:db8:1::1', 'excludes the iPAddress'],
    ['permitted;dirName:d', 'O=EXAMPLE\nCN=a', undefined, undefined],
    ['permitted;dirName:d', 'CN=a\nO=Example', undefined, 'does not permit the directory name "O=Example,CN=a"'],
    ['permitted;dirName:d', 'O=Example', 'dirName:d', undefined],
    ['excluded;dirName:d', 'CN=a', 'dirName:d', 'excludes the directory name "O=Example"'],
    [
      `permitted;${XMPP_ADDR}:example.org`,
      'CN=a',
      `${XMPP_ADDR}:a@example.org`,
      'has constraints that cannot be applied',
    ],
    [`permitted;${XMPP_ADDR}:example.org`, 'CN=a', 'DNS:a', undefined],
    ['excluded;RID:1.2.3', 'CN=a', 'RID:1.2.4', 'has constraints that cannot be applied to the registeredID'],
  ])('%s, with %j and %s', (constraints, subject, names, expected) => {
    const found = violation(constraintsOf(constraints), readConstrainedNames(below(subject, names)))
    if (expected === undefined) expect(found).toBeUndefined()
    else expect(found).toContain(expected)
    // OpenSSL reads the same constraints in the same way.
    expect(acceptedByOpenssl()).toBe(expected === undefined)
  })

  it.each<[why: string, constraints: string, subject: string, names: string, violation: string | undefined]>([
    ['a Common Name is not a dNSName', 'permitted;DNS:example.org', 'CN=alice.smith', 'email:a@b.org', undefined],
    ['a wildcard stands for all', 'excluded;DNS:a.example.org', 'CN=a', 'DNS:*.example.org', 'excludes the dNSName'],
    ['no host name', 'excluded;DNS:b.org', 'CN=a', 'DNS:b.org.', 'cannot be applied to the dNSName'],
    ['a user in a URI', 'permitted;URI:b.org', 'CN=a', 'URI:https://u:p@b.org', undefined],
    [
      'a mail address of RFC 9598',
      'permitted;email:example.org',
      'CN=a',
      `otherName:${OID.smtpUtf8Mailbox};UTF8:a@example.org`,
      'cannot be applied to the otherName',
    ],
    ['the address in the subject', 'permitted;email:b.org', 'emailAddress=a@c.org', 'email:a@b.org', undefined],
  ])('differs from OpenSSL: %s', (_, constraints, subject, names, expected) => {
    const found = violation(constraintsOf(constraints), readConstrainedNames(below(subject, names)))
    if (expected === undefined) expect(found).toBeUndefined()
    else expect(found).toContain(expected)
  })
})

describe('a mail address in quotes', () => {
  it('is not compared', () => {
    const name = { kind: 'rfc822Name', text: '"alice"@example.org' } as const
    expect(violation(constraintsOf('excluded;email:alice@example.org'), [name])).toContain('cannot be applied')
  })
})

describe('an account under the constraints of a CA', () => {
  it.each<[constraints: string, account: string, violation: string | undefined]>([
    ['permitted;DNS:example.org', 'alice@example.org', undefined],
    ['permitted;DNS:example.org', 'alice@chat.example.org', undefined],
    ['permitted;DNS:example.org', 'alice@localhost', 'does not permit the account "alice@localhost"'],
    ['permitted;DNS:.example.org', 'alice@example.org', 'does not permit'],
    ['permitted;DNS:.example.org', 'alice@chat.example.org', undefined],
    ['permitted;DNS:xn--bcher-kva.example', 'alice@bücher.example', undefined],
    ['excluded;DNS:xn--bcher-kva.example', 'alice@bücher.example', 'excludes the account "alice@bücher.example"'],
    ['excluded;DNS:example.org', 'alice@chat.example.org', 'excludes'],
    ['permitted;email:example.org', 'alice@example.org', undefined],
    ['permitted;email:example.org', 'alice@chat.example.org', 'does not permit'],
    ['permitted;email:.example.org', 'alice@chat.example.org', undefined],
    ['permitted;email:.example.org', 'alice@example.org', 'does not permit'],
    ['permitted;email:alice@Example.org', 'alice@example.org', undefined],
    ['permitted;email:alice@example.org', 'bob@example.org', 'does not permit'],
    ['permitted;email:Alice@example.org', 'alice@example.org', 'does not permit'],
    ['excluded;email:Alice@example.org', 'alice@example.org', 'excludes'],
    ['excluded;email:alice@example.org', 'bob@example.org', undefined],
    ['excluded;email:example.org', 'alice@example.org', 'excludes'],
    ['excluded;email:.example.org', 'alice@example.org', undefined],
    // Mail addresses are the nearer kind: where they are permitted, hosts are not asked.
    ['permitted;email:example.org,permitted;DNS:localhost', 'alice@example.org', undefined],
    ['permitted;email:example.org,permitted;DNS:localhost', 'alice@localhost', 'does not permit'],
    ['permitted;email:example.org,excluded;DNS:example.org', 'alice@example.org', 'excludes'],
    ['permitted;DNS:example.org,excluded;email:alice@example.org', 'alice@example.org', 'excludes'],
    ['permitted;URI:example.org', 'alice@localhost', undefined],
    ['permitted;DNS:example.org', 'alice@127.0.0.1', 'does not permit'],
    [`permitted;${XMPP_ADDR}:example.org`, 'alice@example.org', 'has constraints that cannot be applied'],
  ])('%s: %s', (constraints, address, expected) => {
    const found = accountViolation(constraintsOf(constraints), parseJid(address))
    if (expected === undefined) expect(found).toBeUndefined()
    else expect(found).toContain(expected)
  })

  it.each<[kind: string, base: Uint8Array]>([
    ['hosts', dnsName('')],
    ['mail addresses', rfc822Name('')],
  ])('finds everything below nothing, among %s', (_, base) => {
    const alice = parseJid('alice@example.org')
    const permitted = readNameConstraints(sequence(context(0, sequence(base))))
    const excluded = readNameConstraints(sequence(context(1, sequence(base))))
    expect(accountViolation(permitted, alice)).toBeUndefined()
    expect(accountViolation(excluded, alice)).toBe('excludes the account "alice@example.org"')
    expect(violation(permitted, MAIL_AND_HOST)).toBeUndefined()
    expect(violation(excluded, MAIL_AND_HOST)).toContain('excludes the')
  })
})
