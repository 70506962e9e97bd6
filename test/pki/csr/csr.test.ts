// The library wants the Reflect polyfill to be there before it.
import 'reflect-metadata'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCsr } from '../../../src/pki/csr/csr.ts'
import { KEY_TYPES } from '../../../src/pki/keys/algorithms.ts'
import { account, type Folder, openssl, temporaryFolder, testKeys } from '../support.ts'

let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

function inspect(pem: string): string {
  folder.write('made.csr', pem)
  return openssl(folder, 'req', '-verify', '-in', 'made.csr', '-noout', '-text')
}

describe('createCsr (RFC 2986)', () => {
  it.each(KEY_TYPES)('makes a request that openssl verifies with a key of type %s', async (type) => {
    const printed = inspect(await createCsr({ keys: await testKeys(type), jid: account('alice@example.org') }))
    expect(printed).toContain('self-signature verify OK')
    expect(printed).toMatch(/Subject: CN = alice\n/)
    expect(printed).toContain('XmppAddr::alice@example.org, email:alice@example.org')
  })

  it.each(KEY_TYPES)('makes a request that @peculiar/x509 reads and verifies with a key of type %s', async (type) => {
    const request = new Pkcs10CertificateRequest(
      await createCsr({ keys: await testKeys(type), jid: account('alice@example.org') }),
    )
    expect(request.subject).toBe('CN=alice')
    expect(request.extensions.map((extension) => extension.type)).toEqual(['2.5.29.17'])
    expect(await request.verify()).toBe(true)
  })

  it('signs with SHA-384 where the key is P-384', async () => {
    const csr = await createCsr({ keys: await testKeys('ec:p384'), jid: account('a@b') })
    expect(inspect(csr)).toContain('Signature Algorithm: ecdsa-with-SHA384')
  })

  it.each([
    ['another CN', 'phone of alice', 'alice', /Subject: CN = phone of alice\n/],
    ['a CN too long for one', 'x'.repeat(65), 'alice', /Subject: *\n[\s\S]*Subject Alternative Name: critical/],
    [
      'a localpart too long for one',
      undefined,
      'x'.repeat(65),
      /Subject: *\n[\s\S]*Subject Alternative Name: critical/,
    ],
  ])('%s', async (_, commonName, local, expected) => {
    const jid = account(`${local}@example.org`)
    expect(inspect(await createCsr({ keys: await testKeys('ec:p256'), commonName, jid }))).toMatch(expected)
  })
})
