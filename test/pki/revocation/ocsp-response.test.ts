import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareOcspResponder, sign } from '../../../src/pki/issue/issue.ts'
import type { Issuer } from '../../../src/pki/issue/issuer.ts'
import type { KeyType } from '../../../src/pki/keys/algorithms.ts'
import { onlineKey } from '../../../src/pki/keys/signature.ts'
import { readOcspRequest } from '../../../src/pki/revocation/ocsp-request.ts'
import {
  type CertStatus,
  createOcspResponse,
  loadOcspResponder,
  type OcspError,
  type OcspResponder,
  ocspError,
} from '../../../src/pki/revocation/ocsp-response.ts'
import { REVOCATION_REASONS } from '../../../src/pki/revocation/revocation-reason.ts'
import {
  type Folder,
  openssl,
  readOctets,
  temporaryFolder,
  testClient,
  testIssuing,
  testKeys,
  testRoot,
  tryOpenssl,
} from '../support.ts'

// openssl holds the times of a response against its own clock.
const NOW = new Date()
const NEXT = new Date(NOW.getTime() + 3_600_000)
const REVOKED_AT = new Date('2026-01-02T03:04:05.000Z')

let folder: Folder
let root: Issuer
let responder: OcspResponder
const serials = new Map<string, string>()
beforeAll(async () => {
  folder = temporaryFolder()
  root = await testRoot({ now: NOW })
  responder = await responderOf(root, 'ec:p256')
  folder.write('root.pem', root.certificate.pem)
  for (const name of ['alice', 'bob', 'carol']) {
    const { pem, serial } = await testClient(root, `${name}@example.org`, { now: NOW })
    folder.write(`${name}.pem`, pem)
    serials.set(name, serial)
  }
})
afterAll(() => folder.remove())

async function responderOf(issuer: Issuer, type: KeyType): Promise<OcspResponder> {
  const { publicKey, privateKey } = await testKeys(type)
  const request = { commonName: 'Test OCSP', publicKey, days: 30, now: NOW, issuer }
  const { pem } = await sign(prepareOcspResponder(request), issuer.key)
  return loadOcspResponder(pem, onlineKey(privateKey), issuer.key.publicKey, 'ocsp.crt')
}

/** What the request of openssl in `request.der` is answered with. */
async function answer(statusOf: (serial: string) => CertStatus, by = responder): Promise<Uint8Array> {
  const request = readOcspRequest(readOctets(folder, 'request.der'))
  if (request === 'malformedRequest') throw new Error('malformed')
  const times = { producedAt: NOW, thisUpdate: NOW, nextUpdate: NEXT }
  return createOcspResponse({ ...times, request, responder: by, statusOf: ({ serial }) => statusOf(serial) })
}

/** Asks with openssl, answers, and lets openssl judge the answer; `statusOf` goes by serial number. */
async function ask(
  certificates: readonly string[],
  statusOf: (serial: string) => CertStatus,
  options: { by?: OcspResponder; issuer?: string; flags?: readonly string[] } = {},
) {
  const { by, issuer = 'root.pem', flags = [] } = options
  // Told what it asked about, openssl makes a request of its own to compare with, and its nonce would be another.
  const about = ['-issuer', issuer, '-no_nonce', ...certificates.flatMap((name) => [...flags, '-cert', `${name}.pem`])]
  openssl(folder, 'ocsp', ...about, '-reqout', 'request.der')
  folder.write('response.der', await answer(statusOf, by))
  return tryOpenssl(folder, ['ocsp', ...about, '-respin', 'response.der', '-CAfile', 'root.pem', '-text'])
}

const good = (): CertStatus => ({ status: 'good' })

