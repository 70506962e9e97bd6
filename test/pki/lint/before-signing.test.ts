import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { prepareClient, prepareServer, sign } from '../../../src/pki/issue/issue.ts'
import { loadIssuer } from '../../../src/pki/issue/issuer.ts'
import { decodePrivateKey } from '../../../src/pki/keys/keys.ts'
import { softwareKey } from '../../../src/pki/keys/signature.ts'
import { lintCertificate } from '../../../src/pki/lint/lint.ts'
import { readCertificates } from '../../../src/pki/x509/certificate-file.ts'
import { generator, mutate } from '../mutations.ts'
import {
  account,
  type Folder,
  opensslCertificate,
  temporaryFolder,
  testClient,
  testKeys,
  testRoot,
} from '../support.ts'

let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

describe('sign and the rules of lint', () => {
  it('does not sign what breaks one', async () => {
    const { pem } = opensslCertificate(folder, {
      subject: 'CN=unused',
      extensions: 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\nsubjectKeyIdentifier=hash',
      flags: ['-subj', '/'],
    })
    const key = softwareKey(decodePrivateKey(folder.read('made.key'), { source: 'made.key' }).privateKey)
    const issuer = loadIssuer(pem, key, 'made.pem')
    const { publicKey } = await testKeys('ec:p256')
    const prepared = prepareClient({ jid: account('alice@example.org'), publicKey, days: 1, now: new Date(), issuer })
    await expect(sign(prepared, key)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: 'the certificate would break the rule issuer-present: the name of the issuer is empty',
      spec: 'RFC 5280 §4.1.2.4',
    })
  })

  it('signs what is only warned about', async () => {
    const now = new Date('2026-03-01T12:00:00.000Z')
    const issuer = await testRoot({ now })
    const { publicKey } = await testKeys('ec:p256')
    const prepared = prepareServer({ domains: ['example.org'], publicKey, days: 900, now, issuer })
    const { findings } = lintCertificate((await sign(prepared, issuer.key)).der, { source: 'made' })
    expect(findings).toMatchObject([{ rule: 'server-lifetime', severity: 'warning' }])
  })
})

describe('lintCertificate and 3,000 mutated certificates', () => {
  it('gives findings or an XmppkiError each', async () => {
    const root = await testRoot()
    const seeds = [root.certificate.der, (await testClient(root, 'alice@example.org')).der].map((der) =>
      Buffer.from(der),
    )
    const random = generator(7)
    let readable = 0
    for (let round = 0; round < 3000; round += 1) {
      const input = mutate(seeds[round % 2] ?? Buffer.alloc(0), seeds, random)
      try {
        for (const der of readCertificates(input, 'FILE')) lintCertificate(der, { source: 'FILE' })
        readable += 1
      } catch (error) {
        if (!(error instanceof XmppkiError)) throw new Error(`${input.toString('base64')}`, { cause: error })
      }
    }
    expect(readable).toBeGreaterThan(500)
    expect(readable).toBeLessThan(2900)
  })
})
