import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readCrl } from '../../src/pki/revocation/crl-facts.ts'
import { BACKUP, CLIENTS, EarlierWorkspace, PASSPHRASES } from '../support/documents/earlier-version.ts'
import { type CliOptions, type CliResult, runCli } from '../support/processes/cli.ts'

let workspace: EarlierWorkspace
afterEach(() => workspace.remove())

async function run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const env = { ...PASSPHRASES, XMPPKI_HOME: workspace.home, ...options.env }
  return runCli(args, { cwd: workspace.folder, ...options, env })
}

/** What a command says with `--json`, which must succeed. */
async function ask(...args: string[]) {
  const { code, stdout, stderr } = await run([...args, '--json'])
  expect(code, `${args.join(' ')}: ${stdout}${stderr}`).toBe(0)
  return JSON.parse(stdout)
}

interface Listed {
  readonly jid: string
  readonly device: string
  readonly state: string
  readonly serial: string
}

async function certificatesOf(user: string): Promise<Listed[]> {
  return (await ask('client', 'show', user)).certificates
}
const statesOf = async (user: string) => (await certificatesOf(user)).map(({ state }) => state)

/** The events of the audit log, which must agree with the ledger. */
async function audited(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await run(['ca', 'audit', '--json', ...args])
  expect(code, stderr).toBe(0)
  const entries = stdout.split('\n').filter((line) => line.includes('"event"'))
  return entries.map((line) => JSON.parse(line).event)
}

/** Needs neither passphrase nor network. */
async function expectSound(): Promise<void> {
  const { stdout } = await run(['doctor', '--json'])
  const findings: { state: string; check: string }[] = JSON.parse(stdout).findings
  expect(findings.length).toBeGreaterThan(5)
  expect(findings.filter(({ state, check }) => state === 'failed' && !check.startsWith('DNS'))).toEqual([])
}

const crlNumber = (path: string) => {
  const file = join(workspace.home, path)
  return readCrl(readFileSync(file, 'utf8'), file).number
}

