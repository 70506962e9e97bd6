import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import type { PkiHttp } from '../../../src/service/publishing/pki-http.ts'
import { startPublishing } from '../../../src/service/publishing/publishing.ts'
import { RenewalScheduler } from '../../../src/service/renewal-scheduler.ts'
import { signerId } from '../../../src/workspace/base/authority.ts'
import { initIssuing } from '../../../src/workspace/ca/init-issuing.ts'
import type { IssuedClient } from '../../../src/workspace/clients/issue-client.ts'
import { revokeClients } from '../../../src/workspace/clients/revoke-clients.ts'
import { LogBook } from '../../support/servers/server.ts'
import { CaFolder, openssl } from '../../workspace/support.ts'

const nobody = () => Promise.reject(new Error('nobody should ask'))
const log = new LogBook()

let ca: CaFolder
let http: PkiHttp
let byRoot: IssuedClient
let alice: IssuedClient
let bob: IssuedClient
const source = () => ca.workspace.issuerSource(nobody)
const paths = () => ca.workspace.paths
const issuingCertificate = () => join(paths().issuing, 'issuing.crt')
const url = (path: string) => `http://127.0.0.1:${http.port}${path}`

beforeAll(async () => {
  ca = await new CaFolder().init()
  byRoot = await ca.issue('carol')
  await initIssuing(ca.workspace, {
    ...{ commonName: 'Issuing', algorithm: keyAlgorithm('ec:p256'), days: 1825, issuer: source() },
    ...{ passphrase: async () => undefined, ifMissing: false, replace: false },
  })
  alice = await ca.issue('alice', { issuer: source() })
  bob = await ca.issue('bob', { issuer: source() })
  await revokeClients(ca.workspace, {
    ...{ target: { serial: bob.serial }, reason: 'keyCompromise', crlDays: 7, issuer: source() },
  })
  await new RenewalScheduler(ca.workspace, { issuer: source, publishing: () => true, log }).start()
  http = await startPublishing(ca.workspace, { host: '127.0.0.1', port: 0, log })
})
afterAll(async () => {
  await http.stop()
  ca.remove()
})

/** A client of another process: the server is in this one, which must not be blocked. */
async function ocsp(issuer: string, asked: string | readonly string[], ...more: string[]): Promise<string> {
  const args = [
    'ocsp',
    '-issuer',
    issuer,
    ...(typeof asked === 'string' ? ['-cert', asked] : asked),
    '-url',
    url('/ocsp'),
    '-CAfile',
    paths().rootCertificate,
  ]
  return new Promise((resolve) => {
    execFile('openssl', [...args, ...more], (_error, stdout, stderr) => resolve(stdout + stderr))
  })
}

describe('OCSP over HTTP (RFC 6960), asked by openssl', () => {
  const below = () => ['-verify_other', issuingCertificate()]

  it('good, signed by a delegate of the CA', async () => {
    const answer = await ocsp(issuingCertificate(), alice.files.certificate, ...below())
    expect(answer).toContain('Response verify OK')
    expect(answer).toContain(': good')
  })

  it('revoked, with reason and time', async () => {
    const answer = await ocsp(issuingCertificate(), bob.files.certificate, ...below())
    expect(answer).toContain('Response verify OK')
    expect(answer).toMatch(/: revoked[\s\S]*Reason: keyCompromise/)
  })

  it('revoked a moment ago', async () => {
    const { serial, files } = await ca.issue('dave', { issuer: source() })
    expect(await ocsp(issuingCertificate(), files.certificate, ...below())).toContain(': good')
    await revokeClients(ca.workspace, {
      ...{ target: { serial }, reason: 'superseded', crlDays: 7, issuer: source() },
    })
    expect(await ocsp(issuingCertificate(), files.certificate, ...below())).toContain(': revoked')
  })

  it('for what the root has issued the delegate of the root answers', async () => {
    const answer = await ocsp(paths().rootCertificate, byRoot.files.certificate)
    expect(answer).toContain('Response verify OK')
    expect(answer).toContain(': good')
  })

  it('never issued: unknown (RFC 6960 §2.2)', async () => {
    const answer = await ocsp(issuingCertificate(), alice.files.certificate, ...below(), '-serial', '0x1234')
    expect(answer).toContain('0x1234: unknown')
  })

  it.each(['4711', '-05'])('revoked by its number alone, which the ledger did not know: %s', async (serial) => {
    const target = { serial, issuerId: ca.workspace.authority().id }
    await revokeClients(ca.workspace, { target, reason: 'keyCompromise', crlDays: 7, issuer: source() })
    const number = serial.replace(/^-?/, '$&0x')
    const answer = await ocsp(issuingCertificate(), ['-serial', number], ...below())
    expect(answer).toContain('Response verify OK')
    expect(answer).toMatch(/: revoked[\s\S]*Reason: keyCompromise/)
  })

  it('issued, but by the other CA: unknown', async () => {
    const serial = `0x${alice.serial}`
    expect(await ocsp(paths().rootCertificate, byRoot.files.certificate, '-serial', serial)).toContain(
      `${serial}: unknown`,
    )
  })

  it('another CA: unauthorized (RFC 6960 §2.3)', async () => {
    const other = await new CaFolder().init()
    const { files } = await other.issue('alice')
    expect(await ocsp(other.workspace.paths.rootCertificate, files.certificate)).toContain('unauthorized')
    other.remove()
  })

  it('by GET (RFC 6960 §A.1)', async () => {
    const request = ca.path('request.der')
    openssl('ocsp', '-issuer', issuingCertificate(), '-cert', alice.files.certificate, '-no_nonce', '-reqout', request)
    const path = encodeURIComponent(readFileSync(request).toString('base64'))
    const response = await fetch(url(`/ocsp/${path}`))
    expect(response.headers.get('content-type')).toBe('application/ocsp-response')
    writeFileSync(ca.path('response.der'), Buffer.from(await response.arrayBuffer()))
    const verify = [
      '-issuer',
      issuingCertificate(),
      '-cert',
      alice.files.certificate,
      '-CAfile',
      paths().rootCertificate,
    ]
    expect(openssl('ocsp', '-respin', ca.path('response.der'), ...verify, ...below())).toContain(': good')
  })

  it.each([
    ['nothing', ''],
    ['noise', 'noise'],
    ['a certificate', '\x30\x03\x02\x01\x01'],
  ])('%s: malformedRequest', async (_what, body) => {
    const response = await fetch(url('/ocsp'), { method: 'POST', body })
    expect(response.status).toBe(200)
    expect(Buffer.from(await response.arrayBuffer()).toString('hex')).toBe('30030a0101')
  })
})

