import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareClient, prepareServer, sign } from '../../../src/pki/issue/issue.ts'
import { caUrlExtensions, readCaUrls } from '../../../src/pki/x509/ca-urls.ts'
import { readRawCertificate } from '../../../src/pki/x509/certificate-der.ts'
import {
  account,
  type Folder,
  NOW,
  openssl,
  opensslCertificate,
  temporaryFolder,
  testKeys,
  testRoot,
} from '../support.ts'

const BASE = 'http://pki.example.org'
const PUBLICATION = { crlUrl: `${BASE}/ca.crl`, ocspUrl: `${BASE}/ocsp`, issuerUrl: `${BASE}/ca.crt` }
const STATED = { crlUrls: [`${BASE}/ca.crl`], ocspUrls: [`${BASE}/ocsp`], issuerUrls: [`${BASE}/ca.crt`] }

let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

describe('caUrls', () => {
  it.each(['client', 'server'] as const)(
    'is stated by a %s certificate (RFC 5280 §4.2.1.13, §4.2.2.1)',
    async (kind) => {
      const issuer = await testRoot()
      const { publicKey } = await testKeys('ec:p256')
      const request = { publicKey, days: 1, now: NOW, issuer, caUrls: PUBLICATION }
      const prepared =
        kind === 'client'
          ? prepareClient({ ...request, jid: account('alice@example.org') })
          : prepareServer({ ...request, domains: ['example.org'] })
      const { pem, der } = await sign(prepared, issuer.key)
      const printed = openssl(folder, 'x509', '-in', folder.write('leaf.pem', pem), '-noout', '-text')
      expect(printed).toMatch(/CRL Distribution Points: *\n\s+Full Name:\n\s+URI:http:\/\/pki\.example\.org\/ca\.crl\n/)
      expect(printed).toContain(`OCSP - URI:${BASE}/ocsp`)
      expect(printed).toContain(`CA Issuers - URI:${BASE}/ca.crt`)
      expect(readCaUrls(readRawCertificate(der).extensions)).toEqual(STATED)
    },
  )

  it('says only what there is to say', () => {
    expect(caUrlExtensions()).toEqual([])
    expect(caUrlExtensions({})).toEqual([])
    const { ocspUrl } = PUBLICATION
    const locations = [{ method: 'ocsp', url: ocspUrl }]
    expect(caUrlExtensions({ ocspUrl })).toEqual([{ type: 'authorityInfoAccess', critical: false, locations }])
  })

  it.each([
    ['a file', 'file:///etc/ca.crl'],
    ['LDAP', 'ldap://pki.example.org/cn=ca'],
    ['a relative one', '/ca.crl'],
    ['no host', 'http://'],
    ['a blank in it', 'http://pki.example.org/my ca.crl'],
    ['a letter beyond ASCII', 'http://bücher.example/ca.crl'],
    ['nothing', ''],
  ])('refuses %s as an address', (_, url) => {
    for (const name of ['crlUrl', 'ocspUrl', 'issuerUrl']) {
      const refusal = { code: 'BAD_INPUT', message: expect.stringContaining(`'${url}' is not an http URL`) }
      expect(() => caUrlExtensions({ [name]: url })).toThrow(expect.objectContaining(refusal))
    }
  })

  it('reads what openssl writes, several of each and other kinds of names', () => {
    const { der } = opensslCertificate(folder, {
      subject: 'CN=x',
      extensions: [
        'crlDistributionPoints=a,b,c',
        'authorityInfoAccess=OCSP;URI:http://o.example/1,OCSP;email:a@o.example,caIssuers;URI:ldap://i.example,1.2.3;URI:http://x',
        '[a]\nfullname=URI:http://c.example/1,URI:ldap://c.example/2,DNS:c.example',
        '[b]\nfullname=URI:http://c.example/3\nreasons=keyCompromise\nCRLissuer=dirName:dn',
        '[c]\nrelativename=rn\n[rn]\nCN=y',
      ].join('\n'),
    })
    expect(readCaUrls(readRawCertificate(der).extensions)).toEqual({
      crlUrls: ['http://c.example/1', 'ldap://c.example/2', 'http://c.example/3'],
      ocspUrls: ['http://o.example/1'],
      issuerUrls: ['ldap://i.example'],
    })
  })
})
