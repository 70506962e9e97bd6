import { XmppkiError } from '../../errors.ts'
import type { CountedForm, ScramKeySet } from '../../xmpp/sasl/scram-keys.ts'
import type { Account, Accounts, CreationConflict, CreationLimits, ImportOutcome } from '../accounts.ts'
import { dummySecretOf, newDummySecret } from '../common/dummy-secret.ts'
import { domainOf, planImport } from '../common/import-plan.ts'
import { countedForms, FORM_SQL } from '../key-forms.ts'
import {
  explained,
  type FileWords,
  type SqliteDatabase,
  type SqliteStatement,
  translated,
  untilFree,
} from './driver.ts'
import { inTransaction, type Migration, openForServer } from './migrate.ts'

/** How messages speak of the file, and what a held lock is to a login: a reason to try again. */
export const ACCOUNTS_WORDS: FileWords = {
  name: 'the account database',
  restore: 'restore it from a backup',
  locked: 'UNAVAILABLE',
}

/** Another process that imports a long list takes seconds; whoever logs in does not wait for ever. */
const PATIENCE_MS = 5_000

/** The form of the keys in this column, see `formText`. */
const formOf = (keys: string) =>
  `(SELECT coalesce(group_concat(form, ','), '') FROM (SELECT ${FORM_SQL} AS form FROM json_each(${keys}) ORDER BY key))`

const COUNT_ONE = `INSERT INTO key_form VALUES (NEW.domain, ${formOf('NEW.keys')}, 1)
  ON CONFLICT DO UPDATE SET accounts = accounts + 1;`
const DISCOUNT_ONE = `UPDATE key_form SET accounts = accounts - 1 WHERE domain = OLD.domain AND form = ${formOf('OLD.keys')};
  DELETE FROM key_form WHERE domain = OLD.domain AND accounts = 0;`

const MIGRATIONS: readonly Migration[] = [
  `CREATE TABLE account (
     jid TEXT PRIMARY KEY,
     domain TEXT NOT NULL,
     keys TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     changed_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX account_domain ON account (domain);`,
  'CREATE TABLE decoy (id INTEGER PRIMARY KEY CHECK (id = 1), secret TEXT NOT NULL) STRICT',
  // Counted as they come and go: every login asks, and a server cannot go through all accounts for it.
  `CREATE TABLE key_form (
     domain TEXT NOT NULL,
     form TEXT NOT NULL,
     accounts INTEGER NOT NULL,
     PRIMARY KEY (domain, form)
   ) STRICT, WITHOUT ROWID;
   INSERT INTO key_form SELECT domain, ${formOf('account.keys')} AS form, count(*) FROM account GROUP BY 1, 2;
   CREATE TRIGGER key_form_insert AFTER INSERT ON account BEGIN ${COUNT_ONE} END;
   CREATE TRIGGER key_form_update AFTER UPDATE OF keys ON account BEGIN ${DISCOUNT_ONE} ${COUNT_ONE} END;
   CREATE TRIGGER key_form_delete AFTER DELETE ON account BEGIN ${DISCOUNT_ONE} END;`,
  'CREATE TABLE holder (jid TEXT PRIMARY KEY) STRICT, WITHOUT ROWID',
]

interface AccountRow {
  readonly jid: string
  readonly keys: string
  readonly created_at: number
  readonly changed_at: number
}

/**
 * Accounts in an SQLite file: WAL, `synchronous=FULL`. A file of its own, because what the CA does may hold the lock of
 * the ledger for long. The calls below are short and never wait for a lock, so a server can make them as it goes.
 */
export class SqliteAccounts implements Accounts {
  readonly #path: string
  readonly #database: SqliteDatabase
  readonly #find: SqliteStatement
  readonly #count: SqliteStatement
  readonly #put: SqliteStatement
  readonly #setKeys: SqliteStatement
  readonly #delete: SqliteStatement
  readonly #list: SqliteStatement
  readonly #noteHolder: SqliteStatement
  readonly #holder: SqliteStatement
  readonly #forms: SqliteStatement
  readonly #secret: SqliteStatement
  readonly #makeSecret: SqliteStatement
  #isOpen = true

