import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { encodePem } from '../../../src/pki/der/pem.ts'
import { CrlFiles } from '../../../src/service/trust/crl-files.ts'
import { KeptCrls } from '../../../src/service/trust/kept-crls.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { authoritiesOf } from '../../support/certificates/crls.ts'
import { entry, oddCrl } from '../../support/certificates/odd-crl.ts'
import { replaceFile } from '../../support/processes/replace-file.ts'
import { LogBook } from '../../support/servers/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'xmppki-crl-'))
const ca = new OpensslCa()
const bob = ca.issue({ subject: '/CN=bob' })
const serial = Buffer.from(new X509Certificate(bob.cert).serialNumber, 'hex')
afterAll(() => {
  ca.remove()
  rmSync(folder, { recursive: true, force: true })
})

const pem = () => ca.crl({ revoked: [bob] })
const der = () => Buffer.from(pem().replace(/-----[^-]+-----|\s/g, ''), 'base64')

/** @param keeping whether copies are kept, as in a workspace */
function setUp(content?: string | Uint8Array, keeping = false) {
  const log = new LogBook()
  const path = join(folder, 'a.crl')
  const kept = join(folder, 'kept')
  const write = (content: string | Uint8Array) => replaceFile(path, content)
  rmSync(path, { force: true })
  rmSync(kept, { force: true, recursive: true })
  if (content !== undefined) write(content)
  const start = () => new CrlFiles(log, keeping ? new KeptCrls(kept, log) : undefined)
  let files = start()
  /** Of each list, whether it has bob. */
  const revoked = async (paths: readonly string[] = [path], cas: readonly string[] = [ca.credentials.cert]) => {
    const lists = await files.read(new Set(paths), authoritiesOf(cas))
    await lists.take()
    return lists.of(path).map(({ entries, crl }) => entries.find(serial, crl.issuerKey, crl.issuerKey) !== undefined)
  }
  const restart = () => {
    files = start()
  }
  return { log, write, revoked, restart, path, kept }
}

describe('CrlFiles', () => {
  it.each([
    { name: 'PEM', content: pem, expected: [true] },
    { name: 'DER', content: der, expected: [true] },
    {
      name: 'several in PEM, and words between them',
      content: () => `of bob\n${pem()}and\n${ca.crl()}`,
      expected: [true, false],
    },
  ])('reads $name', async ({ content, expected }) => {
    const { revoked, log } = setUp(content())
    expect(await revoked()).toEqual(expected)
    expect(log.lines).toEqual([])
  })

  it.each([
    { name: 'missing', content: undefined },
    { name: 'empty', content: '' },
    { name: 'a certificate', content: bob.cert },
    { name: 'cut off', content: der().subarray(0, 100) },
    { name: 'damaged', content: pem().replace(/\n[A-Za-z0-9+/]{20}/, '\n!') },
  ])('says in one line what is wrong with a file that is $name', async ({ content }) => {
    const { revoked, log } = setUp(content)
    expect(await revoked()).toEqual([])
    expect(log.lines).toMatchObject([
      { level: 'error', message: 'a CRL cannot be read', effect: 'it counts as missing' },
    ])
  })

  it('takes up a file that has changed, and keeps what it said when that is broken', async () => {
    const { revoked, write, log } = setUp(ca.crl())
    expect(await revoked()).toEqual([false])
    write(pem())
    expect(await revoked()).toEqual([true])
    write('rubbish')
    expect(await revoked()).toEqual([true])
    expect(log.lines).toMatchObject([{ effect: 'what it said before still holds' }])
    write(ca.crl())
    expect(await revoked()).toEqual([false])
  })

  const held = { level: 'error', effect: 'what it said before still holds' }
  const older = () => ca.crl({ validity: ['20190101000000Z', '20990101000000Z'] })
  const forged = () => {
    const octets = Buffer.from(der())
    octets.writeUInt8(octets.readUInt8(octets.length - 1) ^ 1, octets.length - 1)
    return octets
  }
  const elsewhere = new OpensslCa('Elsewhere CA')
  afterAll(() => elsewhere.remove())

  it.each([
    { name: 'badly signed', worse: forged, said: { error: 'its CA has not signed it', issuer: 'CN=Test CA' } },
    { name: 'older', worse: older, said: { error: expect.stringMatching(/as new/), issuer: 'CN=Test CA' } },
    { name: 'cut off', worse: () => der().subarray(0, 100), said: { error: expect.stringMatching(/cut off/) } },
    { name: 'of nobody', worse: () => elsewhere.crl(), said: { error: expect.stringMatching(/no CRL of this CA/) } },
    { name: 'gone', worse: undefined, said: { error: expect.stringMatching(/ENOENT/) } },
  ])('holds on to a good list when one that is $name takes its place, also after a restart', async (given) => {
    const { revoked, write, log, restart, path } = setUp(pem(), true)
    expect(await revoked()).toEqual([true])
    if (given.worse === undefined) rmSync(path)
    else write(given.worse())
    expect(await revoked()).toContain(true)
    expect(log.lines.filter(({ effect }) => effect === held.effect)).toMatchObject([
      { ...held, ...given.said, file: path },
    ])
    const { length } = log.lines
    expect(await revoked()).toContain(true)
    expect(log.lines).toHaveLength(length)
    restart()
    expect(await revoked()).toContain(true)
  })

  it('says nothing about an ordinary new list', async () => {
    const { revoked, write, log, restart, kept } = setUp(pem(), true)
    await revoked()
    write(ca.crl({ validity: ['20210101000000Z', '20990101000000Z'] }))
    expect(await revoked()).toEqual([false])
    restart()
    expect(await revoked()).toEqual([false])
    expect(log.lines).toEqual([])
    expect(readdirSync(kept)).toHaveLength(1)
  })

  it('drops copies when the file or the CA leaves the configuration, and shows them to nobody', async () => {
    const { revoked, kept, path } = setUp(pem(), true)
    const copies = () => readdirSync(kept)
    await revoked()
    expect(copies()).toHaveLength(1)
    expect(statSync(kept).mode & 0o777).toBe(0o700)
    expect(copies().map((name) => statSync(join(kept, name)).mode & 0o777)).toEqual([0o600])
    await revoked([path], [elsewhere.credentials.cert])
    expect(copies()).toEqual([])
    await revoked()
    expect(copies()).toHaveLength(1)
    await revoked([])
    expect(copies()).toEqual([])
  })

  it('warns once where nothing can be written', async () => {
    const { revoked, write, log, kept } = setUp(pem(), true)
    writeFileSync(kept, 'no folder')
    await revoked()
    write(pem())
    expect(await revoked()).toEqual([true])
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'no copies of CRLs can be kept' }])
  })

  it('believes no copy that its CA has not signed', async () => {
    const { revoked, kept, restart, path } = setUp(pem(), true)
    await revoked()
    const [name = ''] = readdirSync(kept)
    writeFileSync(join(kept, name), forged())
    rmSync(path)
    restart()
    expect(await revoked()).toEqual([])
  })

  it('lets others have their turn while it reads a large one', async () => {
    const entries = Array.from({ length: 400_000 }, (_, at) =>
      entry(Buffer.from((at + 1).toString(16).padStart(32, '1'), 'hex')),
    )
    const large = oddCrl(ca.credentials, { entries: [Buffer.concat(entries)] })
    const { revoked } = setUp(encodePem('X509 CRL', large))
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    })
    expect(await revoked()).toEqual([false])
    clearInterval(timer)
    // A slice has 4 ms, and what is read takes more than a hundred, on any machine.
    expect(turns).toBeGreaterThan(10)
  })
})