describe('createOcspResponse (RFC 6960 §4.2)', () => {
  it.each<KeyType>(['ec:p256', 'ec:p384', 'ed25519', 'rsa:2048'])('is verified by openssl: %s', async (type) => {
    const { stdout, stderr, status } = await ask(['alice'], good, { by: await responderOf(root, type) })
    expect({ stderr, status }).toEqual({ stderr: 'Response verify OK\n', status: 0 })
    expect(stdout).toContain('alice.pem: good')
  })

  it('answers every question with its own status, in order', async () => {
    const byName: Record<string, CertStatus> = {
      alice: { status: 'good' },
      bob: { status: 'revoked', revokedAt: REVOKED_AT, reason: 'keyCompromise' },
      carol: { status: 'unknown' },
    }
    const bySerial = new Map(Object.entries(byName).map(([name, status]) => [serials.get(name), status]))
    const names = ['carol', 'alice', 'bob']
    const { stdout, stderr } = await ask(names, (serial) => bySerial.get(serial) ?? good(), { flags: ['-sha256'] })
    expect(stderr).toContain('Response verify OK')
    expect(stdout).toContain('alice.pem: good')
    expect(stdout).toMatch(
      /bob\.pem: revoked\n.*\n.*\n\s+Reason: keyCompromise\n\s+Revocation Time: Jan {2}2 03:04:05 2026/,
    )
    expect(stdout).toContain('carol.pem: unknown')
    expect(stdout).toContain('Hash Algorithm: sha256')
    const [, answered = ''] = stdout.split('OCSP Response Data:')
    expect([...answered.matchAll(/Cert Status: (\w+)/g)].map(([, status]) => status)).toEqual([
      'unknown',
      'good',
      'revoked',
    ])
  })

  it('gives every reason by its number, unspecified by silence (RFC 5280 §5.3.1)', async () => {
    const codes = { keyCompromise: 1, cACompromise: 2, affiliationChanged: 3, superseded: 4, cessationOfOperation: 5 }
    const bySerial = new Map(REVOCATION_REASONS.map((reason, at) => [`0${at + 1}`, reason]))
    const about = [...bySerial.keys()].flatMap((serial) => ['-serial', serial])
    openssl(folder, 'ocsp', '-issuer', 'root.pem', ...about, '-reqout', 'request.der')
    const statusOf = (serial: string): CertStatus => {
      return { status: 'revoked', revokedAt: REVOKED_AT, reason: bySerial.get(serial) }
    }
    folder.write('response.der', await answer(statusOf))
    const { stdout } = tryOpenssl(folder, ['ocsp', '-respin', 'response.der', '-noverify', '-text'])
    const printed = [...stdout.matchAll(/Revocation Reason: .* \(0x(\w+)\)/g)].map(([, code = '']) =>
      parseInt(code, 16),
    )
    const expected: Record<string, number> = { ...codes, privilegeWithdrawn: 9, aACompromise: 10 }
    expect(printed).toEqual(REVOCATION_REASONS.flatMap((reason) => expected[reason] ?? []))
    expect(stdout.match(/Cert Status: revoked/g)).toHaveLength(printed.length + 1)
  })

  it('names the responder by its key, carries its certificate and states its times', async () => {
    const { stdout } = await ask(['alice'], good)
    expect(stdout).toMatch(/Responder Id: [0-9A-F]{40}\n/)
    expect(stdout).toMatch(/Subject: CN ?= ?Test OCSP\n/)
    const printed = new Date(Math.floor(NEXT.getTime() / 1000) * 1000).toUTCString().slice(17, 25)
    expect(stdout).toMatch(new RegExp(`Next Update: .* ${printed} `))
  })

  it('repeats the nonce, which openssl insists on, and adds none (RFC 9654 §2.1)', async () => {
    const about = ['-issuer', 'root.pem', '-cert', 'alice.pem']
    openssl(folder, 'ocsp', ...about, '-reqout', 'request.der')
    folder.write('response.der', await answer(good))
    const judge = ['-respin', 'response.der', '-CAfile', 'root.pem', '-issuer', 'root.pem', '-text']
    const { stdout, stderr } = tryOpenssl(folder, ['ocsp', '-reqin', 'request.der', ...judge])
    expect(stderr).toBe('Response verify OK\n')
    expect(stdout.match(/OCSP Nonce/g)).toHaveLength(2)
    // To another request the same answer is an old one.
    expect(tryOpenssl(folder, ['ocsp', ...judge, ...about]).stderr).toContain('Nonce Verify error')
    expect((await ask(['alice'], good)).stdout).not.toContain('OCSP Nonce')
  })

  it('is accepted for an issuing CA only from a responder of that CA (§4.2.2.2)', async () => {
    const issuing = await testIssuing(root, { now: NOW })
    const { pem } = await testClient(issuing, 'dave@example.org', { now: NOW })
    folder.write('dave.pem', pem)
    const issuer = folder.write('issuing.pem', issuing.certificate.pem)
    const flags = ['-verify_other', 'issuing.pem']
    const own = await ask(['dave'], good, { issuer, by: await responderOf(issuing, 'ec:p256'), flags })
    expect(own.stderr).toContain('Response verify OK')
    expect(own.stdout).toContain('dave.pem: good')
    const other = await ask(['dave'], good, { issuer, flags })
    expect(other.stderr).toContain('Response Verify Failure')
  })

  it('is refused by openssl once it is changed', async () => {
    await ask(['alice'], () => ({ status: 'revoked', revokedAt: REVOKED_AT }))
    const forged = readOctets(folder, 'response.der')
    const at = forged.indexOf('20260102030405Z', 0, 'latin1')
    expect(at).toBeGreaterThan(0)
    forged.write('20270102030405Z', at, 'latin1')
    const about = ['-issuer', 'root.pem', '-cert', 'alice.pem', '-CAfile', 'root.pem', '-no_nonce']
    const { stderr } = tryOpenssl(folder, ['ocsp', ...about, '-respin', folder.write('forged.der', forged)])
    expect(stderr).toContain('Response Verify Failure')
  })

  it('passes on what the callback throws, and refuses times that cannot be', async () => {
    openssl(folder, 'ocsp', '-issuer', 'root.pem', '-cert', 'alice.pem', '-reqout', 'request.der')
    const request = readOcspRequest(readOctets(folder, 'request.der'))
    if (request === 'malformedRequest') throw new Error('malformed')
    const asked = { request, responder, producedAt: NOW, thisUpdate: NOW }
    const failing = () => {
      throw new Error('the ledger is locked')
    }
    await expect(createOcspResponse({ ...asked, nextUpdate: NEXT, statusOf: failing })).rejects.toThrow('locked')
    await expect(createOcspResponse({ ...asked, nextUpdate: NOW, statusOf: good })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    })
  })
})

