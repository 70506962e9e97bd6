import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CrlFiles } from '../../src/service/crl-files.ts'
import { OpensslCa } from '../support/certificates.ts'
import { authoritiesOf } from '../support/crls.ts'
import { replaceFile } from '../support/replace-file.ts'
import { LogBook } from '../support/server.ts'

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

function setUp(content?: string | Uint8Array) {
  const log = new LogBook()
  const path = join(folder, 'a.crl')
  const write = (content: string | Uint8Array) => replaceFile(path, content)
  rmSync(path, { force: true })
  if (content !== undefined) write(content)
  const files = new CrlFiles(log)
  const authorities = authoritiesOf([ca.credentials.cert])
  /** Of each list, whether it has bob. */
  const revoked = async () => {
    const lists = await files.read(new Set([path]), authorities)
    await lists.take()
    return lists.of(path).map(({ entries, crl }) => entries.find(serial, crl.issuerKey, crl.issuerKey) !== undefined)
  }
  return { log, write, revoked }
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
})
