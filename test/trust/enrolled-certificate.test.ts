import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { judgeForEnrolment } from '../../src/trust/enrolled-certificate.ts'
import { parseJid } from '../../src/xmpp/address/jid.ts'
import { type CertificateRequest, OpensslCa } from '../support/certificates/certificates.ts'

const ca = new OpensslCa()
afterAll(() => ca.remove())

const alice = parseJid('alice@localhost')
const now = new Date('2030-06-15T12:00:00Z')

const der = (pem: string) => new X509Certificate(pem).raw
const selfSigned = (request: CertificateRequest) => der(ca.selfSigned(request).cert)

/** What `openssl req -x509` makes without a configuration of one's own. */
function made(...key: string[]): Uint8Array {
  const args = ['req', '-x509', '-noenc', '-keyout', '/dev/null', '-subj', '/CN=bot', '-days', '9000', ...key]
  return der(execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 }))
}
const p256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

function verdict(certificate: Uint8Array): string {
  const found = judgeForEnrolment(certificate, alice, now)
  return 'reason' in found ? found.reason : 'accepted'
}

describe('a certificate that may be enrolled', () => {
  it.each<{ what: string; certificate: () => Uint8Array }>([
    { what: 'a self-signed one without an address', certificate: () => selfSigned({ subject: '/CN=bot' }) },
    { what: 'one without any name', certificate: () => selfSigned({}) },
    { what: 'one with the address of the account', certificate: () => selfSigned({ xmppAddrs: ['alice@localhost'] }) },
    {
      what: 'one with the address in another spelling, with a resource, among others',
      certificate: () => selfSigned({ xmppAddrs: ['bob@other.example', 'ALICE@Localhost/bot'] }),
    },
    { what: 'one of a CA that nobody here knows', certificate: () => der(ca.issue({ subject: '/CN=bot' }).cert) },
    {
      what: 'one for TLS clients',
      certificate: () => selfSigned({ extendedKeyUsage: 'clientAuth', extensions: ['keyUsage=digitalSignature'] }),
    },
    {
      what: 'one that begins to be valid later',
      certificate: () => selfSigned({ validity: ['20310101000000Z', '20320101000000Z'] }),
    },
    { what: 'what openssl req -x509 makes, a CA by its own word', certificate: () => made(...p256) },
    { what: 'an RSA key of 2048 bits', certificate: () => made('-newkey', 'rsa:2048') },
    { what: 'an Ed25519 key', certificate: () => made('-newkey', 'ed25519') },
  ])('$what', ({ certificate }) => {
    expect(verdict(certificate())).toBe('accepted')
  })

  it('is read: its fingerprint is that of the whole', () => {
    const certificate = selfSigned({ subject: '/CN=bot' })
    const found = judgeForEnrolment(certificate, alice, now)
    const fingerprint = new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase()
    expect(found).toMatchObject({ facts: { fingerprint, subject: 'CN=bot' } })
  })
})

describe('a certificate that may not be enrolled', () => {
  const sound = () => selfSigned({ subject: '/CN=bot' })
  it.each<{ what: string; certificate: () => Uint8Array; reason: string }>([
    { what: 'nothing', certificate: () => new Uint8Array(), reason: 'cannot be read' },
    { what: 'something else', certificate: () => Buffer.from('not a certificate'), reason: 'cannot be read' },
    { what: 'a part of one', certificate: () => sound().subarray(0, -1), reason: 'cannot be read' },
    { what: 'one with a tail', certificate: () => Buffer.concat([sound(), Buffer.of(0)]), reason: 'cannot be read' },
    { what: 'too large', certificate: () => Buffer.alloc(8_193), reason: 'has more than 8192 bytes' },
    {
      what: 'expired',
      certificate: () => selfSigned({ validity: ['20200101000000Z', '20300615115958Z'] }),
      reason: 'is not good for a login: expired on 2030-06-15T11:59:58.000Z',
    },
    {
      what: 'for servers only',
      certificate: () => selfSigned({ extendedKeyUsage: 'serverAuth' }),
      reason: 'is not good for a login: extended key usage without clientAuth',
    },
    {
      what: 'for encryption only',
      certificate: () => selfSigned({ extensions: ['keyUsage=keyEncipherment'] }),
      reason: 'is not good for a login: key usage without digitalSignature',
    },
    {
      what: 'with an unknown critical extension',
      certificate: () => selfSigned({ extensions: ['1.2.3.4.5=critical,ASN1:NULL'] }),
      reason: 'is not good for a login: unknown critical extension 1.2.3.4.5',
    },
    {
      what: 'of somebody else',
      certificate: () => selfSigned({ xmppAddrs: ['bob@localhost', 'alice@other.example'] }),
      reason: 'names another account',
    },
    {
      what: 'of a root CA',
      certificate: () =>
        selfSigned({ subject: '/CN=CA', ca: true, extensions: ['keyUsage=keyCertSign,digitalSignature'] }),
      reason: 'is that of a certificate authority',
    },
    {
      what: 'of an intermediate CA',
      certificate: () => der(ca.issue({ subject: '/CN=CA', ca: true, extensions: ['keyUsage=digitalSignature'] }).cert),
      reason: 'is that of a certificate authority',
    },
    {
      what: 'a key that can be computed',
      certificate: () => made('-newkey', 'rsa:1024'),
      reason: 'has an RSA key of 1024 bits, fewer than 2048',
    },
    {
      what: 'a small curve',
      certificate: () => made('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp224r1'),
      reason: 'has an elliptic curve key on P-224, which TLS does not accept',
    },
    {
      what: 'explicit parameters of a curve',
      certificate: () => made(...p256, '-pkeyopt', 'ec_param_enc:explicit'),
      reason: 'has an elliptic curve key with explicit parameters, which TLS does not accept',
    },
  ])('$what', ({ certificate, reason }) => {
    expect(verdict(certificate())).toBe(reason)
  })
})
