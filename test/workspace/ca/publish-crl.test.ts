import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { readCrl } from '../../../src/pki/revocation/crl-facts.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { signerId } from '../../../src/workspace/base/authority.ts'
import type { SigningCa } from '../../../src/workspace/base/workspace.ts'
import { readAuditTrail } from '../../../src/workspace/ca/audit-trail.ts'
import { initIssuing } from '../../../src/workspace/ca/init-issuing.ts'
import { publishCrls } from '../../../src/workspace/ca/publish-crl.ts'
import { renewDue } from '../../../src/workspace/ca/renew-due.ts'
import { revokeIssuing } from '../../../src/workspace/ca/revoke-issuing.ts'
import { revokeClients } from '../../../src/workspace/clients/revoke-clients.ts'
import { CaFolder, openssl } from '../support.ts'

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const revoke = (serial: string) =>
  revokeClients(ca.workspace, { target: { serial }, reason: 'keyCompromise', crlDays: 30, issuer: ca.issuer })
const crl = () => readCrl(readFileSync(ca.workspace.paths.crl, 'utf8'), 'root.crl')
const revokedSerials = () => crl().entries.map(({ serial }) => serial)

describe('publishCrls', () => {
  const requestOf = ({ workspace, issuer }: CaFolder, days = 7) => ({
    of: [signerId(workspace.root())],
    issuer,
    days,
    now: new Date(),
  })
  const publish = async (folder = ca) => {
    const { crls } = await publishCrls(folder.workspace, requestOf(folder), () => undefined)
    return crls[0]
  }

  it('counts upwards and lasts as long as it is told', async () => {
    await publish()
    const made = await publish()
    expect(made?.number).toBe(2)
    expect(Number(made?.nextUpdate) - Number(made?.thisUpdate)).toBe(7 * 86_400_000)
    expect(openssl('crl', '-in', ca.workspace.paths.crl, '-CAfile', ca.workspace.paths.rootCertificate, '-noout')).toBe(
      '',
    )
  })

  it('goes on above the number of the file when the ledger is an old one from a backup', async () => {
    for (let count = 0; count < 3; count += 1) await publish()
    const kept = readFileSync(ca.workspace.paths.crl)
    const other = await new CaFolder().init()
    writeFileSync(other.workspace.paths.crl, kept)
    expect((await publish(other))?.number).toBe(4)
    other.remove()
  })

  it('of many at once leaves the one with the largest number and every entry', async () => {
    const names = ['u1', 'u2', 'u3', 'u4', 'u5']
    const serials: string[] = []
    for (const name of names) serials.push((await ca.issue(name)).serial)
    await Promise.all(serials.map(revoke))
    expect(crl().number).toBe(5n)
    expect(revokedSerials()).toHaveLength(5)
  })

  it('an older list that is signed late does not take the place of a newer one', async () => {
    let second: Awaited<ReturnType<typeof publish>>
    const slow = async () => {
      const { key, ...issuer } = await ca.issuer()
      // It has its number by now, and the next one comes and goes before it is signed.
      const sign = async (octets: Uint8Array) => {
        second = await publish()
        return key.sign(octets)
      }
      return { ...issuer, key: { ...key, sign } }
    }
    const { crls } = await publishCrls(ca.workspace, { ...requestOf(ca), issuer: slow }, () => undefined)
    expect([crls[0]?.number, second?.number, crl().number]).toEqual([1, 2, 2n])
  })

  it('takes in what a crash had left without its row', async () => {
    const { serial, directory, fingerprint, notAfter } = await ca.issue('alice')
    const { paths } = ca.workspace
    const { issuer } = ca.workspace.ledger().listBySerial(serial)[0] ?? {}
    const record = {
      ...{ serial, fingerprint, directory, issuer, kind: 'client', name: 'alice@localhost', device: '', domains: [] },
      ...{ notBefore: 0, notAfter: notAfter.getTime(), issuedAt: 1 },
    }
    const old = ca.workspace
    old.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(paths.ledger + suffix, { force: true })
    const journal = { record, certificateFile: 'alice.crt', staging: join(paths.home, 'clients/localhost/.xmppki-x') }
    new SqliteLedger(paths.ledger).close()
    writeFileSync(join(paths.temporary, '.xmppki-x.json'), JSON.stringify(journal))
    await publish()
    await revoke(serial)
    expect(revokedSerials()).toEqual([serial])
  })

  it('warns when the ledger has a revocation that the CRL cannot get', async () => {
    await ca.issue('alice')
    const { paths } = ca.workspace
    rmSync(paths.crl, { force: true })
    const [record] = ca.workspace.ledger().list('client')
    const change = publishCrls(ca.workspace, requestOf(ca, -1), (changes) =>
      changes.revoke(ca.record(record?.serial ?? ''), { at: 1, reason: 'superseded' }),
    )
    await expect(change).rejects.toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining('next update') }),
    )
    expect(ca.warnings).toEqual([expect.stringContaining('run: xmppki ca crl')])
  })
})

