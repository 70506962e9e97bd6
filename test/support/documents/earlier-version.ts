import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import type { Credentials } from '../certificates/certificates.ts'
import { removeFolder } from '../processes/remove-folder.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures/v0.1/', import.meta.url))

/** Where the program that wrote them had its workspaces: absolute paths in journals begin with it. */
const UNFINISHED_HOME = '/srv/xmppki/unfinished/home'

/** What the commands of that workspace need in their environment. */
export const PASSPHRASES = {
  XMPPKI_CA_PASSPHRASE: 'a passphrase of tests',
  XMPPKI_ISSUING_PASSPHRASE: 'a passphrase of tests',
  XMPPKI_BACKUP_PASSPHRASE: 'a passphrase of the backup',
}

/** A client certificate that an earlier version has issued, or taken up. */
export interface EarlierClient {
  readonly user: string
  /** The empty string is the main one. */
  readonly device: string
  /** `undermined`: valid in itself, but the CA that issued it is revoked. */
  readonly state: 'valid' | 'superseded' | 'expired' | 'revoked' | 'undermined'
  /** Start of the name of its folder; undefined where its files are not in the workspace. */
  readonly folder?: string
  readonly reason?: string
}

const valid = (user: string, device = '', folder = device === '' ? user : `${user}@${device}`): EarlierClient => ({
  user,
  device,
  state: 'valid',
  folder,
})
const revoked = (user: string, reason: string, { device = '', folder = user } = {}): EarlierClient => ({
  ...valid(user, device, folder),
  state: 'revoked',
  reason,
})

/** The clients of `workspace`, as they are from 2026 to 2034. */
export const CLIENTS: readonly EarlierClient[] = [
  valid('romeo'),
  valid('mercutio'),
  valid('juliet'),
  valid('juliet', 'laptop'),
  valid('nurse'),
  valid('balthasar'),
  valid('laurence'),
  valid('capulet'),
  valid('100%', '', '100%25'),
  valid('rosalind'),
  // Revoked on another machine, which its own ledger does not know.
  valid('montague'),
  { user: 'peter', device: '', state: 'valid' },
  // Their keys never were in the workspace.
  { user: 'sensor', device: '', state: 'valid' },
  { user: 'gauge', device: '', state: 'valid' },
  { user: 'gauge', device: '', state: 'superseded' },
  { user: 'juliet', device: '', state: 'superseded', folder: 'juliet~' },
  { user: 'paris', device: '', state: 'expired', folder: 'paris' },
  { user: 'tybalt', device: '', state: 'undermined', folder: 'tybalt' },
  revoked('abram', 'unspecified'),
  revoked('benvolio', 'unspecified'),
  revoked('escalus', 'cessationOfOperation'),
  revoked('juliet', 'keyCompromise', { device: 'phone', folder: 'juliet@phone' }),
  revoked('nurse', 'superseded', { folder: 'nurse~' }),
]

/** Certificates that accounts of `workspace` have enrolled; whoever vouched for `spare` was revoked afterwards. */
export const ENROLLED = [
  { name: 'watch', account: 'juliet@example.org', logsIn: true },
  { name: 'radio', account: 'juliet@example.org', logsIn: true },
  { name: 'strap', account: 'juliet@example.org', logsIn: true },
  { name: 'tablet', account: 'samson@example.org', logsIn: true },
  { name: 'spare', account: 'benvolio@example.org', logsIn: false },
  { name: 'lost', account: 'juliet@example.org', logsIn: false },
  { name: 'mislaid', account: 'juliet@example.org', logsIn: false },
] as const

/** Accounts of `workspace` and of the dump; those with one hash came from another server. */
export const ACCOUNTS = [
  { user: 'samson', password: 'open sesame', mechanisms: ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] },
  { user: 'peter', password: 'found again', mechanisms: ['SCRAM-SHA-256'] },
  { user: 'anna', password: 'old sesame', mechanisms: ['SCRAM-SHA-1'] },
  { user: 'bruno', password: 'old sesame', mechanisms: ['SCRAM-SHA-256'] },
  { user: 'clara', password: 'old sesame', mechanisms: ['SCRAM-SHA-512'] },
] as const

