import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodePem } from '../../../src/pki/der/pem.ts'
import { authorityId } from '../../../src/pki/x509/authority-id.ts'
import { readRawCertificate } from '../../../src/pki/x509/certificate-der.ts'
import { type Folder, openssl, temporaryFolder } from '../support.ts'

describe('a CA is its name and its key', () => {
  let folder: Folder

  beforeAll(() => {
    folder = temporaryFolder()
    for (const key of ['one', 'two']) openssl(folder, 'genpkey', '-algorithm', 'ed25519', '-out', `${key}.key`)
  })

  afterAll(() => folder.remove())

  function idOf(key: string, subject: string, serial: string): string {
    const by = ['-key', `${key}.key`, '-subj', subject, '-set_serial', serial, '-days', '30']
    openssl(folder, 'req', '-x509', '-new', ...by, '-out', 'ca.crt')
    return authorityId(readRawCertificate(decodePem(folder.read('ca.crt'), 'CERTIFICATE', 'ca.crt')))
  }

  it('whatever its certificate', () => {
    const id = idOf('one', '/CN=Example CA', '1')
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(idOf('one', '/CN=EXAMPLE CA', '2')).toBe(id)
    expect(idOf('one', '/CN=Other CA', '1')).not.toBe(id)
    expect(idOf('two', '/CN=Example CA', '1')).not.toBe(id)
  })
})
