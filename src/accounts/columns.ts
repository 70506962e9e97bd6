import type { Credential, ForeignAccount } from './foreign-account.ts'
import { rowError } from './foreign-account.ts'
import { readPassDetails } from './mongooseim-details.ts'
import { keyOctets, parseIterations, scramKeys } from './scram-row.ts'

/** What a table can say of an account. */
type Column =
  | 'name'
  | 'domain'
  | 'password'
  | 'pass_details'
  | 'salt'
  | 'stored_key'
  | 'server_key'
  | 'iterations'
  | 'hash'
  | 'type'
  | 'created_at'

/** What lists, ejabberd and MongooseIM call them, without what separates words. */
const COLUMNS: Readonly<Record<string, Column>> = {
  name: 'name',
  jid: 'name',
  user: 'name',
  username: 'name',
  domain: 'domain',
  host: 'domain',
  server: 'domain',
  serverhost: 'domain',
  password: 'password',
  passdetails: 'pass_details',
  salt: 'salt',
  storedkey: 'stored_key',
  serverkey: 'server_key',
  iterations: 'iterations',
  iterationcount: 'iterations',
  hash: 'hash',
  type: 'type',
  createdat: 'created_at',
}

/** The columns that can be written, for hints. */
export const COLUMN_HINT =
  'there are: jid or username, domain, password; stored_key, server_key, salt, iterations, hash; pass_details'

/** In ejabberd since 25.03: plain, SHA-1, SHA-256, SHA-512, by number; 0 does not say. */
const EJABBERD_TYPES: Readonly<Record<string, string | undefined>> = { 2: 'sha-1', 3: 'sha-256', 4: 'sha-512' }

/** ejabberd puts the hash before the stored key, except SHA-1. */
const HASH_PREFIX = /^(sha256|sha512):/

/** What a row says, without columns that are empty. */
export type Cells = ReadonlyMap<Column, string>

/** Which column is meant; undefined for an unknown one. */
export function columnOf(heading: string): Column | undefined {
  const name = heading.toLowerCase().replace(/[\s"_-]/g, '')
  return Object.hasOwn(COLUMNS, name) ? COLUMNS[name] : undefined
}

/** @throws {XmppkiError} BAD_INPUT when the row says too little, or contradicts itself */
export function accountOf(cells: Cells): Omit<ForeignAccount, 'place'> {
  const name = cells.get('name')?.trim()
  if (name === undefined || name === '') throw rowError('there is no name')
  return { name, domain: cells.get('domain')?.trim(), credential: credentialOf(cells) }
}

function credentialOf(cells: Cells): Credential {
  const details = cells.get('pass_details')
  if (details !== undefined) return { kind: 'keys', keys: readPassDetails(details) }
  const password = cells.get('password')
  if (cells.has('salt') || cells.has('server_key') || cells.has('stored_key')) return keysOf(cells, password)
  if (password !== undefined) return { kind: 'password', password }
  throw rowError('there is neither a password nor keys')
}

/** @param password where ejabberd has its stored key */
function keysOf(cells: Cells, password: string | undefined): Credential {
  const ownKey = cells.get('stored_key')
  if (ownKey !== undefined && password !== undefined) throw rowError('there are both a password and keys')
  const written = ownKey ?? password
  if (written === undefined) throw rowError('there is no stored_key')
  const [prefix, hash] = HASH_PREFIX.exec(written) ?? []
  const texts = {
    storedKey: written.slice(prefix?.length ?? 0),
    serverKey: needed(cells, 'server_key'),
    salt: needed(cells, 'salt'),
  }
  const iterations = parseIterations(needed(cells, 'iterations').trim())
  const named = cells.get('hash') ?? hash ?? EJABBERD_TYPES[cells.get('type') ?? '']
  return { kind: 'keys', keys: Object.fromEntries([scramKeys({ hash: named, ...keyOctets(texts), iterations })]) }
}

function needed(cells: Cells, column: Column): string {
  const value = cells.get(column)
  if (value === undefined) throw rowError(`there is no ${column}`)
  return value
}
