import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { examineTrust } from '../../../src/service/check/trust-check.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { extension, oddCrl, utcTime } from '../../support/certificates/odd-crl.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
const folder = mkdtempSync(join(tmpdir(), 'xmppki-trust-'))
const root = new OpensslCa('Root CA')
const other = new OpensslCa('Other CA')
const below = root.issue({ subject: '/CN=Below', ca: true })
afterAll(() => {
  root.remove()
  other.remove()
  rmSync(folder, { recursive: true, force: true })
})

const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const shortLived = (notAfter: string) =>
  root.selfSigned({ subject: '/CN=Short', ca: true, validity: ['20200101000000Z', notAfter] }).cert

async function examine(cas: readonly string[], crls: readonly (string | Uint8Array)[], mode: 'soft' | 'hard' = 'soft') {
  const settings = {
    verify_mode: 'peer' as const,
    disconnect_on_failure: false,
    cacertfile: cas.map((pem, index) => file(`${index}.crt`, pem)),
    crl_files: crls.map((crl, index) => file(`${index}.crl`, crl)),
    crl_mode: mode,
  }
  const { authorities, lists, covered } = await examineTrust([], settings, NOW)
  const short = (texts: readonly string[]) => texts.map((text) => text.replaceAll(`${folder}/`, ''))
  return { said: short([...authorities, ...lists].map(({ text }) => text)), covered: short(covered) }
}

const fresh = () => root.crl()

describe('what config check and doctor say about cacertfile and crl_files', () => {
  const { cert, key } = root.credentials
  it.each<{ name: string; cas: string[]; crls: () => (string | Uint8Array)[]; said: string[] }>([
    { name: 'all is well', cas: [cert], crls: () => [fresh()], said: [] },
    {
      name: 'a gap',
      cas: [cert],
      crls: () => [],
      said: ['it is not known what the CA CN=Root CA has revoked (there is no CRL of it): revoked certificates log in'],
    },
    {
      name: 'an intermediate without its root',
      cas: [below.cert],
      crls: () => [root.crl({ by: below })],
      said: [
        'the CA CN=Below was issued by CN=Root CA, which is not configured: whether it was revoked is not looked up',
      ],
    },
    {
      name: 'an intermediate with it',
      cas: [below.cert, cert],
      crls: () => [root.crl({ by: below }), fresh()],
      said: [],
    },
    {
      name: 'an expired CA',
      cas: [shortLived('20250101000000Z')],
      crls: () => [],
      said: [
        'the CA CN=Short expired on 2025-01-01T00:00:00.000Z: nobody logs in with its certificates',
        'it is not known what the CA CN=Short has revoked (there is no CRL of it): revoked certificates log in',
      ],
    },
    {
      name: 'a CA that ends soon',
      cas: [shortLived('20260201000000Z')],
      crls: () => [],
      said: [
        'the CA CN=Short ends in 31 days',
        'it is not known what the CA CN=Short has revoked (there is no CRL of it): revoked certificates log in',
      ],
    },
    {
      name: 'a private key in the file',
      cas: [cert + key],
      crls: () => [fresh()],
      said: ['0.crt holds a private key: whoever reads it can make certificates for every user'],
    },
    { name: 'a CRL in the file', cas: [cert + fresh()], crls: () => [], said: [] },
    {
      name: 'a list of nobody',
      cas: [cert],
      crls: () => [fresh(), other.crl()],
      said: ['the CRL of CN=Other CA in 1.crl is of no configured CA'],
    },
    {
      name: 'a stale list',
      cas: [cert],
      crls: () => [root.crl({ validity: ['20200101000000Z', '20200201000000Z'] })],
      said: ['the CRL of CN=Root CA in 0.crl is stale since 2020-02-01T00:00:00.000Z'],
    },
    {
      name: 'a list that is stale soon',
      cas: [cert],
      crls: () => [root.crl({ validity: ['20251201000000Z', '20260102000000Z'] })],
      said: ['the CRL of CN=Root CA in 0.crl is stale soon, at 2026-01-02T00:00:00.000Z'],
    },
    {
      name: 'a list of a day that was made this morning',
      cas: [cert],
      crls: () => [root.crl({ validity: ['20251231220000Z', '20260101220000Z'] })],
      said: [],
    },
    {
      name: 'a list of the future',
      cas: [cert],
      crls: () => [root.crl({ validity: ['20270101000000Z', '20990101000000Z'] })],
      said: ['the CRL of CN=Root CA in 0.crl is not valid before 2027-01-01T00:00:00.000Z'],
    },
    {
      name: 'a list without an end',
      cas: [cert],
      crls: () => [oddCrl(root.credentials, { nextUpdate: new Uint8Array() })],
      said: ['the CRL of CN=Root CA in 0.crl does not say until when it holds'],
    },
    {
      name: 'a list that does not vouch for what it does not name',
      cas: [cert],
      crls: () => [oddCrl(root.credentials, { extensions: [extension('1.2.3', utcTime('x'), true)] })],
      said: [
        'in 0.crl, of CN=Root CA: its CRL has the unknown critical extension 1.2.3: what it does not list counts as unknown',
      ],
    },
    {
      name: 'a list that is not signed',
      cas: [cert],
      crls: () => [oddCrl(root.credentials, { signature: () => Buffer.alloc(70) })],
      said: ['the CRL of CN=Root CA in 0.crl cannot be used: its CA has not signed it'],
    },
    {
      name: 'a file that is not a list',
      cas: [cert],
      crls: () => ['rubbish'],
      said: [
        'a CRL in 0.crl cannot be used: 0.crl holds no CRL',
        'it is not known what the CA CN=Root CA has revoked (there is no CRL of it): revoked certificates log in',
      ],
    },
    {
      name: 'a list of CA certificates',
      cas: [cert],
      crls: () => [root.crl({ extensions: ['2.5.29.28=critical,DER:30038201ff'] })],
      said: [
        'it is not known what the CA CN=Root CA has revoked (its CRL covers CA certificates only): revoked certificates log in',
      ],
    },
  ])('$name', async ({ cas, crls, said }) => {
    expect((await examine(cas, crls())).said).toEqual(said)
  })

  it('says what the lists cover', async () => {
    const bob = root.issue({ subject: '/CN=bob' })
    const users = root.crl({ revoked: [bob], extensions: ['2.5.29.28=critical,DER:30038101ff'] })
    expect((await examine([cert], [users])).covered).toEqual([
      'CRL of CN=Root CA in 0.crl, 1 revoked, holds until 2099-01-01T00:00:00.000Z, user certificates only',
    ])
  })

  it('says what follows in the strict mode', async () => {
    const { said } = await examine([cert], [], 'hard')
    expect(said).toEqual([
      'it is not known what the CA CN=Root CA has revoked (there is no CRL of it): nobody logs in with its certificates',
    ])
  })

  it('refuses what keeps serve from starting', async () => {
    const leaf = root.issue({ subject: '/CN=leaf' }).cert
    await expect(examine([leaf], [])).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/not a CA's/),
    })
  })
})
