import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { loadConfiguration } from '../src/config/load.ts'
import { openAccounts } from '../src/store/open/open-accounts.ts'
import { SqliteLedger } from '../src/store/sqlite/ledger.ts'
import { restoreWorkspace } from '../src/workspace/backup/restore.ts'
import { parsePeriod } from '../src/workspace/base/period.ts'
import { openWorkspace } from '../src/workspace/base/workspace.ts'
import { readAuditTrail } from '../src/workspace/ca/audit-trail.ts'
import { listClients } from '../src/workspace/clients/list-clients.ts'
import {
  ACCOUNTS,
  BACKUP,
  CLIENTS,
  EarlierWorkspace,
  IMPORTED_CLIENTS,
  PASSPHRASES,
  UNFINISHED,
} from './support/documents/earlier-version.ts'

/** When all of the fixtures are as they are described. */
const NOW = new Date('2027-01-01T00:00:00Z')

const open: EarlierWorkspace[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.remove()
})

function copy(name: 'workspace' | 'imported'): EarlierWorkspace {
  const made = EarlierWorkspace.whole(name)
  open.push(made)
  return made
}

/** User, device, state and reason of every client, in the order of the alphabet. */
function clientsIn(home: string): string[] {
  const workspace = openWorkspace(home)
  const listed = listClients(workspace, { expiring: parsePeriod('30d'), now: NOW })
  workspace.close()
  return listed.map(({ jid, device, state, revocationReason }) => line([jid, device, state, revocationReason])).sort()
}
const line = (parts: readonly (string | undefined)[]) => parts.filter((part) => part).join(' ')

const EXPECTED = CLIENTS.map(({ user, device, state, reason }) => {
  return line([`${user}@example.org`, device, state === 'undermined' ? 'revoked' : state, reason])
}).sort()

describe('a ledger of version 0.1', () => {
  it('says who has what', () => {
    expect(clientsIn(copy('workspace').home)).toEqual(EXPECTED)
  })

  it('says so when it came from openssl', () => {
    const states = IMPORTED_CLIENTS.map(({ user, state }) => `${user}@example.net ${state}`)
    const found = clientsIn(copy('imported').home).map((text) => text.split(' ').slice(0, 2).join(' '))
    expect(found).toEqual(states.sort())
  })

  it('has the folders of clients where they are now', () => {
    const { home } = copy('workspace')
    const ledger = new SqliteLedger(join(home, 'ledger.db'))
    const outside = ledger.list().filter(({ directory }) => !directory.startsWith(`${home}/`))
    ledger.close()
    expect(outside.map(({ name }) => name)).toEqual(['peter@example.org'])
  })

  it('knows the last logins, by certificates that it has', () => {
    const workspace = openWorkspace(copy('workspace').home)
    const listed = listClients(workspace, { expiring: parsePeriod('30d'), now: NOW })
    workspace.close()
    const users = listed
      .filter(({ lastLogin }) => lastLogin !== undefined)
      .map(({ jid, device }) => line([jid, device]))
    expect(users.sort()).toEqual([
      'benvolio@example.org',
      'juliet@example.org',
      'juliet@example.org laptop',
      'laurence@example.org',
      'mercutio@example.org',
      'romeo@example.org',
    ])
  })

  it('knows which certificates were enrolled, and who vouched for them', () => {
    const ledger = new SqliteLedger(join(copy('workspace').home, 'ledger.db'))
    const enrolled = ['juliet', 'samson', 'benvolio'].flatMap((user) => ledger.enrolments.list(`${user}@example.org`))
    ledger.close()
    expect(enrolled.map(({ label, mayManage, vouchedBy }) => [label, mayManage, vouchedBy !== undefined])).toEqual([
      ['watch', true, true],
      ['radio', false, true],
      ['strap', true, true],
      ['tablet', true, false],
      ['spare', true, true],
    ])
  })

  it.each(['workspace', 'imported'] as const)('has an audit log that agrees with it: %s', (name) => {
    const ledger = new SqliteLedger(join(copy(name).home, 'ledger.db'))
    const { entries } = readAuditTrail(ledger)
    ledger.close()
    expect(entries.length).toBeGreaterThan(6)
    expect(entries.filter(({ event }) => event !== 'log-started').map(({ actor }) => actor?.user)).toEqual(
      entries.slice(1).map(() => 'operator'),
    )
  })
})

describe('what else version 0.1 has left', () => {
  it('accounts', async () => {
    const accounts = await openAccounts({ url: undefined, path: join(copy('workspace').home, 'accounts.db') })
    const jids = (await accounts.list()).map(({ jid }) => jid)
    await accounts.close()
    expect(jids.sort()).toEqual(
      [...ACCOUNTS.map(({ user }) => user), 'gregory'].sort().map((user) => `${user}@example.org`),
    )
  })

  it('a configuration with every key', () => {
    const warnings: string[] = []
    const source = { file: undefined, home: copy('workspace').home, overrides: [], defaultHost: 'example.org' }
    const { listen, auth } = loadConfiguration(source, (text) => warnings.push(text))
    expect(warnings).toEqual([])
    expect(listen.c2s.map(({ tls }) => [tls.mode, tls.crl_mode])).toEqual([
      ['starttls_required', 'soft'],
      ['tls', 'hard'],
    ])
    expect(auth).toMatchObject({ methods: ['pki', 'rdbms'], certificate_enrolment: true })
  })

  it('a backup', async () => {
    const { folder } = copy('imported')
    const home = join(folder, 'restored')
    const { files } = await restoreWorkspace(home, BACKUP, PASSPHRASES.XMPPKI_BACKUP_PASSPHRASE)
    expect(files).toBeGreaterThan(100)
    expect(clientsIn(home)).toEqual(EXPECTED)
    expect(readdirSync(home)).toEqual(expect.arrayContaining(['accounts.db', 'revocations.db', 'xmppki.toml']))
  })

  it.each(UNFINISHED)('an unfinished journal, which does not keep the ledger from being read: %s', (state) => {
    const made = EarlierWorkspace.unfinished(state)
    open.push(made)
    expect(clientsIn(made.home)).toEqual(expect.arrayContaining(['alice@example.org valid']))
  })
})