describe('files over HTTP', () => {
  it('CRL and certificate of each CA, in DER (RFC 2585 §3)', async () => {
    for (const { publicName, files } of ca.workspace.authorities()) {
      for (const [ending, type, file] of [
        ['crl', 'application/pkix-crl', files.crl],
        ['crt', 'application/pkix-cert', files.certificate],
      ] as const) {
        const response = await fetch(url(`/${publicName}.${ending}`))
        expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
        const pem = readFileSync(file, 'latin1').replaceAll(/-----.*-----|\s/g, '')
        expect(Buffer.from(await response.arrayBuffer()).toString('base64')).toBe(pem)
      }
    }
  })

  it('a CRL that is written again is there with the next request', async () => {
    const [root] = ca.workspace.authorities()
    const before = await (await fetch(url('/root.crl'))).arrayBuffer()
    const { publishCrls } = await import('../../../src/workspace/ca/publish-crl.ts')
    await publishCrls(
      ca.workspace,
      { of: root === undefined ? [] : [signerId(root)], issuer: source(), days: 9, now: new Date() },
      () => undefined,
    )
    const after = await (await fetch(url('/root.crl'))).arrayBuffer()
    expect(Buffer.compare(Buffer.from(before), Buffer.from(after))).not.toBe(0)
  })

  it.each([
    ['GET', '/', 404],
    ['GET', '/root.key', 404],
    ['GET', '/../ca/root.key', 404],
    ['GET', '/%2e%2e/ca/root.key', 404],
    ['GET', '/ocsp', 405],
    ['GET', '/ocsp/%zz', 200],
    ['POST', '/root.crl', 405],
    ['HEAD', '/root.crl', 200],
  ])('%s %s: %i', async (method, path, status) => {
    const response = await fetch(url(path), { method })
    expect(response.status).toBe(status)
  })

  it('a request that is too large: 413', async () => {
    const response = await fetch(url('/ocsp'), { method: 'POST', body: 'x'.repeat(70_000) })
    expect(response.status).toBe(413)
  })

  it('a port that is taken: IO, with what to do', async () => {
    const again = startPublishing(ca.workspace, { host: '127.0.0.1', port: http.port, log })
    await expect(again).rejects.toMatchObject({ code: 'IO', hint: expect.stringContaining('--http-port') })
  })
})

describe('certificates that name the URL', () => {
  it('are checked by openssl with what is published there', async () => {
    ca.workspace.setPkiUrl(url(''))
    const { files } = await ca.issue('erin', { issuer: source() })
    const text = openssl('x509', '-in', files.certificate, '-noout', '-text')
    const { publicName } = ca.workspace.authority()
    for (const part of [`${publicName}.crl`, 'ocsp', `${publicName}.crt`])
      expect(text).toContain(`URI:${url(`/${part}`)}`)
    for (const { files: own, publicName: name } of ca.workspace.authorities()) {
      const response = await fetch(url(`/${name}.crl`))
      writeFileSync(ca.path(`${name}.der`), Buffer.from(await response.arrayBuffer()))
      execFileSync('openssl', ['crl', '-inform', 'DER', '-in', ca.path(`${name}.der`), '-out', ca.path(`${name}.pem`)])
      expect(own.crl).toContain('.crl')
    }
    const lists = ca.workspace.authorities().flatMap(({ publicName: name }) => ['-CRLfile', ca.path(`${name}.pem`)])
    const verify = ['verify', '-x509_strict', '-crl_check_all', '-CAfile', paths().rootCertificate]
    const run = (file: string) => spawnSync('openssl', [...verify, '-untrusted', issuingCertificate(), ...lists, file])
    expect(String(run(files.certificate).stdout)).toContain('OK')
    expect(String(run(bob.files.certificate).stderr)).toContain('certificate revoked')
  })
})
