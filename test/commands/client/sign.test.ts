import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCsr } from '../../../src/pki/csr/csr.ts'
import { account, testKeys } from '../../pki/support.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { homeWithCa, ledgerOf, openssl } from './workspace-checks.ts'

let cli: CliHome
beforeAll(async () => {
  cli = await homeWithCa('--domain', 'example.org')
  for (const name of ['alice', 'bob', 'carol', 'dora', 'erik']) await ask(name)
  await ask('bob', 'bob-phone')
  writeFileSync(cli.path('broken.csr'), 'no request')
})
afterAll(() => cli.remove())

/** A request of `name` in the file `file`.csr. */
async function ask(name: string, file = name): Promise<void> {
  const csr = await createCsr({ keys: await testKeys('ec:p256'), jid: account(`${name}@example.org`) })
  writeFileSync(cli.path(`${file}.csr`), csr)
}

const kept = (name: string, suffix: string) => join(cli.home, 'clients/example.org', name, `${name}.${suffix}`)
const names = () => ledgerOf(cli).map(({ name, device }) => (device === '' ? name : `${name} (${device})`))

describe('client sign', () => {
  it('signs for whom the operator says, and answers beside the request', async () => {
    const result = await cli.run(['client', 'sign', 'alice.csr', '--name', 'alice', '--days', '30'], { umask: '000' })
    const [certificate, chain] = [cli.path('alice.crt'), cli.path('alice.chain.crt')]
    const end = new Date(openssl('x509', '-in', certificate, '-noout', '-enddate').replace('notAfter=', ''))
    expect(Math.round((end.getTime() - Date.now()) / 86_400_000)).toBe(30)
    expect(result).toEqual({
      code: 0,
      signal: null,
      stderr: '',
      stdout: `alice@example.org\n  certificate  ${certificate}\n  with chain   ${chain}\n  valid until  ${end.toISOString().slice(0, 10)}\n`,
    })
    const root = join(cli.home, 'ca/root.crt')
    openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', root, certificate)
    expect(openssl('x509', '-in', certificate, '-noout', '-pubkey')).toBe(
      openssl('req', '-in', cli.path('alice.csr'), '-noout', '-pubkey'),
    )
    expect(readFileSync(chain, 'utf8')).toBe(readFileSync(certificate, 'utf8') + readFileSync(root, 'utf8'))
    expect(statSync(certificate).mode & 0o777).toBe(0o644)
    expect(readdirSync(join(cli.home, 'clients/example.org/alice')).sort()).toEqual([
      'alice.chain.crt',
      'alice.crt',
      'alice.csr',
    ])
    const serial = openssl('x509', '-in', certificate, '-noout', '-serial').trim().toLowerCase()
    expect(ledgerOf(cli)).toEqual([expect.objectContaining({ name: 'alice@example.org', serial: serial.slice(7) })])
  })

  it('refuses what nobody vouches for, and changes nothing', async () => {
    const result = await cli.run(['client', 'sign', 'bob.csr'])
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toBe(
      `error: ${cli.path('bob.csr')} is refused (unconfirmed-name): it asks for bob@example.org, and nobody has confirmed that\n` +
        "hint:  if it really comes from this user: --name 'bob@example.org', or --accept-requested-name for all files\n",
    )
    expect(existsSync(cli.path('bob.crt'))).toBe(false)
    expect(names()).not.toContain('bob@example.org')
  })

  it('signs several files, and tells of those that failed (exit code 9)', async () => {
    const files = ['bob.csr', 'broken.csr', 'carol.csr', 'nowhere.csr', 'alice.csr']
    const result = await cli.run(['client', 'sign', ...files, '--accept-requested-name', '--out', 'out', '--json'])
    expect(result.code).toBe(9)
    const { signed, failed } = JSON.parse(result.stdout)
    expect(signed).toEqual(
      ['bob', 'carol'].map((name) => ({
        request: cli.path(`${name}.csr`),
        jid: `${name}@example.org`,
        device: '',
        serial: expect.stringMatching(/^[0-9a-f]{32}$/),
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        notAfter: expect.stringMatching(/^\d{4}-/),
        files: { certificate: cli.path(`out/${name}.crt`), chain: cli.path(`out/${name}.chain.crt`) },
        directory: join(cli.home, 'clients/example.org', name),
        notCopied: [],
        created: true,
      })),
    )
    expect(failed.map(({ request, error }: never) => [request, (error as { code: string }).code])).toEqual([
      [cli.path('broken.csr'), 'BAD_INPUT'],
      [cli.path('nowhere.csr'), 'NOT_FOUND'],
      [cli.path('alice.csr'), 'EXISTS'],
    ])
    expect(names()).toEqual(['alice@example.org', 'bob@example.org', 'carol@example.org'])
  })

  it('may run again with --if-missing, and brings back an answer that got lost', async () => {
    rmSync(cli.path('out/bob.crt'))
    const again = ['client', 'sign', 'bob.csr', '--accept-requested-name', '--if-missing', '--out', 'out']
    const result = await cli.run(again)
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(/^bob@example\.org already has a certificate until .*bob\.crt\n$/)
    expect(readFileSync(cli.path('out/bob.crt'), 'utf8')).toBe(readFileSync(kept('bob', 'crt'), 'utf8'))
    expect(names()).toHaveLength(3)
  })

  it('leaves no bundle behind, and client issue --if-missing says so', async () => {
    const { code, stderr } = await cli.run(['client', 'issue', 'bob', '--if-missing'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^warning: .* has a certificate, but its key is not in .*: there is no bundle$/m)
  })

  it('gives a second key of the same user a certificate only as another device', async () => {
    const args = ['client', 'sign', 'bob-phone.csr', '--name', 'bob']
    const refused = await cli.run([...args, '--if-missing'])
    expect(refused).toMatchObject({ code: 3 })
    expect(refused.stderr).toContain('already has a certificate for another key')
    const signed = await cli.run([...args, '--device', 'phone'])
    expect(signed.code, signed.stderr).toBe(0)
    expect(names()).toContain('bob@example.org (phone)')
  })

  it('never overwrites an answer', async () => {
    writeFileSync(cli.path('dora.chain.crt'), 'mine')
    const result = await cli.run(['client', 'sign', 'dora.csr', '--name', 'dora', '--json'])
    expect(JSON.parse(result.stdout).error).toMatchObject({ code: 'EXISTS', exitCode: 3 })
    expect(readFileSync(cli.path('dora.chain.crt'), 'utf8')).toBe('mine')
    expect(existsSync(kept('dora', 'crt'))).toBe(false)
  })

  it.each([
    [
      'a key type that is not allowed',
      ['erik.csr', '--name', 'erik', '--allow-key-type', 'rsa:4096'],
      'BAD_INPUT',
      '(key-type)',
    ],
    ['another name', ['erik.csr', '--name', 'eve'], 'BAD_NAME', '(other-name)'],
    ['one name for several files', ['erik.csr', 'dora.csr', '--name', 'erik'], 'USAGE', '--name'],
    ['an unknown key type', ['erik.csr', '--name', 'erik', '--allow-key-type', 'ec:p256,dsa'], 'BAD_INPUT', "'dsa'"],
    [
      'another name, whatever is accepted',
      ['erik.csr', '--name', 'eve', '--accept-requested-name'],
      'BAD_NAME',
      '(other-name)',
    ],
    ['more days than the CA has', ['erik.csr', '--name', 'erik', '--days', '9999'], 'BAD_INPUT', '9999'],
  ])('refuses %s', async (_case, args, code, text) => {
    const result = await cli.run(['client', 'sign', '--json', ...args])
    const { error } = JSON.parse(result.stdout)
    expect(error).toMatchObject({ code, exitCode: 2 })
    expect(error.message).toContain(text)
    expect(existsSync(cli.path('erik.crt'))).toBe(false)
  })

  it('says where a certificate is that could not be written out', async () => {
    symlinkSync(cli.path('gone'), cli.path('dangling'))
    const args = ['client', 'sign', 'erik.csr', '--name', 'Erik', '--out', 'dangling']
    const result = await cli.run(args)
    expect(result).toMatchObject({ code: 7, stdout: '' })
    expect(result.stderr).toContain('note: "Erik" is the user erik@example.org')
    expect(result.stderr).toContain(`kept in ${join(cli.home, 'clients/example.org/erik')}`)
    const again = await cli.run([...args.slice(0, -1), 'out', '--if-missing'])
    expect(again).toMatchObject({ code: 0 })
    expect(readFileSync(cli.path('out/erik.crt'), 'utf8')).toBe(readFileSync(kept('erik', 'crt'), 'utf8'))
  })
})

describe('client sign --renew', () => {
  let home: CliHome
  beforeAll(async () => {
    home = await homeWithCa('--domain', 'example.org')
    for (const [name, file] of [
      ['sensor', 'first'],
      ['sensor', 'second'],
      ['sensor', 'third'],
      ['carol', 'carol'],
      ['dora', 'dora'],
    ]) {
      const csr = await createCsr({ keys: await testKeys('ec:p256'), jid: account(`${name}@example.org`) })
      writeFileSync(home.path(`${file}.csr`), csr)
    }
    expect(await home.run(['client', 'sign', 'first.csr', '--name', 'sensor'])).toMatchObject({ code: 0 })
  })
  afterAll(() => home.remove())

  const folder = (name: string) => join(home.home, 'clients/example.org', name)
  const rows = (name: string) => ledgerOf(home).filter((record) => record.name === `${name}@example.org`)
  const publicKey = (kind: string, file: string) => openssl(kind, '-in', file, '-noout', '-pubkey')

  it('needs to be said, and says so', async () => {
    const refused = await home.run(['client', 'sign', 'second.csr', '--name', 'sensor'])
    expect(refused).toMatchObject({ code: 3, stdout: '' })
    expect(refused.stderr).toContain('--renew supersedes it')
    const alone = await home.run(['client', 'sign', 'second.csr', '--name', 'sensor', '--revoke-old', '--json'])
    expect(JSON.parse(alone.stdout).error).toMatchObject({ code: 'USAGE', exitCode: 2 })
    expect(rows('sensor')).toHaveLength(1)
  })

  it('gives the new key the place of the old one, which stays valid', async () => {
    const result = await home.run(['client', 'sign', 'second.csr', '--name', 'sensor', '--renew'])
    const [old] = rows('sensor')
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(/\n {2}old one {6}valid until \d{4}-\d\d-\d\d, in .*sensor~[0-9a-f]{12}\n$/)
    expect(old).toMatchObject({ directory: `${folder('sensor')}~${old?.serial.slice(0, 12)}` })
    expect(old?.revokedAt).toBeUndefined()
    expect(readFileSync(join(old?.directory ?? '', 'sensor.crt'))).toEqual(readFileSync(home.path('first.crt')))
    expect(publicKey('x509', join(folder('sensor'), 'sensor.crt'))).toBe(publicKey('req', home.path('second.csr')))
  })

  it('may run again with --if-missing: the same key is not renewed', async () => {
    const args = ['client', 'sign', 'second.csr', '--name', 'sensor', '--renew', '--if-missing']
    const again = await home.run(args)
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(again.stdout).toContain('already has a certificate until')
    expect(rows('sensor')).toHaveLength(2)
  })

  it('revokes what is superseded with --revoke-old, new users are signed beside, and one CRL tells', async () => {
    const args = ['--accept-requested-name', '--renew', '--revoke-old', '--json']
    const result = await home.run(['client', 'sign', 'third.csr', 'carol.csr', ...args])
    const { signed, crls } = JSON.parse(result.stdout)
    const [first, second, third] = rows('sensor')
    expect(signed).toMatchObject([
      { serial: third?.serial, previous: { serial: second?.serial, revoked: true, directory: second?.directory } },
      { jid: 'carol@example.org' },
    ])
    expect(signed[1].previous).toBeUndefined()
    expect(rows('sensor').map(({ revocationReason }) => revocationReason)).toEqual([undefined, 'superseded', undefined])
    expect(crls).toMatchObject([{ number: 1 }])
    const crl = openssl('crl', '-in', crls[0].file, '-noout', '-text').toLowerCase()
    expect(crl).toContain(second?.serial)
    expect(crl).not.toContain(first?.serial)
  })

  it('takes the place of what client issue made, key and all, and refuses to overwrite an answer', async () => {
    expect(await home.run(['client', 'issue', 'dora'])).toMatchObject({ code: 0 })
    const args = ['client', 'sign', 'dora.csr', '--name', 'dora', '--renew']
    writeFileSync(home.path('dora.crt'), 'mine')
    expect(await home.run(args)).toMatchObject({ code: 3 })
    expect(rows('dora')).toHaveLength(1)
    expect(await home.run([...args, '--out', 'out'])).toMatchObject({ code: 0 })
    const [old] = rows('dora')
    expect(readdirSync(old?.directory ?? '')).toContain('dora.key')
    expect(readdirSync(folder('dora')).sort()).toEqual(['dora.chain.crt', 'dora.crt', 'dora.csr'])
  })

  it('refuses a key that was revoked as compromised, for whichever device, but not another one', async () => {
    const csr = (name: string) => ['client', 'sign', `${name}.csr`, '--name', 'erik', '--out', name]
    for (const name of ['stolen', 'fresh']) {
      writeFileSync(
        home.path(`${name}.csr`),
        await createCsr({ keys: await testKeys('ec:p256'), jid: account('erik@example.org') }),
      )
    }
    expect(await home.run(csr('stolen'))).toMatchObject({ code: 0 })
    expect(await home.run(['client', 'revoke', 'erik', '--reason', 'keyCompromise'])).toMatchObject({ code: 0 })
    for (const device of ['', 'phone']) {
      const as = device === '' ? [] : ['--device', device]
      const refused = await home.run([...csr('stolen'), ...as, '--json'])
      const { error } = JSON.parse(refused.stdout)
      expect(error).toMatchObject({ code: 'BAD_INPUT', exitCode: 2 })
      expect(error.message).toContain('is refused (compromised-key)')
    }
    expect(await home.run(csr('fresh'))).toMatchObject({ code: 0 })
    const { code } = await home.run([...csr('stolen'), '--renew'])
    expect(code).toBe(2)
  })

  it('gives a device whose certificate was revoked another one', async () => {
    const args = ['client', 'sign', 'carol.csr', '--name', 'carol', '--out', 'again']
    expect(await home.run(['client', 'revoke', 'carol'])).toMatchObject({ code: 0 })
    const [old] = rows('carol')
    const archive = `${folder('carol')}~${old?.serial.slice(0, 12)}`
    const result = await home.run(args)
    expect(result).toMatchObject({
      code: 0,
      stderr: `warning: the files of the revoked certificate of carol@example.org are now in ${archive}\n`,
    })
    expect(rows('carol').map(({ directory }) => directory)).toEqual([archive, folder('carol')])
    expect(readdirSync(archive).sort()).toEqual(['carol.chain.crt', 'carol.crt', 'carol.csr'])
  })
})

describe('client sign, told by the environment', () => {
  const told = new CliHome()
  afterAll(() => told.remove())

  it('allows key types and accepts names', async () => {
    const made = await told.run(['ca', 'init', '--no-passphrase', '--domain', 'example.org'])
    expect(made.code).toBe(0)
    await told.run(['client', 'csr', 'alice@example.org'])
    const env = { XMPPKI_ACCEPT_REQUESTED_NAME: 'true', XMPPKI_ALLOW_KEY_TYPE: 'ed25519' }
    const refused = await told.run(['client', 'sign', 'alice.csr', '--json'], { env })
    expect(JSON.parse(refused.stdout).error.message).toContain('(key-type)')
    const allowed = { ...env, XMPPKI_ALLOW_KEY_TYPE: 'ed25519,ec:p256' }
    expect(await told.run(['client', 'sign', 'alice.csr'], { env: allowed })).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('client sign with an encrypted CA key', () => {
  const locked = new CliHome()
  beforeAll(async () => {
    await locked.run(['ca', 'init', '--domain', 'example.org'], { env: { XMPPKI_CA_PASSPHRASE: 'open sesame' } })
    for (const name of ['alice', 'bob']) await locked.run(['client', 'csr', `${name}@example.org`])
  })
  afterAll(() => locked.remove())

  it('does not need the passphrase to refuse', async () => {
    const result = await locked.run(['client', 'sign', 'alice.csr', '--name', 'eve', '--json'])
    expect(JSON.parse(result.stdout).error).toMatchObject({ code: 'BAD_NAME', exitCode: 2 })
  })

  it('fails once for all files when the passphrase is wrong', async () => {
    const result = await locked.run(['client', 'sign', 'alice.csr', 'bob.csr', '--accept-requested-name', '--json'], {
      env: { XMPPKI_CA_PASSPHRASE: 'close sesame' },
    })
    expect(result.code).toBe(5)
    expect(JSON.parse(result.stdout).error).toMatchObject({ code: 'PASSPHRASE' })
    expect(existsSync(locked.path('alice.crt'))).toBe(false)
  })
})
