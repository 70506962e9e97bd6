import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { createCsr } from '../../../src/pki/csr/csr.ts'
import { readSingle, TAG } from '../../../src/pki/der/der.ts'
import { encodePem } from '../../../src/pki/der/pem.ts'
import { type Inspected, inspect } from '../../../src/pki/inspect/inspect.ts'
import { inspectedRows } from '../../../src/pki/inspect/inspected-rows.ts'
import { prepareIssuingCa, sign } from '../../../src/pki/issue/issue.ts'
import type { Issuer } from '../../../src/pki/issue/issuer.ts'
import { KEY_TYPES } from '../../../src/pki/keys/algorithms.ts'
import { encodePrivateKey } from '../../../src/pki/keys/keys.ts'
import { encodePkcs12 } from '../../../src/pki/pkcs12/pkcs12.ts'
import { createCrl } from '../../../src/pki/revocation/crl.ts'
import { cpuTime } from '../../support/processes/cpu-time.ts'
import { generator, mutate, toBer } from '../mutations.ts'
import { account, type Folder, NOW, openssl, temporaryFolder, testClient, testKeys, testRoot } from '../support.ts'

let folder: Folder
let root: Issuer
let client: Awaited<ReturnType<typeof testClient>>
beforeAll(async () => {
  folder = temporaryFolder()
  root = await testRoot()
  client = await testClient(root, 'alice@example.org')
  folder.write('alice.crt', client.pem)
  folder.write('alice.key', await encodePrivateKey(client.keys.privateKey))
})
afterAll(() => folder.remove())

async function look(octets: Uint8Array | string, password?: string): Promise<readonly Inspected[]> {
  return inspect(Buffer.from(octets), { source: 'FILE', password })
}

function crlOf(issuer: Issuer) {
  const entries = [{ serial: 'abcd', revokedAt: NOW, reason: 'keyCompromise' as const }]
  return createCrl({ issuer, entries, number: 3n, thisUpdate: NOW, nextUpdate: new Date('2026-04-01') })
}

function bundle(format: 'modern' | 'compat') {
  return encodePkcs12({
    key: client.keys.privateKey,
    certificate: client.pem,
    chain: [root.certificate.pem],
    friendlyName: 'alice@example.org',
    password: 'secret',
    format,
  })
}