describe('a workspace of version 0.1', () => {
  beforeEach(() => {
    workspace = EarlierWorkspace.whole('workspace')
  })

  it('is listed, shown and audited', async () => {
    const { clients } = await ask('client', 'list')
    expect(clients).toHaveLength(CLIENTS.length)
    expect(await statesOf('juliet')).toEqual(['valid', 'superseded', 'valid', 'revoked'])
    expect(new Set(await audited())).toEqual(
      new Set([
        'log-started',
        'ca-created',
        'issued',
        'renewed',
        'signed',
        'revoked',
        'exported',
        'crl-published',
        'restored',
        'backed-up',
        'enrolled',
        'enrolment-disabled',
        'enrolment-revoked',
      ]),
    )
    const { accounts } = await ask('user', 'list')
    expect(accounts).toHaveLength(6)
    expect(await ask('ca', 'url')).toMatchObject({ url: 'http://pki.example.org' })
  })

  it('is sound', async () => {
    await expectSound()
  })

  it.each([[], ['--config', 'home/shared.toml']])('has a configuration that holds: %s %s', async (...args) => {
    writeFileSync(join(workspace.home, 'database.url'), 'postgres://xmppki@127.0.0.1/xmppki\n', { mode: 0o600 })
    await ask('config', 'check', ...args)
    await ask('config', 'show', ...args)
  })

  it('has certificates that are judged as the server does it', async () => {
    for (const client of CLIENTS) {
      const path = workspace.pathOf(client)
      if (path === undefined || client.state === 'undermined') continue
      const { code, stdout } = await run(['cert', 'verify', join(workspace.home, `${path}.crt`)])
      const isGood = client.state === 'valid' || client.state === 'superseded'
      expect(code === 0, stdout).toBe(isGood)
    }
  })

  it('goes on: issues, renews, revokes', async () => {
    await ask('client', 'issue', 'friar')
    await ask('client', 'renew', 'romeo')
    await ask('client', 'renew', 'juliet', '--device', 'laptop', '--rekey', '--revoke-old')
    await ask('client', 'revoke', 'capulet', '--reason', 'keyCompromise')
    const [{ serial } = { serial: '' }] = await certificatesOf('mercutio')
    await ask('client', 'revoke', '--serial', serial)
    await ask('client', 'revoke', '--file', join(workspace.home, 'clients/example.org/laurence/laurence.crt'))
    expect(await statesOf('friar')).toEqual(['valid'])
    expect(await statesOf('romeo')).toEqual(['valid', 'superseded'])
    expect(await statesOf('juliet')).toEqual(['valid', 'superseded', 'valid', 'revoked', 'revoked'])
    for (const user of ['capulet', 'mercutio', 'laurence']) expect(await statesOf(user)).toEqual(['revoked'])
    await audited()
  })

  it('goes on: its lists have larger numbers, and everything that they had', async () => {
    const lists = ['ca/root.crl', 'ca/issuing/issuing.crl']
    expect(lists.map(crlNumber)).toEqual([3n, 5n])
    await ask('client', 'revoke', 'balthasar')
    expect(lists.map(crlNumber)).toEqual([3n, 6n])
    await ask('ca', 'crl')
    expect(lists.map(crlNumber)).toEqual([4n, 7n])
    const { entries } = readCrl(readFileSync(join(workspace.home, 'ca/issuing/issuing.crl'), 'utf8'), 'crl')
    expect(entries).toHaveLength(5)
  })

  it('goes on: server certificates, bundles, requests and CAs', async () => {
    await ask('server', 'renew', 'example.org')
    await ask('client', 'export', 'romeo', '--out', join(workspace.folder, 'romeo.p12'))
    await ask('client', 'csr', 'sensor', '--domain', 'example.org')
    await ask('client', 'sign', 'sensor.csr', '--name', 'sensor', '--renew')
    await ask('ca', 'issuing', 'init', '--replace')
    await ask('client', 'issue', 'friar')
    await ask('ca', 'issuing', 'revoke')
    await ask('client', 'issue', 'prince')
    await audited()
  })

  it('goes on: accounts', async () => {
    const password = ['--password-file', join(workspace.folder, 'password')] as const
    writeFileSync(password[1], 'another one\n', { mode: 0o600 })
    await ask('user', 'add', 'friar', ...password)
    await ask('user', 'passwd', 'anna', ...password)
    await ask('user', 'delete', 'bruno')
    const { accounts } = await ask('user', 'list')
    expect(accounts.map(({ jid }: { jid: string }) => jid.replace(/@.*/, ''))).toEqual([
      'anna',
      'clara',
      'friar',
      'gregory',
      'peter',
      'samson',
    ])
  })

  it('can be backed up, and what was backed up by version 0.1 be restored', async () => {
    await ask('ca', 'backup', 'now.age')
    const home = join(workspace.folder, 'restored')
    await ask('ca', 'restore', BACKUP, '--home', home)
    expect((await ask('client', 'list', '--home', home)).clients).toEqual(
      expect.arrayContaining([expect.objectContaining({ jid: 'rosalind@example.org', state: 'valid' })]),
    )
    await audited('--home', home)
    await ask('client', 'revoke', 'romeo', '--home', home)
  })
})

describe('a CA that version 0.1 has taken over from openssl', () => {
  beforeEach(() => {
    workspace = EarlierWorkspace.whole('imported')
  })

  it('goes on: renews and revokes what openssl had issued', async () => {
    await ask('client', 'renew', 'eve')
    expect(await statesOf('eve')).toEqual(['valid', 'superseded'])
    await ask('client', 'revoke', '--serial', '1005')
    expect(await statesOf('eve')).toEqual(['valid', 'revoked'])
    await ask('client', 'revoke', 'amy')
    expect(await statesOf('amy')).toEqual(['revoked', 'revoked'])
    await audited()
  })

  it('goes on: its list has a larger number, and everything that it had', async () => {
    expect(crlNumber('ca/root.crl')).toBe(7n)
    await ask('ca', 'crl')
    expect(crlNumber('ca/root.crl')).toBe(8n)
    const { entries } = readCrl(readFileSync(join(workspace.home, 'ca/root.crl'), 'utf8'), 'crl')
    expect(entries).toHaveLength(3)
  })

  it('is sound', async () => {
    await expectSound()
  })
})
