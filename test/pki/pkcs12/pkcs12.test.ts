import { spawnSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSingle, TAG } from '../../../src/pki/der/der.ts'
import type { Issuer } from '../../../src/pki/issue/issuer.ts'
import { KEY_TYPES } from '../../../src/pki/keys/algorithms.ts'
import type { KeyPair } from '../../../src/pki/keys/keys.ts'
import { encodePkcs12, type Pkcs12Format } from '../../../src/pki/pkcs12/pkcs12.ts'
import { type Folder, openssl, temporaryFolder, testClient, testKeys, testRoot, tryOpenssl } from '../support.ts'

const PASSWORD = 'p12 secret'
const FORMATS: readonly Pkcs12Format[] = ['modern', 'compat']

let folder: Folder
let root: Issuer
beforeAll(async () => {
  folder = temporaryFolder()
  root = await testRoot()
})
afterAll(() => folder.remove())

async function bundle(options: { keys: KeyPair; format: Pkcs12Format; password?: string; friendlyName?: string }) {
  const client = await testClient(root, 'alice@example.org', { keys: options.keys })
  const p12 = await encodePkcs12({
    key: options.keys.privateKey,
    certificate: client.pem,
    chain: [root.certificate.der],
    friendlyName: options.friendlyName ?? 'alice@example.org',
    password: options.password ?? PASSWORD,
    format: options.format,
  })
  folder.write('made.p12', p12)
  return { client, p12 }
}

const info = (password: string, ...flags: string[]) =>
  openssl(folder, 'pkcs12', '-in', 'made.p12', '-info', '-passin', `pass:${password}`, '-nodes', ...flags)

describe.each(FORMATS)('a %s bundle', (format) => {
  it.each(KEY_TYPES)('with a key of type %s is read by openssl without -legacy and by node', async (type) => {
    const keys = await testKeys(type)
    const { client, p12 } = await bundle({ keys, format })
    const printed = info(PASSWORD)
    expect(createPrivateKey(printed.slice(printed.indexOf('-----BEGIN PRIVATE KEY'))).equals(keys.privateKey)).toBe(
      true,
    )
    const [leaf, ca, ...others] = printed.match(/-----BEGIN CERTIFICATE[\s\S]+?END CERTIFICATE-----/g) ?? []
    expect(new X509Certificate(leaf ?? '').serialNumber.toLowerCase()).toBe(client.serial)
    expect(new X509Certificate(ca ?? '').ca).toBe(true)
    expect(others).toEqual([])
    expect(() => createSecureContext({ pfx: p12, passphrase: PASSWORD })).not.toThrow()
  })

  it('ties key and certificate by localKeyId and friendlyName, and names the CA by neither', async () => {
    await bundle({ keys: await testKeys('ec:p256'), format })
    const printed = info(PASSWORD)
    expect(printed.match(/friendlyName: alice@example.org/g)).toHaveLength(2)
    const ids = printed.match(/localKeyID: [0-9A-F ]+/g) ?? []
    expect(ids).toHaveLength(2)
    expect(ids[0]).toBe(ids[1])
  })

  it('is DER: definite lengths, nothing behind', async () => {
    const { p12 } = await bundle({ keys: await testKeys('ec:p256'), format })
    expect(() => readSingle(p12, TAG.sequence)).not.toThrow()
  })

  it('shows nothing without the password, not even certificates', async () => {
    const { p12 } = await bundle({ keys: await testKeys('ec:p256'), format })
    expect(p12.includes('alice@example.org')).toBe(false)
    const result = tryOpenssl(folder, ['pkcs12', '-in', 'made.p12', '-nodes', '-passin', 'pass:wrong'])
    expect(result).toMatchObject({ status: 1, stdout: '' })
    expect(result.stderr).toContain('invalid password')
  })

  it('is authenticated: a flipped bit is noticed', async () => {
    const { p12 } = await bundle({ keys: await testKeys('ec:p256'), format })
    p12[200] = (p12[200] ?? 0) ^ 1
    folder.write('made.p12', p12)
    expect(tryOpenssl(folder, ['pkcs12', '-in', 'made.p12', '-nodes', '-passin', `pass:${PASSWORD}`]).status).not.toBe(
      0,
    )
  })

  it.each([
    ['ASCII with punctuation', `"'\\$(x)`],
    ['Latin', 'pässwörd'],
    ['beyond the BMP', 'pass😀word'],
    ['longer than a block of the hash', 'x'.repeat(100)],
  ])('takes a password in %s', async (_, password) => {
    const { client } = await bundle({ keys: await testKeys('ec:p256'), format, password })
    folder.write('password', password)
    const printed = openssl(folder, 'pkcs12', '-in', 'made.p12', '-nodes', '-passin', 'file:password')
    expect(printed).toContain(client.pem.trim())
  })

  it.each(['', ' ', '\t\n'])('refuses the blank password %j', async (password) => {
    const keys = await testKeys('ec:p256')
    await expect(bundle({ keys, format, password })).rejects.toMatchObject({ code: 'PASSPHRASE' })
  })

  it('carries a friendlyName outside ASCII', async () => {
    await bundle({ keys: await testKeys('ec:p256'), format, friendlyName: 'jörg@bücher.example' })
    // openssl prints the low octet of each UTF-16 unit, which is Latin-1.
    const printed = spawnSync('openssl', ['pkcs12', '-in', 'made.p12', '-nokeys', '-passin', `pass:${PASSWORD}`], {
      cwd: folder.path,
    })
    expect(printed.stdout.toString('latin1')).toContain('friendlyName: jörg@bücher.example')
  })
})

describe('the algorithms (RFC 7292, RFC 8018)', () => {
  it.each([
    ['modern', ['MAC: sha256, Iteration 10000', 'PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256']],
    ['compat', ['MAC: sha1, Iteration 10000', 'pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 10000']],
  ] as const)('%s', async (format, lines) => {
    await bundle({ keys: await testKeys('ec:p256'), format })
    const printed = info(PASSWORD)
    for (const line of lines) expect(printed).toContain(line)
    expect(printed).toContain('PKCS7 Encrypted data')
    expect(printed).toContain('Shrouded Keybag')
  })

  it('never repeats salts', async () => {
    const keys = await testKeys('ec:p256')
    const [a, b] = [await bundle({ keys, format: 'modern' }), await bundle({ keys, format: 'modern' })]
    expect(a.p12.subarray(80, 120).equals(b.p12.subarray(80, 120))).toBe(false)
  })
})
