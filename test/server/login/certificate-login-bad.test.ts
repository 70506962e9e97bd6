import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { startTestServer, type TestServer } from '../../support/servers/server.ts'
import { type Attempt, attemptAt, VARIANTS } from '../../support/streams/external-login.ts'

const CLIENT = { extendedKeyUsage: 'clientAuth' }
const ca = new OpensslCa()
const impostor = new OpensslCa()
const named = (commonName: string, ...xmppAddrs: string[]) =>
  ca.issue({ ...CLIENT, subject: `/CN=${commonName}`, xmppAddrs })

const bob = named('bob', 'bob@localhost')

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ ca })
})
afterAll(async () => {
  await server.stop()
  ca.remove()
  impostor.remove()
})

const attempt = (row: Attempt) => attemptAt(server, row)

const now2020 = ['20200101000000Z', '20200201000000Z'] as const
const later = ['20980101000000Z', '20990101000000Z'] as const

/** A certificate that the CA really signed, but that must not open anything, and the check that says so. */
const BAD: readonly { name: string; credentials: Credentials; check: string; reason: RegExp }[] = [
  {
    name: 'expired',
    credentials: ca.issue({ ...CLIENT, subject: '/CN=bob', xmppAddrs: ['bob@localhost'], validity: now2020 }),
    check: 'expired',
    reason: /^expired on 2020-02-01T00:00:00/,
  },
  {
    name: 'not valid yet',
    credentials: ca.issue({ ...CLIENT, subject: '/CN=bob', xmppAddrs: ['bob@localhost'], validity: later }),
    check: 'not-yet-valid',
    reason: /^not valid before 2098/,
  },
  {
    name: 'unknown critical extension',
    credentials: ca.issue({ ...CLIENT, subject: '/CN=bob', extensions: ['1.2.3.4=critical,ASN1:NULL'] }),
    check: 'critical-extension',
    reason: /1\.2\.3\.4/,
  },
  {
    name: 'for servers only',
    credentials: ca.issue({ subject: '/CN=bob', extendedKeyUsage: 'serverAuth' }),
    check: 'not-for-client-auth',
    reason: /clientAuth/,
  },
  {
    name: 'for key agreement only',
    credentials: ca.issue({ ...CLIENT, subject: '/CN=bob', extensions: ['keyUsage=critical,keyAgreement'] }),
    check: 'not-for-client-auth',
    reason: /digitalSignature/,
  },
  {
    name: 'self-signed',
    credentials: ca.selfSigned({ ...CLIENT, subject: '/CN=bob', xmppAddrs: ['bob@localhost'] }),
    check: 'unknown-ca',
    reason: /self-signed/,
  },
  {
    name: 'another CA with the same name',
    credentials: impostor.issue({ ...CLIENT, subject: '/CN=bob', xmppAddrs: ['bob@localhost'] }),
    check: 'bad-signature',
    reason: /its key has not signed it/,
  },
  {
    name: 'another CA that sends itself along',
    credentials: impostor.issueBelow(impostor.credentials, { ...CLIENT, subject: '/CN=bob' }),
    check: 'bad-signature',
    reason: /its key has not signed it/,
  },
  {
    name: 'issued by a client',
    credentials: ca.issueBelow(bob, { ...CLIENT, subject: '/CN=alice', xmppAddrs: ['alice@localhost'] }),
    check: 'not-a-ca',
    reason: /may not issue certificates/,
  },
  {
    name: 'NUL in the CN',
    credentials: ca.reissue(named('adminXmallory'), 'adminX', 'admin\0'),
    check: 'malformed',
    reason: /NUL/,
  },
  {
    name: 'NUL in the xmppAddr',
    credentials: ca.reissue(named('m', 'admin@localhostXmallory'), 'localhostX', 'localhost\0'),
    check: 'malformed',
    reason: /xmppAddr contains NUL/,
  },
  {
    name: 'xmppAddr that is not UTF-8',
    credentials: ca.reissue(named('admin', 'bob@localhost'), 'bob@', 'b\xffb@'),
    check: 'malformed',
    reason: /xmppAddr/,
  },
  {
    name: 'xmppAddr of another string type',
    credentials: ca.issue({
      ...CLIENT,
      subject: '/CN=admin',
      extensions: ['subjectAltName=otherName:1.3.6.1.5.5.7.8.5;IA5STRING:bob@localhost'],
    }),
    check: 'malformed',
    reason: /xmppAddr is not a string of its type/,
  },
  {
    name: 'the CA itself',
    credentials: ca.credentials,
    check: 'not-for-client-auth',
    reason: /digitalSignature/,
  },
]

describe.each(VARIANTS)('bad certificates over $transport, $version', (variant) => {
  // external-auth.md §4: 9, 11, 12, 14. Node would reset the connection; here the stream opens, without EXTERNAL.
  it.each(BAD)('$name: EXTERNAL is not offered and not granted, and the log says why', async (row) => {
    const { told, offered, logged } = await attempt({ credentials: row.credentials, variant })
    expect({ told, offered }).toEqual({ told: 'not-authorized', offered: [] })
    const { subject, serialNumber } = new X509Certificate(row.credentials.cert)
    expect(logged).toMatchObject({
      level: 'warn',
      check: row.check,
      reason: expect.stringMatching(row.reason),
      issuer: expect.stringMatching(/^CN=/),
      serial: serialNumber.toLowerCase(),
      remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    })
    expect(logged['subject']).toContain(subject.replace('\\0', '').slice(0, 4))
  })

  it('no certificate: EXTERNAL is not offered, and forced it is refused (§4 no. 6)', async () => {
    expect(await attempt({ variant })).toMatchObject({ told: 'not-authorized', offered: [] })
  })
})
