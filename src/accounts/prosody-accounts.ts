import { type LuaTable, readLuaData } from '../formats/lua-data.ts'
import { decodeUtf8 } from '../formats/utf8.ts'
import { type Credential, type ForeignRow, foreignRow, rowError } from './foreign-account.ts'
import { fromHex, scramKeys } from './scram-row.ts'

/** A file of the store `accounts` of Prosody. */
export interface ProsodyFile {
  /** As it is called in messages. */
  readonly place: string
  /** The name of the folder of the host, and that of the file without `.dat`, as they are on the disk. */
  readonly host: string
  readonly user: string
  readonly content: Uint8Array
}

/**
 * An account as Prosody keeps it with `authentication = "internal_hashed"` or `"internal_plain"`. The salt is the text
 * as it stands there, the keys are in hexadecimal; one with neither logs in without a password.
 */
export function readProsodyAccount({ place, host, user, content }: ProsodyFile): ForeignRow {
  return foreignRow(place, user, () => {
    const credential = credentialOf(readLuaData(content, place))
    return { name: fromDiskName(user), domain: fromDiskName(host), credential }
  })
}

/** Every byte that is not a letter and no digit is `%` and two digits (util.datamanager of Prosody). @throws {XmppkiError} BAD_INPUT */
export function fromDiskName(name: string): string {
  // What stands there as it is is UTF-8 as well; one character for each byte.
  const bytes = Buffer.from(name)
    .toString('latin1')
    .replace(/%([0-9a-f]{2})/gi, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return decodeUtf8(Buffer.from(bytes, 'latin1'), 'the name')
}

function credentialOf(account: LuaTable): Credential {
  if (account.get('disabled') === true) throw rowError('the account is disabled in Prosody')
  const password = account.get('password')
  // Beside keys, it is what the keys will be made of at the next login.
  if (typeof password === 'string' && password !== '') return { kind: 'password', password }
  const names = ['salt', 'stored_key', 'server_key', 'iteration_count']
  if (names.every((name) => account.get(name) === undefined)) return { kind: 'none' }
  const iterations = account.get('iteration_count')
  if (typeof iterations !== 'number') throw rowError('iteration_count is not a number')
  const keys = scramKeys({
    hash: undefined,
    salt: Buffer.from(textOf(account, 'salt')),
    storedKey: fromHex(textOf(account, 'stored_key'), 'stored key'),
    serverKey: fromHex(textOf(account, 'server_key'), 'server key'),
    iterations,
  })
  return { kind: 'keys', keys: Object.fromEntries([keys]) }
}

function textOf(account: LuaTable, name: string): string {
  const value = account.get(name)
  if (typeof value !== 'string') throw rowError(`${name} is not text`)
  return value
}
