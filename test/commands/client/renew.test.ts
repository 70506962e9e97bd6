import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../support/processes/cli.ts'
import { expectAgreement, homeWithCa, ledgerOf, openssl } from './workspace-checks.ts'

let cli: CliHome
beforeAll(async () => {
  cli = await homeWithCa()
  await cli.run(['client', 'issue', 'alice', 'bob', '--days', '40'])
  await cli.run(['client', 'issue', 'carol'])
})
afterAll(() => cli.remove())

describe('client renew', () => {
  it('says that nothing is due, and needs no CA key for it', async () => {
    const { code, stdout, stderr } = await cli.run(['client', 'renew', 'alice', '--expires-in', '30d'])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'alice@localhost not due: expires in 39 days\n',
      stderr: '',
    })
    expect(ledgerOf(cli)).toHaveLength(3)
  })

  it('refuses --key-type without --rekey, which would be ignored', async () => {
    const { code, stderr } = await cli.run(['client', 'renew', 'carol', '--key-type', 'rsa:2048'])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'error: --key-type has no effect without --rekey\nhint:  add --rekey\n',
    })
  })

  it('renews of all what is due, and a second run does nothing', async () => {
    const args = ['client', 'renew', '--all', '--expires-in', '45d', '--json']
    const renewed = async () => {
      const { code, stdout } = await cli.run(args)
      expect(code).toBe(0)
      return JSON.parse(stdout).clients.map(({ jid, renewed: is }: { jid: string; renewed: boolean }) => [jid, is])
    }
    expect(await renewed()).toEqual([
      ['alice@localhost', true],
      ['bob@localhost', true],
      ['carol@localhost', false],
    ])
    expect((await renewed()).flat()).not.toContain(true)
    expectAgreement(cli)
  })

  it('revokes the old one and writes the CRL, and shows where things are', async () => {
    const { code, stdout } = await cli.run(['client', 'renew', 'carol', '--rekey', '--revoke-old'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^carol@localhost renewed\n {2}folder +.*\/carol\n {2}valid until .*\n {2}old one +revoked, in .*\/carol~[0-9a-f]{12}\n {2}CRL +.*root\.crl \(number \d+\)\n/,
    )
    const [old, current] = ledgerOf(cli).filter(({ name }) => name === 'carol@localhost')
    const lists = ['-CAfile', join(cli.home, 'ca/root.crt'), '-CRLfile', join(cli.home, 'ca/root.crl')]
    const verify = (folder = '') => openssl('verify', '-crl_check', ...lists, join(folder, 'carol.crt'))
    expect(verify(current?.directory)).toContain('OK')
    expect(() => verify(old?.directory)).toThrow('certificate revoked')
    expectAgreement(cli)
  })

  it('tells partial failure by exit code 9', async () => {
    const { code, stdout } = await cli.run(['client', 'renew', 'alice', 'dave', '--json'])
    expect(code).toBe(9)
    expect(JSON.parse(stdout).failed).toMatchObject([{ jid: 'dave@localhost', error: { code: 'NOT_FOUND' } }])
  })

  it.each([
    ['neither names nor --all', [], 2],
    ['both', ['alice', '--all'], 2],
    ['a period that is none', ['alice', '--expires-in', '30'], 2],
    ['an unknown user', ['dave'], 4],
    ['secrets that both come from standard input', ['alice', '--passphrase-file', '-', '--p12-password-file', '-'], 2],
  ])('refuses %s', async (_case, args, exitCode) => {
    expect((await cli.run(['client', 'renew', ...args])).code).toBe(exitCode)
  })

  it('shows a generated password once, where none lay beside the bundle', async () => {
    const { stdout } = await cli.run(['client', 'issue', 'erin', '--p12-password-file', '-', '--json'], {
      stdin: 'agreed',
    })
    const [{ files }] = JSON.parse(stdout).issued
    const renewed = await cli.run(['client', 'renew', 'erin'])
    expect(renewed.stdout).toContain(`  password     ${readFileSync(`${files.p12}.password`, 'utf8').trim()}`)
  })
})

describe('client renew and client revoke', () => {
  it('at once: ledger, folders and CRL agree', async () => {
    const busy = await homeWithCa()
    const users = ['u1', 'u2', 'u3', 'u4']
    await busy.run(['client', 'issue', ...users])
    const runs = users.flatMap((user) => [busy.run(['client', 'renew', user]), busy.run(['client', 'revoke', user])])
    const results = await Promise.all(runs)
    // Who comes second may find that its certificate is gone; nothing else may go wrong.
    for (const { code, stderr } of results) expect([0, 3, 4], stderr).toContain(code)
    expectAgreement(busy)
    const text = openssl('crl', '-in', join(busy.home, 'ca/root.crl'), '-noout', '-text').toLowerCase()
    for (const { serial, revokedAt } of ledgerOf(busy)) {
      expect(text.includes(`serial number: ${serial}\n`)).toBe(revokedAt !== undefined)
    }
    busy.remove()
  })
})