/** The clients of `imported`: its CA had made them with `openssl ca`, or the ledger since. */
export const IMPORTED_CLIENTS = [
  { user: 'amy', serial: '1001', state: 'superseded', path: 'openssl/newcerts/1001' },
  { user: 'amy', serial: undefined, state: 'valid', path: 'clients/example.net/amy/amy' },
  { user: 'ben', serial: '1002', state: 'revoked', path: 'openssl/newcerts/1002' },
  // Its certificate is lost.
  { user: 'cleo', serial: '1003', state: 'revoked', path: undefined },
  { user: 'dan', serial: '1004', state: 'revoked', path: 'openssl/newcerts/1004' },
  { user: 'eve', serial: '1005', state: 'valid', path: 'openssl/newcerts/1005' },
  { user: 'fay', serial: '1006', state: 'expired', path: 'openssl/newcerts/1006' },
  { user: 'gus', serial: undefined, state: 'valid', path: 'clients/example.net/gus/gus' },
] as const

/** The moments at which the program was killed, see `make/unfinished.mjs` beside the fixtures. */
export const UNFINISHED = [
  'journal-cut',
  'issue-staged',
  'issue-revealed',
  'issue-committed',
  'group-half-revealed',
  'renewal-staged',
  'renewal-moved-away',
  'renewal-revealed',
  'signature-revealed',
  'server-revealed',
  'issuing-moved-away',
] as const

export type Unfinished = (typeof UNFINISHED)[number]

/** A workspace of an earlier version in a temporary folder of its own. */
export class EarlierWorkspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'xmppki-earlier-'))
  readonly home = join(this.folder, 'home')

  private constructor(sources: readonly string[]) {
    for (const source of sources) cpSync(join(FIXTURES, source), this.home, { recursive: true })
    restrict(this.home)
  }

  static whole(name: 'workspace' | 'imported'): EarlierWorkspace {
    return new EarlierWorkspace([name])
  }

  /** As the program has left it that was killed at this moment. */
  static unfinished(state: Unfinished): EarlierWorkspace {
    const workspace = new EarlierWorkspace(['unfinished/base'])
    workspace.#replaceBy(join(FIXTURES, 'unfinished', state))
    return workspace
  }

  /** Key and certificate in `PATH.key` and `PATH.crt` or `.pem`. @param path relative to the workspace, as `keyPath` */
  credentials(path: string, keyPath = path): Credentials {
    const file = join(this.home, path)
    const certificate = existsSync(`${file}.crt`) ? `${file}.crt` : `${file}.pem`
    const key = readFileSync(join(this.home, `${keyPath}.key`), 'utf8')
    return { key, cert: readFileSync(certificate, 'utf8') }
  }

  /** The files of one of {@link CLIENTS}: the path without `.key` and `.crt`, or undefined where they are elsewhere. */
  pathOf({ user, folder }: EarlierClient): string | undefined {
    if (folder === undefined) return undefined
    const clients = 'clients/example.org'
    const names = readdirSync(join(this.home, clients))
    const name = folder.endsWith('~') ? names.find((one) => one.startsWith(folder)) : folder
    return name === undefined ? undefined : join(clients, name, user.replace('%', '%25'))
  }

  remove(): void {
    removeFolder(this.folder)
  }

  #replaceBy(state: string): void {
    for (const name of readdirSync(state)) {
      removeFolder(join(this.home, name))
      cpSync(join(state, name), join(this.home, name), { recursive: true })
    }
    for (const name of readdirSync(join(this.home, 'tmp'))) {
      const journal = join(this.home, 'tmp', name)
      writeFileSync(journal, readFileSync(journal, 'utf8').replaceAll(UNFINISHED_HOME, this.home))
    }
    restrict(this.home)
  }
}

/** git keeps no more of a mode than whether a file can be executed. */
function restrict(home: string): void {
  chmodSync(home, 0o700)
  for (const name of readdirSync(home, { recursive: true, encoding: 'utf8' })) {
    const path = join(home, name)
    const isPublic = /\.(?:crt|csr|crl|pem)$/.test(name)
    chmodSync(path, statSync(path).isDirectory() ? 0o700 : isPublic ? 0o644 : 0o600)
  }
}

/** The backup of `workspace`. */
export const BACKUP = join(FIXTURES, 'backup.age')

/** Fills an empty database with what that version had in one. @param url of a user who may make tables */
export async function restoreDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(readFileSync(join(FIXTURES, 'postgres.sql'), 'utf8'))
  } finally {
    await client.end()
  }
}