  /** Opens the file or creates it (mode 0600). @throws {XmppkiError} IO, CORRUPT */
  constructor(path: string) {
    this.#path = path
    this.#database = openForServer(path, ACCOUNTS_WORDS, MIGRATIONS)
    const prepare = (sql: string) => translated(path, () => this.#database.prepare(sql), ACCOUNTS_WORDS)
    this.#find = prepare('SELECT * FROM account WHERE jid = ?')
    this.#count = prepare('SELECT count(*) AS count FROM account WHERE domain = ?')
    this.#put = prepare(
      `INSERT INTO account VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (jid) DO UPDATE SET keys = excluded.keys, changed_at = excluded.changed_at`,
    )
    this.#setKeys = prepare('UPDATE account SET keys = ?, changed_at = ? WHERE jid = ? RETURNING jid')
    this.#delete = prepare('DELETE FROM account WHERE jid = ? RETURNING jid')
    this.#list = prepare('SELECT * FROM account WHERE domain = :domain OR :domain IS NULL ORDER BY jid')
    this.#noteHolder = prepare('INSERT INTO holder VALUES (?) ON CONFLICT DO NOTHING')
    this.#holder = prepare('SELECT 1 FROM holder WHERE jid = ?')
    this.#forms = prepare('SELECT form, accounts FROM key_form WHERE domain = ?')
    this.#secret = prepare('SELECT secret FROM decoy')
    this.#makeSecret = prepare('INSERT INTO decoy VALUES (1, ?) ON CONFLICT DO NOTHING')
  }

  find(jid: string): Promise<Account | undefined> {
    return this.#whenFree(() => {
      const row = this.#find.get(jid)
      return row === undefined ? undefined : toAccount(row as AccountRow)
    })
  }

  async create(account: Account, limits: CreationLimits): Promise<CreationConflict | undefined> {
    const [outcome] = await this.importAll([account], { ...limits, replace: false })
    return outcome === 'exists' || outcome === 'full' ? outcome : undefined
  }

  setKeys(jid: string, keys: ScramKeySet, at: number): Promise<boolean> {
    return this.#whenFree(() => this.#setKeys.get(JSON.stringify(keys), at, jid) !== undefined)
  }

  delete(jid: string): Promise<boolean> {
    return this.#whenFree(() => this.#delete.get(jid) !== undefined)
  }

  list(domain?: string): Promise<readonly Account[]> {
    return this.#whenFree(() => this.#list.all({ domain: domain ?? null }).map((row) => toAccount(row as AccountRow)))
  }

  importAll(
    accounts: readonly Account[],
    options: CreationLimits & { readonly replace: boolean },
  ): Promise<readonly ImportOutcome[]> {
    const counts = new Map<string, number>()
    const count = (domain: string): number => {
      const known = counts.get(domain) ?? (this.#count.get(domain) as { count: number }).count
      counts.set(domain, known)
      return known
    }
    const exists = (jid: string) => this.#find.get(jid) !== undefined
    const write = () => {
      counts.clear()
      const { outcomes, rows } = planImport(accounts, { exists, count }, options)
      for (const { jid, keys, createdAt, changedAt } of rows) {
        this.#put.run(jid, domainOf(jid), JSON.stringify(keys), createdAt, changedAt)
      }
      return outcomes
    }
    return this.#whenFree(() => inTransaction(this.#database, write))
  }

  async noteHolders(jids: readonly string[]): Promise<void> {
    const write = () => {
      for (const jid of jids) this.#noteHolder.run(jid)
    }
    await this.#whenFree(() => inTransaction(this.#database, write))
  }

  isHolder(jid: string): Promise<boolean> {
    return this.#whenFree(() => this.#holder.get(jid) !== undefined)
  }

  keyForms(domain: string): Promise<readonly CountedForm[]> {
    return this.#whenFree(() => countedForms(this.#forms.all(domain) as { form: string; accounts: number }[]))
  }

  dummySecret(): Promise<Uint8Array> {
    return this.#whenFree(() => {
      if (this.#secret.get() === undefined) this.#makeSecret.run(newDummySecret())
      return dummySecretOf((this.#secret.get() as { secret: string }).secret)
    })
  }

  async close(): Promise<void> {
    this.#isOpen = false
    this.#database.close()
  }

  async #whenFree<T>(work: () => T): Promise<T> {
    try {
      return await untilFree(() => {
        // Somebody may have waited for a lock while another store has taken the place of this one.
        if (this.#isOpen) return work()
        throw new XmppkiError('UNAVAILABLE', `${ACCOUNTS_WORDS.name} ${this.#path} has been closed`)
      }, PATIENCE_MS)
    } catch (error) {
      throw explained(error, this.#path, ACCOUNTS_WORDS)
    }
  }
}

/** The table is STRICT and written only here, so a row has the shape that the schema gives it. */
function toAccount({ jid, keys, created_at, changed_at }: AccountRow): Account {
  return { jid, keys: JSON.parse(keys) as ScramKeySet, createdAt: created_at, changedAt: changed_at }
}
