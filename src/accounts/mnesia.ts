import { XmppkiError } from '../errors.ts'
import { readErlangTerms, type Term } from '../formats/erlang-reader.ts'
import { decodeUtf8 } from '../formats/utf8.ts'
import { type Credential, type ForeignRow, foreignRow, rowError } from './foreign-account.ts'
import { keyOctets, scramHash, scramKeys } from './scram-row.ts'

/**
 * Accounts in a dump of Mnesia, as `ejabberdctl dump FILE`, `ejabberdctl dump_table FILE passwd` and `mongooseimctl
 * mnesia dumpTable` write it: one record `{passwd, {User, Server}, Password}` for each, other tables are left out. The password
 * is a text, a record `scram`, or with MongooseIM a map.
 * @param source how the dump is called in messages
 * @throws {XmppkiError} BAD_INPUT with file, line and column when it cannot be read, or has no such record
 */
export function readMnesiaAccounts(octets: Uint8Array, source: string): ForeignRow[] {
  // Binaries are bytes, whatever is in them: each stands in one character until it is known what it is.
  const { terms, placeOf } = readErlangTerms(Buffer.from(octets).toString('latin1'), source)
  const rows = terms.flatMap((term) => {
    const [table, key, value] = itemsOf(term)
    if (table?.kind !== 'atom' || table.text !== 'passwd' || key === undefined || value === undefined) return []
    const place = placeOf(term.at).replace(/:\d+$/, '')
    return [foreignRow(place, '', () => ({ ...nameOf(key), credential: credentialOf(value) }))]
  })
  if (rows.length > 0) return rows
  throw new XmppkiError('BAD_INPUT', `there are no accounts (records of the table passwd) in ${source}`, {
    hint: 'make it with: ejabberdctl dump_table FILE passwd',
  })
}

/** Later releases of ejabberd have the kind of password as a third part of the key; the password tells it as well. */
function nameOf(key: Term) {
  const [user, server] = itemsOf(key)
  if (user === undefined || server === undefined) throw rowError('the key of the record is not {User, Server}')
  return { name: textOf(user, 'username'), domain: textOf(server, 'domain') }
}

function credentialOf(value: Term): Credential {
  if (value.kind === 'text') return { kind: 'password', password: textOf(value, 'password') }
  if (value.kind === 'map') return { kind: 'keys', keys: Object.fromEntries(keysOfMap(value.entries)) }
  const [tag, storedKey, serverKey, salt, ...rest] = itemsOf(value)
  if (tag?.kind !== 'atom' || tag.text !== 'scram') throw rowError('the password is neither a text nor SCRAM')
  const texts = { storedKey: textOf(storedKey, 'stored key'), serverKey: textOf(serverKey, 'server key') }
  const octets = keyOctets({ ...texts, salt: textOf(salt, 'salt') })
  // The hash came with ejabberd 20.12; before it, and in MongooseIM, there is none.
  const [hash, iterations] = rest.length > 1 ? rest : [undefined, ...rest]
  if (hash !== undefined && hash.kind !== 'atom') throw rowError('the hash is not an atom')
  return {
    kind: 'keys',
    keys: Object.fromEntries([scramKeys({ hash: hash?.text ?? 'sha', ...octets, iterations: numberOf(iterations) })]),
  }
}

/** `#{iteration_count => 10000, sha => #{salt => …, server_key => …, stored_key => …}, …}` */
function keysOfMap(entries: readonly (readonly [Term, Term])[]) {
  const members = membersOf(entries)
  const iterations = numberOf(members.get('iteration_count'))
  const hashes = [...members].filter(([name, { kind }]) => name.startsWith('sha') && kind === 'map')
  const known = hashes.filter(([name]) => scramHash(name) !== undefined)
  if (hashes.length === 0) throw rowError('the password has no keys')
  return (known.length > 0 ? known : hashes).map(([hash, value]) => {
    const parts = membersOf(value.kind === 'map' ? value.entries : [])
    const octets = keyOctets({
      salt: textOf(parts.get('salt'), 'salt'),
      storedKey: textOf(parts.get('stored_key'), 'stored key'),
      serverKey: textOf(parts.get('server_key'), 'server key'),
    })
    return scramKeys({ hash, ...octets, iterations })
  })
}

function membersOf(entries: readonly (readonly [Term, Term])[]): ReadonlyMap<string, Term> {
  return new Map(entries.map(([key, value]) => [key.kind === 'atom' ? key.text : '', value]))
}

function itemsOf(term: Term): readonly Term[] {
  return term.kind === 'tuple' ? term.items : []
}

function numberOf(term: Term | undefined): number {
  if (term?.kind !== 'number') throw rowError('the number of iterations is not a number')
  return term.value
}

/** @param what for the message */
function textOf(term: Term | undefined, what: string): string {
  if (term?.kind !== 'text' || /[^\0-\xff]/.test(term.text)) throw rowError(`the ${what} is not text`)
  return decodeUtf8(Buffer.from(term.text, 'latin1'), `the ${what}`)
}
