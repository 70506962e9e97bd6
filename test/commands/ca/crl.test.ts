import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'
import { homeWithCa, openssl } from '../client/workspace-checks.ts'

let cli: CliHome
beforeAll(async () => {
  cli = await homeWithCa()
})
afterAll(() => cli.remove())

const written = (file: string) => openssl('crl', '-in', file, '-noout', '-crlnumber', '-nextupdate', '-lastupdate')

describe('ca crl', () => {
  it('writes an empty list that openssl verifies, good for 30 days', async () => {
    const { code, stdout, stderr } = await cli.run(['ca', 'crl', '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { files, crls, left } = JSON.parse(stdout)
    const file = join(cli.home, 'ca', 'root.crl')
    expect({ files, crls, left }).toMatchObject({ files: [file], crls: [{ file, number: 1, revoked: [] }], left: [] })
    const [{ thisUpdate, nextUpdate }] = crls
    expect(Date.parse(nextUpdate) - Date.parse(thisUpdate)).toBe(30 * 86_400_000)
    expect(written(files[0])).toContain('crlNumber=0x01\n')
  })

  it('lists what is revoked, counts upwards, takes --days, and replaces the CRL in --out', async () => {
    await cli.run(['client', 'issue', 'alice'])
    await cli.run(['client', 'revoke', 'alice', '--reason', 'superseded'])
    const out = cli.path('copy.crl')
    for (const number of [3, 4]) {
      const { code, stdout } = await cli.run(['ca', 'crl', '--days', '7', '--out', 'copy.crl'])
      expect(code).toBe(0)
      expect(stdout).toContain(`root.crl (number ${number})\n`)
      expect(stdout).toMatch(/^alice@localhost {2}- +\d{4}-\d\d-\d\d {2}superseded {2}[0-9a-f]{32}$/m)
      expect(readFileSync(out, 'utf8')).toBe(readFileSync(join(cli.home, 'ca', 'root.crl'), 'utf8'))
    }
    expect(written(out)).toContain('crlNumber=0x04\n')
  })

  it('leaves alone a file in --out that is not a CRL, and writes none at all', async () => {
    writeFileSync(cli.path('precious'), 'precious')
    const { code, stderr } = await cli.run(['ca', 'crl', '--out', 'precious'])
    expect({ code, text: readFileSync(cli.path('precious'), 'utf8') }).toEqual({ code: 3, text: 'precious' })
    expect(stderr).toContain(cli.path('precious'))
    expect(written(join(cli.home, 'ca', 'root.crl'))).toContain('crlNumber=0x04\n')
  })

  it('writes what it can when the key of another CA stays locked, and exits with 9', async () => {
    const locked = new CliHome()
    const env = { XMPPKI_CA_PASSPHRASE: 'open sesame' }
    await locked.run(['ca', 'init'], { env })
    await locked.run(['ca', 'issuing', 'init', '--no-passphrase'], { env })
    const { code, stdout, stderr } = await locked.run(['ca', 'crl'])
    expect(stdout).toContain('issuing.crl (number 1)')
    expect(stderr).toContain('root.crl is not up to date: the passphrase of the CA key')
    expect(code).toBe(9)
    locked.remove()
  })

  it.each([
    ['no days', ['--days', '0'], 2],
    ['an unknown flag', ['--delta'], 2],
    ['a folder without a CA', ['--home', 'nowhere'], 4],
  ])('refuses %s', async (_case, args, exitCode) => {
    expect((await cli.run(['ca', 'crl', ...args])).code).toBe(exitCode)
  })
})