describe('inspect', () => {
  it('tells what a certificate says, PEM and DER alike', async () => {
    const [found] = await look(client.pem)
    expect(found).toMatchObject({
      kind: 'certificate',
      commonNames: ['alice'],
      xmppAddrs: ['alice@example.org'],
      key: { label: 'ECDSA P-256' },
      signatureAlgorithm: 'ecdsa-with-SHA256',
      selfIssued: false,
    })
    expect(await look(client.der)).toEqual([found])
    expect(await look(root.certificate.pem)).toMatchObject([{ selfIssued: true, isCa: true }])
  })

  it('shows where to ask about a certificate (RFC 5280 §4.2.1.13, §4.2.2.1)', async () => {
    const base = 'http://pki.example.org'
    const caUrls = { crlUrl: `${base}/ca.crl`, ocspUrl: `${base}/ocsp`, issuerUrl: `${base}/ca.crt` }
    const { publicKey } = client.keys
    const request = { commonName: 'Issuing', publicKey, days: 9, now: NOW, issuer: root, caUrls }
    const [found] = await look((await sign(prepareIssuingCa(request), root.key)).der)
    if (found === undefined) throw new Error('not reached')
    expect(found).toMatchObject({
      crlUrls: [caUrls.crlUrl],
      ocspUrls: [caUrls.ocspUrl],
      issuerUrls: [caUrls.issuerUrl],
    })
    const { rows } = inspectedRows(found)
    expect(rows).toContainEqual(['CRL', caUrls.crlUrl])
    expect(rows).toContainEqual(['OCSP', caUrls.ocspUrl])
    expect(rows).toContainEqual(['issuer at', caUrls.issuerUrl])
    const [plain] = await look(client.pem)
    expect(plain).toMatchObject({ crlUrls: [], ocspUrls: [], issuerUrls: [] })
  })

  it('reads every certificate and key of one file, and the text around them', async () => {
    const key = await encodePrivateKey(client.keys.privateKey)
    const found = await look(`0 subject=alice\n${client.pem}and\n${root.certificate.pem}${key}`)
    expect(found.map(({ kind }) => kind)).toEqual(['certificate', 'certificate', 'private-key'])
    const [certificate, , secret] = found
    if (certificate?.kind !== 'certificate' || secret?.kind !== 'private-key') throw new Error('not reached')
    expect(secret.key?.fingerprint).toBe(certificate.key?.fingerprint)
  })

  it.each(KEY_TYPES)('reads keys of type %s in every form', async (type) => {
    const { privateKey, publicKey } = await testKeys(type)
    const forms = [
      privateKey.export({ type: 'pkcs8', format: 'der' }),
      privateKey.export({ type: 'pkcs8', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      publicKey.export({ type: 'spki', format: 'pem' }),
      ...(type.startsWith('rsa') ? [privateKey.export({ type: 'pkcs1', format: 'der' })] : []),
      ...(type.startsWith('ec:') ? [privateKey.export({ type: 'sec1', format: 'pem' })] : []),
    ]
    const found = await Promise.all(forms.map(async (form) => (await look(form))[0]))
    const keys = found.map((item) => (item && 'key' in item ? item.key : undefined))
    expect(new Set(keys.map((key) => key?.fingerprint)).size).toBe(1)
    expect(keys[0]?.label).toMatch(/^(ECDSA P-|Ed25519|RSA )/)
  })

  it.each([
    [
      'PBES2 of openssl',
      ['pkcs8', '-topk8', '-passout', 'pass:secret'],
      /^PBES2 with AES-256-CBC, HMAC-SHA256, 2048 r/,
    ],
    ['3DES', ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-3DES', '-passout', 'pass:secret'], /^3DES with SHA-1, 2048 rounds$/],
    ['traditional', ['ec', '-des3', '-passout', 'pass:secret'], /^traditional PEM with DES-EDE3-CBC$/],
  ])('opens an encrypted key: %s', async (_, args, label) => {
    openssl(folder, ...args, '-in', 'alice.key', '-out', 'encrypted.key')
    const text = folder.read('encrypted.key')
    expect(await look(text)).toMatchObject([{ encryption: expect.stringMatching(label), key: undefined }])
    const [plain] = await look(folder.read('alice.key'))
    expect(await look(text, 'secret')).toMatchObject([{ key: plain && 'key' in plain ? plain.key : undefined }])
    await expect(look(text, 'wrong')).rejects.toMatchObject({ code: 'PASSPHRASE' })
  })

  it('reads a request and its proof of possession', async () => {
    const csr = await createCsr({ keys: client.keys, jid: account('alice@example.org') })
    expect(await look(csr)).toMatchObject([
      { kind: 'request', signature: 'valid', names: { xmppAddrs: ['alice@example.org'] } },
    ])
  })

  it('reads a CRL', async () => {
    const { pem, der } = await crlOf(root)
    const [found] = await look(pem)
    expect(found).toMatchObject({ kind: 'crl', number: '3', entries: [{ serial: 'abcd', reason: 'keyCompromise' }] })
    expect(await look(der)).toEqual([found])
    expect(JSON.parse(JSON.stringify(found))).toMatchObject({ thisUpdate: NOW.toISOString() })
  })

  it.each([
    ['modern', /^PBES2 with AES-256-CBC, HMAC-SHA256, 10000 rounds$/, 'sha256'],
    ['compat', /^3DES with SHA-1, 10000 rounds$/, 'sha1'],
  ] as const)('opens a %s bundle of ours, and shows its outside without a password', async (format, label, hash) => {
    const octets = await bundle(format)
    const outside = { kind: 'pkcs12', mac: { hash, iterations: 10_000 }, encryption: [expect.stringMatching(label)] }
    expect(await look(octets)).toMatchObject([{ ...outside, opened: false, contents: [] }])
    const inside = [
      { kind: 'certificate', commonNames: ['alice'], friendlyName: 'alice@example.org' },
      { kind: 'certificate', isCa: true },
      {
        kind: 'private-key',
        friendlyName: 'alice@example.org',
        key: { label: 'ECDSA P-256' },
        encryption: expect.stringMatching(label),
      },
    ]
    expect(await look(octets, 'secret')).toMatchObject([{ ...outside, opened: true, contents: inside }])
    await expect(look(octets, 'wrong')).rejects.toMatchObject({
      code: 'PASSPHRASE',
      message: 'wrong password for FILE, or it was changed',
    })
  })

  it('opens a bundle in BER, as NSS writes them, but takes nothing else in BER', async () => {
    const ber = toBer(readSingle(await bundle('modern'), TAG.sequence))
    expect(await look(ber, 'secret')).toMatchObject([
      { opened: true, contents: [{ fingerprint: client.fingerprint }, { isCa: true }, { kind: 'private-key' }] },
    ])
    await expect(look(toBer(readSingle(client.der, TAG.sequence)))).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })

  it.each([
    ['as openssl makes it', []],
    ['with SHA-512 and few rounds', ['-macalg', 'sha512', '-iter', '1']],
    ['without a MAC', ['-nomac']],
    ['with nothing encrypted', ['-keypbe', 'NONE', '-certpbe', 'NONE']],
    ['with old 3DES', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
  ])('opens a bundle %s', async (_, flags) => {
    const files = ['-in', 'alice.crt', '-inkey', 'alice.key', '-out', 'made.p12', '-passout', 'pass:secret']
    openssl(folder, 'pkcs12', '-export', ...files, ...flags)
    const octets = openssl(folder, 'base64', '-A', '-in', 'made.p12')
    const [found] = await look(Buffer.from(octets, 'base64'), 'secret')
    expect(found).toMatchObject({
      opened: true,
      contents: [{ kind: 'certificate', fingerprint: client.fingerprint }, { kind: 'private-key' }],
    })
  })

  it.each([
    ['nothing', '', 'is neither PEM nor DER'],
    ['text', 'hello', 'is neither PEM nor DER'],
    ['other DER', Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x05), 'is DER, but nothing that is known here'],
    ['a block that is not base64', '-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n', 'not valid base64'],
    ['an empty indefinite length', Uint8Array.of(0x30, 0x80, 0, 0), 'is neither PEM nor DER'],
  ])('refuses %s', async (_, octets, message) => {
    await expect(look(octets)).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(message) })
  })

  it('does not hash for hours because a file wants it', async () => {
    openssl(folder, 'pkcs8', '-topk8', '-iter', '65535', '-passout', 'pass:x', '-in', 'alice.key', '-out', 'slow.key')
    const slow = Buffer.from(folder.read('slow.key').replace(/-----.*-----/g, ''), 'base64')
    slow.set([0x7f, 0xff, 0xff], slow.indexOf(Uint8Array.of(2, 3, 0, 0xff, 0xff)) + 2)
    await expect(look(slow, 'x')).rejects.toThrow('FILE asks for 8388607 rounds of hashing')
  })
})

async function fuzzSeeds(): Promise<Buffer[]> {
  const csr = await createCsr({ keys: client.keys, jid: account('alice@example.org') })
  const files = ['-in', 'alice.crt', '-inkey', 'alice.key', '-out', 'fuzz.p12', '-passout', 'pass:secret']
  openssl(folder, 'pkcs12', '-export', ...files, '-iter', '1')
  openssl(folder, 'pkcs8', '-topk8', '-iter', '1', '-passout', 'pass:secret', '-in', 'alice.key', '-out', 'fuzz.key')
  const p12 = Buffer.from(openssl(folder, 'base64', '-A', '-in', 'fuzz.p12'), 'base64')
  const crl = await crlOf(root)
  const der = (pem: string) => Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
  const key = client.keys.privateKey
  return [
    ...[client.pem, csr, crl.pem, folder.read('fuzz.key'), key.export({ type: 'sec1', format: 'pem' })],
    ...[
      client.der,
      root.certificate.der,
      der(csr),
      crl.der,
      p12,
      toBer(readSingle(p12, TAG.sequence)),
      der(folder.read('fuzz.key')),
    ],
    ...[key.export({ type: 'pkcs8', format: 'der' }), client.keys.publicKey.export({ type: 'spki', format: 'der' })],
  ].map((seed) => Buffer.from(seed))
}

/** Whether it could be read; anything but an XmppkiError that is the user's fault ends the test. */
async function isReadable(input: Buffer, password: string | undefined): Promise<boolean> {
  try {
    await inspect(input, { source: 'FILE', password })
    return true
  } catch (error) {
    if (!(error instanceof XmppkiError) || error.code === 'INTERNAL') {
      throw new Error(`mutated input: ${input.toString('base64')}`, { cause: error })
    }
    return false
  }
}

const SLOW_MS = 2_000

/** Whether it can be read, and in which time; what is slow is slow again. */
async function timed(input: Buffer, password: string | undefined, isAgain = false): Promise<[boolean, number]> {
  const start = cpuTime()
  const isGood = await isReadable(input, password)
  const took = cpuTime() - start
  return took > SLOW_MS && !isAgain ? timed(input, password, true) : [isGood, took]
}

describe('inspect and 10,000 mutated inputs', () => {
  it('gives a result or an XmppkiError each, soon', { timeout: 60_000 }, async () => {
    const seeds = await fuzzSeeds()
    const random = generator(42)
    let [readable, slowest] = [0, 0]
    for (let round = 0; round < 10_000; round += 1) {
      const seed = seeds[round % seeds.length] ?? Buffer.alloc(0)
      const mutated = mutate(seed, seeds, random)
      // Every second binary input goes through base64, so that the frame is whole and the inside is not.
      const framed = seed[0] === 0x30 && random(2) === 0
      const input = framed ? Buffer.from(encodePem('CERTIFICATE', mutated)) : mutated
      const password = random(2) === 0 ? 'secret' : undefined
      const [isGood, took] = await timed(input, password)
      if (isGood) readable += 1
      slowest = Math.max(slowest, took)
    }
    expect(slowest).toBeLessThan(SLOW_MS)
    expect(readable).toBeGreaterThan(500)
    expect(readable).toBeLessThan(9000)
  })
})

it('agrees with node about the fingerprint', async () => {
  const node = new X509Certificate(client.pem).fingerprint256.replaceAll(':', '').toLowerCase()
  expect(await look(client.pem)).toMatchObject([{ fingerprint: node }])
})