describe('a CA whose keyUsage lacks cRLSign (RFC 5280 §4.2.1.3)', () => {
  let old: CaFolder
  beforeEach(async () => {
    old = await new CaFolder().import('keyCertSign')
  })
  afterEach(() => old.remove())

  const locked = () => Promise.reject(new Error('nobody should be asked for its key'))
  const revokeOld = (serial: string, issuer: () => Promise<SigningCa> = locked) =>
    revokeClients(old.workspace, { target: { serial }, reason: 'keyCompromise', crlDays: 30, issuer })

  it('says at its import what there will be and what not', () => {
    expect(old.imported?.findings).toContainEqual(expect.stringMatching(/no CRL of it.*serve and its OCSP responder/))
  })

  it('revokes in the ledger, needs no key for it, and says why there is no CRL and how there will be one', async () => {
    const { serial } = await old.issue('alice')
    const { crls, unsigned } = await revokeOld(serial)
    expect(crls).toEqual([])
    expect(unsigned).toMatchObject([{ reason: { code: 'BAD_INPUT', hint: expect.stringContaining('-addext') } }])
    expect(old.record(serial).revokedAt).toBeDefined()
    expect(readAuditTrail(old.workspace.ledger()).entries.at(-1)).toMatchObject({ event: 'revoked', serial })
    expect(old.warnings).toEqual([])
  })

  it('can answer by OCSP, and renewing what is due does not try to write a list', async () => {
    const issuer = old.workspace.issuerSource(locked)
    const steps = await renewDue(old.workspace, { issuer, publishing: true, now: new Date() })
    expect(steps.map(({ what, error }) => [what, error])).toEqual([['ocsp', undefined]])
    expect(old.workspace.caUrlsOf(old.workspace.root())).toBeUndefined()
    old.workspace.setPkiUrl('http://pki.example.org')
    const { caUrls } = await old.issuer()
    expect(Object.keys(caUrls ?? {}).sort()).toEqual(['issuerUrl', 'ocspUrl'])
  })

  it('may be revoked below: an issuing CA goes into the ledger', async () => {
    await initIssuing(old.workspace, {
      ...{ commonName: 'Below', algorithm: keyAlgorithm('ec:p256'), days: 1825, issuer: old.issuer },
      ...{ passphrase: async () => undefined, ifMissing: false, replace: false },
    })
    const { serial } = old.workspace.authority()
    const request = { serial: undefined, reason: 'cACompromise', crlDays: 7, issuer: locked } as const
    expect(await revokeIssuing(old.workspace, request)).toMatchObject({ serial, crl: undefined, unsigned: [{}] })
    expect(old.record(serial).revokedAt).toBeDefined()
  })

  it('writes CRLs once a certificate with cRLSign takes the place of its own, made by the command of the hint', async () => {
    const { serial } = await old.issue('alice')
    const [obstacle] = (await revokeOld(serial)).unsigned
    const { rootCertificate, crl: file } = old.workspace.paths
    const [, command = ''] = /: openssl (.*)/.exec(obstacle?.reason?.hint ?? '') ?? []
    openssl(
      ...command
        .replace('NAME', '/CN=Old\0CA')
        .replace('CERT', rootCertificate)
        .split(' ')
        .map((word) => word.replace('\0', ' ')),
    )
    const { crls, unsigned } = await revokeOld(serial, old.issuer)
    expect([crls.length, unsigned]).toEqual([1, []])
    expect(openssl('crl', '-in', file, '-CAfile', rootCertificate, '-noout', '-text')).toContain(serial.toUpperCase())
    expect(readAuditTrail(old.workspace.ledger()).entries.at(-1)).toMatchObject({ event: 'crl-published' })
    expect((await old.issue('bob')).serial).not.toBe(serial)
    readAuditTrail(old.workspace.ledger())
  })
})
