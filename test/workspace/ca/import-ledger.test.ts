import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Issuer } from '../../../src/pki/issue/issuer.ts'
import { type CaHistory, readCaHistory } from '../../../src/workspace/ca/import-ledger.ts'
import { NOW, testClient, testKeys, testRoot } from '../../pki/support.ts'

const DAY_MS = 86_400_000

let folder: string
let issuer: Issuer
let issuerKey: string | Buffer
let serials: Record<string, string>

const path = (...names: string[]) => join(folder, ...names)
const read = (history: CaHistory) => readCaHistory(history, { issuer, domain: 'localhost' })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-issued-'))
  const keys = await testKeys('ec:p256')
  issuerKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' })
  issuer = await testRoot({ keys })
  const stranger = await testRoot()
  const alice = await testClient(issuer, 'alice@example.org', { now: new Date(NOW.getTime() + 2 * DAY_MS) })
  const bob = await testClient(issuer, 'bob@example.org', { now: new Date(NOW.getTime() + DAY_MS) })
  const eve = await testClient(stranger, 'eve@example.org')
  serials = { alice: alice.serial, bob: bob.serial }
  mkdirSync(path('empty'))
  writeFileSync(path('alice.crt'), alice.pem)
  writeFileSync(path('copy of alice.pem'), alice.pem)
  writeFileSync(path('bob.cer'), bob.pem)
  writeFileSync(path('eve.crt'), eve.pem)
  writeFileSync(path('root.crt'), issuer.certificate.pem)
  writeFileSync(path('notes.pem'), 'no certificate')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('readCaHistory without an index', () => {
  it('takes what the CA has signed, once each, in the order of the dates, and passes over the rest', () => {
    const { records, withoutCertificate, nextCrlNumber } = read({ issued: folder })
    expect(records).toMatchObject([
      { kind: 'client', name: 'bob@example.org', serial: serials['bob'], directory: folder },
      { kind: 'client', name: 'alice@example.org', serial: serials['alice'], issuer: issuer.certificate.serial },
    ])
    expect(records).toHaveLength(2)
    expect([withoutCertificate, nextCrlNumber]).toEqual([0, undefined])
  })

  it('takes a single file', () => {
    expect(read({ issued: path('bob.cer') }).records).toMatchObject([{ name: 'bob@example.org' }])
  })

  it('refuses two certificates with one serial number', () => {
    mkdirSync(path('twice'))
    writeFileSync(path('twice', 'ca.key'), issuerKey)
    const signing = ['-CA', '../root.crt', '-CAkey', 'ca.key', '-set_serial', '7', '-days', '30']
    for (const name of ['one', 'two']) {
      const made = (...args: string[]) => execFileSync('openssl', args, { cwd: path('twice'), stdio: 'pipe' })
      made('req', '-new', '-key', 'ca.key', '-subj', `/CN=${name}`, '-out', `${name}.csr`)
      made('x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.crt`)
    }
    const message = expect.stringMatching(/two\.crt has the serial number 07 of another certificate in .*CN=one/)
    expect(() => read({ issued: path('twice') })).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })

  it.each([
    ['a folder without certificates', 'empty', 'BAD_INPUT', 'there is no certificate in'],
    ['the certificate of another CA', 'eve.crt', 'BAD_INPUT', 'is not a certificate that this CA has signed'],
    ['the CA itself', 'root.crt', 'BAD_INPUT', 'is not a certificate that this CA has signed'],
    ['a file that is not there', 'nowhere', 'NOT_FOUND', 'nowhere'],
  ])('refuses %s', (_case, name, code, message) => {
    const attempt = () => read({ issued: path(name) })
    expect(attempt).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})
