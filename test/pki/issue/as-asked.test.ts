import { beforeAll, describe, expect, it } from 'vitest'
import { isAsAsked } from '../../../src/pki/issue/as-asked.ts'
import type { Issuer } from '../../../src/pki/issue/issuer.ts'
import { clientProfile, ocspResponderProfile, rootProfile, serverProfile } from '../../../src/pki/issue/profiles.ts'
import { type CertificateContent, tbsCertificate } from '../../../src/pki/issue/tbs-certificate.ts'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { unsignedStructure } from '../../../src/pki/keys/signature.ts'
import { readCertificate } from '../../../src/pki/x509/certificate.ts'
import { readRawCertificate } from '../../../src/pki/x509/certificate-der.ts'
import {
  authorityKeyIdentifier,
  keyPurpose,
  keyUsage,
  nameConstraints,
  type ProfileExtension,
  subjectKeyIdentifier,
} from '../../../src/pki/x509/extensions.ts'
import { account, NOW, testKeys, testRoot } from '../support.ts'

const BASE = 'http://pki.example.org'
const PUBLICATION = { crlUrl: `${BASE}/ca.crl`, ocspUrl: `${BASE}/ocsp`, issuerUrl: `${BASE}/ca.crt` }

let issuer: Issuer
let client: CertificateContent
beforeAll(async () => {
  issuer = await testRoot()
  client = await contentOf(clientProfile({ jid: account('alice@example.org'), caUrls: PUBLICATION }, issuer))
})

async function contentOf(profile: Pick<CertificateContent, 'subject' | 'extensions'>): Promise<CertificateContent> {
  const { publicKey } = await testKeys('ec:p256')
  const identifiers = [subjectKeyIdentifier(Uint8Array.of(1, 2, 3)), authorityKeyIdentifier(Uint8Array.of(4, 5, 6))]
  return {
    subject: profile.subject,
    extensions: [...profile.extensions, ...identifiers],
    notBefore: NOW,
    notAfter: new Date('2051-01-01T00:00:00Z'),
    serial: Uint8Array.of(0x5a, 1),
    publicKey,
    issuerName: issuer.name,
    issuerAlgorithm: keyAlgorithm('ec:p256'),
  }
}

/** Whether what is written is found to be what is asked for. */
function agrees(written: CertificateContent, asked: CertificateContent): boolean {
  const der = unsignedStructure(tbsCertificate(written), written.issuerAlgorithm)
  return isAsAsked(readRawCertificate(der), readCertificate(der), asked)
}

/** The client with one extension in the place of that of its type. */
function withExtension(other: ProfileExtension): CertificateContent {
  const extensions = client.extensions.map((extension) => (extension.type === other.type ? other : extension))
  return { ...client, extensions }
}

describe('isAsAsked', () => {
  it('is true of every profile', async () => {
    const domains = ['example.org', 'bücher.example']
    const profiles = [
      rootProfile({ commonName: 'Root', organization: 'Ä', permitDomains: domains }),
      clientProfile({ jid: account('jörg@example.org'), caUrls: { ocspUrl: PUBLICATION.ocspUrl } }, issuer),
      clientProfile({ jid: account(`${'x'.repeat(65)}@example.org`) }, issuer),
      serverProfile({ domains }, keyAlgorithm('rsa:2048'), issuer),
      ocspResponderProfile({ commonName: 'OCSP', caUrls: PUBLICATION }, issuer),
    ]
    for (const profile of profiles) {
      const content = await contentOf(profile)
      expect(agrees(content, content)).toBe(true)
      const own = { ...content, issuerName: undefined }
      expect(agrees(own, own)).toBe(true)
    }
  })

  it.each<[string, () => Partial<CertificateContent> | Promise<Partial<CertificateContent>>]>([
    ['serial number', () => ({ serial: Uint8Array.of(0x5a, 2) })],
    ['subject', () => ({ subject: { commonName: 'bob' } })],
    ['subject with more', () => ({ subject: { commonName: 'alice', organization: 'x' } })],
    ['beginning', () => ({ notBefore: new Date(0) })],
    ['end', () => ({ notAfter: new Date('2051-01-01T00:00:01Z') })],
    ['issuer', () => ({ issuerName: undefined })],
    ['key', async () => ({ publicKey: (await testKeys('ec:p256')).publicKey })],
    ['number of extensions', () => ({ extensions: client.extensions.slice(1) })],
    ['order of extensions', () => ({ extensions: client.extensions.toReversed() })],
  ])('notices another %s', async (_, change) => {
    expect(agrees({ ...client, ...(await change()) }, client)).toBe(false)
  })

  it.each<ProfileExtension>([
    { type: 'basicConstraints', critical: true, pathLength: 0 },
    { type: 'basicConstraints', critical: false, pathLength: undefined },
    keyUsage('digitalSignature', 'keyCertSign'),
    keyUsage('keyEncipherment'),
    keyPurpose('serverAuth'),
    { type: 'subjectAltName', critical: false, names: [{ kind: 'xmppAddr', text: 'alice@example.org' }] },
    { type: 'subjectAltName', critical: false, names: [{ kind: 'rfc822Name', text: 'alice@example.org' }] },
    { type: 'subjectAltName', critical: false, names: [{ kind: 'dNSName', text: 'alice@example.org' }] },
    subjectKeyIdentifier(Uint8Array.of(1, 2, 4)),
    authorityKeyIdentifier(Uint8Array.of(4, 5)),
    { type: 'cRLDistributionPoints', critical: false, url: `${BASE}/other.crl` },
    { type: 'authorityInfoAccess', critical: false, locations: [{ method: 'ocsp', url: PUBLICATION.ocspUrl }] },
  ])('notices another extension: %j', (other) => {
    expect(agrees(withExtension(other), client)).toBe(false)
  })

  it('notices other name constraints', async () => {
    const content = await contentOf({ subject: {}, extensions: [nameConstraints(['example.org'])] })
    const other = await contentOf({ subject: {}, extensions: [nameConstraints(['example.com'])] })
    expect(agrees({ ...content, extensions: other.extensions }, content)).toBe(false)
  })
})
