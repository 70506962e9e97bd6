import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { REVOCATION_REASONS } from '../../../src/pki/revocation/revocation-reason.ts'
import { issuedCredentials } from '../../support/certificates/issued-credentials.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'
import { homeWithCa, ledgerOf, openssl } from './workspace-checks.ts'

let cli: CliHome
beforeAll(async () => {
  cli = await homeWithCa()
  await cli.run(['client', 'issue', 'alice', 'bob', 'carol'])
})
afterAll(() => cli.remove())

const fileOf = (name: string, suffix: string) => join(cli.home, 'clients', 'localhost', name, `${name}.${suffix}`)
const crl = (home = cli.home) => openssl('crl', '-in', join(home, 'ca', 'root.crl'), '-noout', '-text')

describe('client revoke', () => {
  it('ends the logins of a running server: before it works, afterwards EXTERNAL is refused', async () => {
    const credentials = issuedCredentials(cli.home, 'alice')
    const serve = new ServeProcess(['--home', cli.home])
    const { port } = await serve.listening()
    const before = await RawClient.online({ port, credentials })
    const result = await cli.run(['client', 'revoke', 'alice', '--reason', 'keycompromise'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(
      /^alice@localhost revoked: keyCompromise, serial [0-9a-f]{32}\n {2}CRL +.*root\.crl \(number \d+\)\n/,
    )
    const after = await RawClient.secured({ port, credentials })
    after.send(external())
    await after.receive(/<failure[^>]*><not-authorized\/>/)
    await serve.logged({ check: 'revoked' })
    before.destroy()
    after.destroy()
    await serve.stop()
  })

  it('is found by openssl in the CRL, with its reason; others stay valid', () => {
    expect(crl()).toMatch(/Reason Code: \n\s+Key Compromise/)
    const lists = ['-CAfile', join(cli.home, 'ca/root.crt'), '-CRLfile', join(cli.home, 'ca/root.crl')]
    const verify = (name: string) => openssl('verify', '-crl_check', ...lists, fileOf(name, 'crt'))
    expect(verify('bob')).toContain('OK')
    expect(() => verify('alice')).toThrow('certificate revoked')
  })

  it('is content with what is revoked already, and says since when', async () => {
    const { code, stdout } = await cli.run(['client', 'revoke', 'alice', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).revoked).toMatchObject([{ alreadyRevoked: true, reason: 'keyCompromise' }])
  })

  it('takes a serial number as openssl writes it', async () => {
    const serial = openssl('x509', '-in', fileOf('bob', 'crt'), '-noout', '-serial').trim().replace('serial=', '')
    const { code, stderr } = await cli.run(['client', 'revoke', '--serial', serial.replaceAll(/(..)(?=.)/g, '$1:')])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(crl()).toContain(`Serial Number: ${serial}`)
  })

  it('takes what the ledger does not know, also by a negative number as openssl prints it', async () => {
    const { code, stdout, stderr } = await cli.run(['client', 'revoke', '--serial', '-05'])
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('(unknown) revoked: unspecified'),
    })
    expect(stderr).toContain('warning: the ledger did not know serial -05: it was taken up')
    expect(crl()).toContain('Serial Number: -05')
    expect((await cli.run(['client', 'list', '--state', 'revoked'])).stdout).toMatch(/^\(unknown\) .* -05$/m)
    const audit = await cli.run(['ca', 'audit', '--event', 'taken-up'])
    expect(audit).toMatchObject({ code: 0, stdout: expect.stringMatching(/taken-up +\(unknown\) +-05 +knownBy=/) })
    await cli.run(['client', 'issue', 'dora'])
    await cli.run(['client', 'revoke', 'dora'])
    expect(crl()).toContain('Serial Number: -05')
  })

  it.each([
    ['nothing', [], 'USAGE', 2],
    ['names and a file', ['carol', '--file', 'x'], 'USAGE', 2],
    ['two ways at once', ['--serial', 'ab', '--file', 'x'], 'USAGE', 2],
    ['an unknown reason', ['carol', '--reason', 'stolen'], 'BAD_INPUT', 2],
    ['one that must not be asked for', ['carol', '--reason', 'certificateHold'], 'BAD_INPUT', 2],
    ['a bad serial number', ['--serial', 'xyz'], 'BAD_INPUT', 2],
    ['an unknown user beside a known one', ['carol', 'dave'], 'NOT_FOUND', 4],
    ['a number of a CA that is not here', ['--serial', 'ab', '--issuer', 'eeee0000eeee'], 'NOT_FOUND', 4],
    ['a file that is not there', ['--file', 'nowhere.crt'], 'IO', 7],
  ])('refuses %s and revokes nothing', async (_case, args, code, exitCode) => {
    const result = await cli.run(['client', 'revoke', '--json', ...args])
    expect(JSON.parse(result.stdout).error).toMatchObject({ code })
    expect(result.code).toBe(exitCode)
    expect(ledgerOf(cli).find(({ name }) => name === 'carol@localhost')?.revokedAt).toBeUndefined()
  })

  it('names in its help every reason that it takes', async () => {
    const { stdout } = await cli.run(['client', 'revoke', '--help'], { env: { COLUMNS: '400' } })
    for (const reason of REVOCATION_REASONS) expect(stdout).toContain(reason)
  })

  it.each([
    ['without', [], 'is needed and there is no terminal'],
    ['with a wrong', ['--passphrase-file', 'wrong'], 'wrong passphrase for the private key'],
    ['without the file of the', ['--passphrase-file', 'nowhere'], 'nowhere, given by --passphrase-file: no such file'],
  ])('revokes %s passphrase of the CA, and says that the CRL is behind', async (_case, args, text) => {
    const locked = new CliHome()
    const env = { XMPPKI_CA_PASSPHRASE: 'open sesame' }
    await locked.run(['ca', 'init'], { env })
    await locked.run(['client', 'issue', 'alice'], { env })
    writeFileSync(locked.path('wrong'), 'sesame', { mode: 0o600 })
    const { code, stderr } = await locked.run(['client', 'revoke', 'alice', ...args])
    expect(stderr).toContain(`root.crl is not up to date: `)
    expect(stderr).toContain(text)
    expect(stderr).toContain('run: xmppki ca crl')
    expect(code).toBe(9)
    expect(ledgerOf(locked)[0]?.revokedAt).toBeDefined()
    expect(await locked.run(['ca', 'crl'], { env })).toMatchObject({ code: 0 })
    locked.remove()
  })
})

describe('many processes on one workspace', () => {
  it('revoke and issue at once: ledger and CRL agree', async () => {
    const busy = await homeWithCa()
    const leaving = ['a1', 'a2', 'a3', 'a4', 'a5']
    await busy.run(['client', 'issue', ...leaving])
    const joining = ['b1', 'b2', 'b3', 'b4', 'b5']
    const runs = [
      ...leaving.map((name) => busy.run(['client', 'revoke', name])),
      ...joining.map((name) => busy.run(['client', 'issue', name])),
    ]
    for (const { code, stderr } of await Promise.all(runs)) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const records = ledgerOf(busy)
    expect(records).toHaveLength(10)
    const revoked = records.filter(({ revokedAt }) => revokedAt !== undefined)
    expect(revoked.map(({ name }) => name.slice(0, 2)).sort()).toEqual(leaving)
    const text = crl(busy.home)
    expect(text).toMatch(/CRL Number: \n\s+5\n/)
    const listed = Array.from(text.matchAll(/Serial Number: ([0-9A-F]+)/g), ([, hex = '']) => hex.toLowerCase())
    expect(listed.sort()).toEqual(revoked.map(({ serial }) => serial).sort())
    busy.remove()
  })
})