describe('ocspError (RFC 6960 §4.2.1)', () => {
  it.each<[OcspError, string]>([
    ['malformedRequest', 'malformedrequest (1)'],
    ['internalError', 'internalerror (2)'],
    ['tryLater', 'trylater (3)'],
    ['unauthorized', 'unauthorized (6)'],
  ])('%s', (error, printed) => {
    folder.write('error.der', ocspError(error))
    const { stdout } = tryOpenssl(folder, ['ocsp', '-respin', 'error.der', '-text'])
    expect(stdout).toContain(`Responder Error: ${printed}`)
  })
})

describe('loadOcspResponder', () => {
  it('refuses the key of another, other certificates, and responders of other CAs', async () => {
    const { publicKey, privateKey } = await testKeys('ec:p256')
    const prepared = prepareOcspResponder({ commonName: 'Test OCSP', publicKey, days: 30, now: NOW, issuer: root })
    const { pem } = await sign(prepared, root.key)
    const load = (text: string, key = privateKey, issuerKey = root.key.publicKey) =>
      loadOcspResponder(text, onlineKey(key), issuerKey, 'ocsp.crt')
    const other = await testKeys('ec:p256')
    expect(() => load(pem, other.privateKey)).toThrow('ocsp.crt does not belong to its private key')
    expect(() => load(pem, privateKey, other.publicKey)).toThrow('ocsp.crt was issued by another CA (CN=Test OCSP)')
    const client = await testClient(root, 'alice@example.org', { now: NOW })
    expect(() => load(client.pem, client.keys.privateKey)).toThrow('ocsp.crt may not sign OCSP responses (CN=alice)')
    expect(() => load('hello')).toThrow('ocsp.crt holds no CERTIFICATE in PEM form')
    expect(load(pem).notAfter.getTime()).toBeGreaterThan(NOW.getTime())
  })
})
