import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, verify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareRoot, sign } from '../../../src/pki/issue/issue.ts'
import { loadIssuer } from '../../../src/pki/issue/issuer.ts'
import { KEY_TYPES } from '../../../src/pki/keys/algorithms.ts'
import { endPointHash, onlineKey, type SigningKey, softwareKey } from '../../../src/pki/keys/signature.ts'
import { createCrl } from '../../../src/pki/revocation/crl.ts'
import { type Folder, NOW, openssl, readOctets, temporaryFolder, testClient, testKeys } from '../support.ts'

let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

const OCTETS = Buffer.from('to be signed')

describe.each([
  ['softwareKey', softwareKey],
  ['onlineKey', onlineKey],
])('%s', (_, makeKey) => {
  it.each(KEY_TYPES)('signs with the hash that belongs to %s', async (type) => {
    const { privateKey, publicKey } = await testKeys(type)
    const key = makeKey(privateKey)
    expect(key.algorithm.id).toBe(type)
    expect(key.publicKey.equals(publicKey)).toBe(true)
    const hash = key.algorithm.signatureHash?.replace('-', '') ?? null
    expect(verify(hash, OCTETS, publicKey, await key.sign(OCTETS))).toBe(true)
  })

  it('refuses a key of a type that no certificate gets', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    expect(() => makeKey(privateKey)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })
})

/** A key that this process never sees: another one signs. */
async function keyElsewhere(): Promise<SigningKey> {
  const { privateKey, publicKey, algorithm } = await testKeys('ec:p256')
  const file = folder.write('elsewhere.key', privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return {
    publicKey,
    algorithm,
    sign: async (octets) => spawnSync('openssl', ['dgst', '-sha256', '-sign', file], { input: octets }).stdout,
  }
}

describe('a SigningKey that is elsewhere', () => {
  it('makes a root, client certificates and CRLs that openssl accepts', async () => {
    const key = await keyElsewhere()
    const about = { commonName: 'Far Root', days: 3650, permitDomains: [], now: NOW }
    const root = await sign(prepareRoot({ ...about, keys: key }), key)
    const issuer = loadIssuer(root.pem, key, 'root.pem')
    const client = await testClient(issuer, 'alice@example.org')
    const nextUpdate = new Date('2126-01-01T00:00:00Z')
    const crl = await createCrl({ issuer, entries: [], number: 1n, thisUpdate: NOW, nextUpdate })
    folder.write('root.pem', root.pem)
    folder.write('client.pem', client.pem)
    folder.write('root.crl', crl.pem)
    const at = ['-attime', String(NOW.getTime() / 1000)]
    const files = ['-CAfile', 'root.pem', '-CRLfile', 'root.crl']
    expect(openssl(folder, 'verify', '-x509_strict', '-crl_check', ...at, ...files, 'client.pem')).toContain('OK')
  })

  it('is found out when it signs with another key', async () => {
    const { publicKey, algorithm } = await testKeys('ec:p256')
    const { sign: signElsewhere } = await keyElsewhere()
    const key = { publicKey, algorithm, sign: signElsewhere }
    const prepared = prepareRoot({ commonName: 'Root', days: 3650, permitDomains: [], now: NOW, keys: key })
    await expect(sign(prepared, key)).rejects.toThrow('does not verify')
  })
})

describe('endPointHash (RFC 5929 §4.1)', () => {
  it.each([
    { made: ['-newkey', 'rsa:2048', '-sha256'], hash: 'sha256' },
    { made: ['-newkey', 'rsa:2048', '-sha384'], hash: 'sha384' },
    { made: ['-newkey', 'rsa:2048', '-sha512'], hash: 'sha512' },
    // MD5 and SHA-1 give way to SHA-256.
    { made: ['-newkey', 'rsa:2048', '-sha1'], hash: 'sha256' },
    { made: ['-newkey', 'rsa:2048', '-md5'], hash: 'sha256' },
    { made: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-sha256'], hash: 'sha256' },
    { made: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384'], hash: 'sha384' },
    { made: ['-newkey', 'rsa:2048', '-sha384', '-sigopt', 'rsa_padding_mode:pss'], hash: 'sha384' },
    { made: ['-newkey', 'rsa:2048', '-sha1', '-sigopt', 'rsa_padding_mode:pss'], hash: 'sha256' },
    { made: ['-newkey', 'ed25519'], hash: undefined },
  ])('of $made is $hash', ({ made, hash }) => {
    const files = ['-keyout', 'end.key', '-out', 'end.der', '-outform', 'DER']
    openssl(folder, 'req', '-x509', '-nodes', ...made, '-subj', '/CN=end', '-days', '30', ...files)
    expect(endPointHash(readOctets(folder, 'end.der'))).toBe(hash)
  })
})
