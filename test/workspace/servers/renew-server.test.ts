import { X509Certificate } from 'node:crypto'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { parsePeriod } from '../../../src/workspace/base/period.ts'
import { issueServer } from '../../../src/workspace/servers/issue-server.ts'
import {
  renewableServers,
  renewServers,
  type ServerRenewalRequest,
} from '../../../src/workspace/servers/renew-server.ts'
import { CaFolder, openssl } from '../support.ts'

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const issue = (domains: readonly string[], days = 397) =>
  issueServer(ca.workspace, {
    domains,
    days,
    algorithm: keyAlgorithm('ec:p256'),
    ifMissing: false,
    issuer: ca.issuer,
  })

const renewAll = (domains: readonly string[], given: Partial<ServerRenewalRequest> = {}) =>
  renewServers(ca.workspace, domains, { days: 397, rekey: false, issuer: ca.issuer, ...given })

async function renew(domain: string, given: Partial<ServerRenewalRequest> = {}) {
  const { done, failed } = await renewAll([domain], given)
  if (failed[0] !== undefined) throw failed[0].error
  return done[0]!
}

const certificateAt = (path: string) => new X509Certificate(readFileSync(path))
const keyIn = (path: string) => certificateAt(path).publicKey.export({ type: 'spki', format: 'pem' })
const failure = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) })
const locked = () => Promise.reject(new Error('nobody should ask'))

describe('renewServers', () => {
  it('keeps key, names and place, and the old files beside', async () => {
    const old = await issue(['example.org', 'conference.example.org'], 40)
    const key = keyIn(old.files.certificate)
    const renewed = await renew('example.org')
    const archive = `${old.directory}~${old.serial.slice(0, 12)}`
    expect(renewed).toMatchObject({
      renewed: true,
      domains: old.domains,
      directory: old.directory,
      files: old.files,
      previous: { serial: old.serial, notAfter: old.notAfter, directory: archive },
    })
    expect(keyIn(old.files.certificate)).toEqual(key)
    expect(certificateAt(old.files.certificate).serialNumber.toLowerCase()).toBe(renewed.serial)
    expect(readdirSync(archive).sort()).toEqual(['chain.crt', 'server.crt', 'server.key'])
    const root = ca.workspace.paths.rootCertificate
    for (const domain of old.domains) {
      openssl('verify', '-x509_strict', '-verify_hostname', domain, '-CAfile', root, old.files.certificate)
    }
    expect(ca.workspace.serverCredentials('conference.example.org')?.serial).toBe(renewed.serial)
    expect(ca.workspace.ledger().listBySerial(old.serial)[0]).toMatchObject({ directory: archive })
  })

  it('finds the certificate by a domain that is not its first one', async () => {
    const old = await issue(['example.org', 'conference.example.org'])
    expect(await renew('conference.example.org')).toMatchObject({ domains: old.domains, directory: old.directory })
  })

  it.each([
    ['of the same type', undefined, 'prime256v1'],
    ['of another type', keyAlgorithm('ec:p384'), 'secp384r1'],
  ])('makes a new key %s, even when the old one is lost', async (_case, algorithm, namedCurve) => {
    const old = await issue(['example.org'])
    const key = keyIn(old.files.certificate)
    rmSync(old.files.key)
    await renew('example.org', { rekey: true, ...(algorithm === undefined ? {} : { algorithm }) })
    expect(keyIn(old.files.certificate)).not.toEqual(key)
    expect(certificateAt(old.files.certificate).publicKey.asymmetricKeyDetails).toEqual({ namedCurve })
  })

  it.each([
    ['30d', false],
    ['50d', true],
    ['100%', true],
  ])('what ends in 40 days is due within %s: %s', async (period, renewed) => {
    await issue(['example.org'], 40)
    const given = { due: parsePeriod(period), ...(renewed ? {} : { issuer: locked }) }
    expect(await renew('example.org', given)).toMatchObject({ renewed })
  })

  it('renews what has expired', async () => {
    await issue(['example.org'], 1)
    const now = new Date(Date.now() + 3 * 86_400_000)
    expect(await renew('example.org', { due: parsePeriod('30d'), now })).toMatchObject({ renewed: true })
  })

  it('goes on with the others when one fails', async () => {
    await issue(['a.example'])
    const { done, failed } = await renewAll(['b.example', 'a.example'])
    expect(done.map(({ domains }) => domains)).toEqual([['a.example']])
    expect(failed).toMatchObject([{ item: 'b.example', error: { code: 'NOT_FOUND' } }])
  })

  it('gives up at once without the CA', async () => {
    await issue(['a.example'])
    await issue(['b.example'])
    await expect(renewAll(['a.example', 'b.example'], { issuer: locked })).rejects.toThrow('nobody should ask')
  })

  it.each([
    ['the key is missing', 'CORRUPT', 'server.key is missing', (at: string) => rmSync(join(at, 'server.key'))],
    ['the certificate is missing', 'CORRUPT', 'server.crt is missing', (at: string) => rmSync(join(at, 'server.crt'))],
    [
      'the certificate is another',
      'CORRUPT',
      'is not the certificate with serial',
      (at: string) => copyFileSync(ca.workspace.paths.rootCertificate, join(at, 'server.crt')),
    ],
  ])('changes nothing when %s', async (_case, code, text, damage) => {
    const { directory } = await issue(['example.org'])
    damage(directory)
    const before = readdirSync(directory)
    await expect(renew('example.org')).rejects.toEqual(failure(code, text))
    expect(readdirSync(directory)).toEqual(before)
    expect(ca.workspace.ledger().list('server')).toHaveLength(1)
  })

  it('lets one of two that run at once win', async () => {
    const old = await issue(['example.org'])
    const results = await Promise.allSettled([renew('example.org'), renew('example.org')])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(readdirSync(join(old.directory, '..')).length).toBe(2)
    expect(existsSync(old.files.chain)).toBe(true)
  })
})

describe('renewableServers', () => {
  it('names what has its folder, once', async () => {
    await issue(['b.example', 'a.example'])
    const gone = await issue(['gone.example'])
    rmSync(gone.directory, { recursive: true })
    await renew('b.example')
    expect(renewableServers(ca.workspace)).toEqual(['b.example'])
  })
})
