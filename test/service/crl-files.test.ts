import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CrlFiles } from '../../src/service/crl-files.ts'
import { OpensslCa } from '../support/certificates.ts'
import { replaceFile } from '../support/replace-file.ts'
import { LogBook } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'xmppki-crl-'))
const ca = new OpensslCa()
const bob = ca.issue({ subject: '/CN=bob' })
const serial = new X509Certificate(bob.cert).serialNumber.toLowerCase()
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
  const serials = () => files.read(path).map(({ entries }) => entries.map((entry) => entry.serial))
  return { log, write, serials }
}

describe('CrlFiles', () => {
  it.each([
    { name: 'PEM', content: pem, expected: [[serial]] },
    { name: 'DER', content: der, expected: [[serial]] },
    {
      name: 'several in PEM, and words between them',
      content: () => `of bob\n${pem()}and\n${ca.crl()}`,
      expected: [[serial], []],
    },
  ])('reads $name', ({ content, expected }) => {
    const { serials, log } = setUp(content())
    expect(serials()).toEqual(expected)
    expect(log.lines).toEqual([])
  })

  it.each([
    { name: 'missing', content: undefined },
    { name: 'empty', content: '' },
    { name: 'a certificate', content: bob.cert },
    { name: 'cut off', content: der().subarray(0, 100) },
    { name: 'damaged', content: pem().replace(/\n[A-Za-z0-9+/]{20}/, '\n!') },
  ])('says in one line what is wrong with a file that is $name', ({ content }) => {
    const { serials, log } = setUp(content)
    expect(serials()).toEqual([])
    expect(log.lines).toMatchObject([
      { level: 'error', message: 'a CRL cannot be read', effect: 'it counts as missing' },
    ])
  })

  it('takes up a file that has changed, and keeps what it said when that is broken', () => {
    const { serials, write, log } = setUp(ca.crl())
    expect(serials()).toEqual([[]])
    write(pem())
    expect(serials()).toEqual([[serial]])
    write('rubbish')
    expect(serials()).toEqual([[serial]])
    expect(log.lines).toMatchObject([{ effect: 'what it said before still holds' }])
    write(ca.crl())
    expect(serials()).toEqual([[]])
  })
})
