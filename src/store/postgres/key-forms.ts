import type { CountedForm, ScramKeySet } from '../../xmpp/sasl/scram-keys.ts'
import { countedForms, FORM_SQL, formText } from '../key-forms.ts'
import type { PostgresDatabase } from './database.ts'

/** The database goes through all accounts of a domain for it, and shares change slowly. */
const PERIOD_MS = 600_000

/** Not sooner again after it could not be counted, or when forms come that were not there. */
const PAUSE_MS = 5_000

/** Accounts that one statement goes through: far less than it has time for. */
const PAGE = 20_000

const COUNT_PAGE = `WITH page AS (
    SELECT jid, (SELECT coalesce(string_agg(${FORM_SQL}, ',' ORDER BY key COLLATE "C"), '') FROM jsonb_each(keys)) AS form
    FROM xmppki_account WHERE domain = $1 AND jid > $2 ORDER BY jid LIMIT $3
  ) SELECT form, count(*)::integer AS accounts, max(jid) AS last FROM page GROUP BY form`

interface FormRow {
  readonly form: string
  readonly accounts: number
  /** The greatest JID among them. */
  readonly last: string
}

interface Counted {
  readonly forms: readonly CountedForm[]
  readonly texts: ReadonlySet<string>
}

interface Kept {
  counted: Promise<Counted>
  /** In which period they were counted. */
  period: number
  /** The same when nothing is being counted. */
  latest: Counted | undefined
  startedAt: number
}

/**
 * How the keys of accounts have been made, counted now and then. All servers begin a period at the same moment of the
 * clock, so that names without an account come to another form everywhere at about the same time.
 */
export class PostgresKeyForms {
  readonly #database: PostgresDatabase
  readonly #now: () => number
  readonly #kept = new Map<string, Kept>()

  constructor(database: PostgresDatabase, now: () => number = Date.now) {
    this.#database = database
    this.#now = now
  }

  /** @throws {XmppkiError} UNAVAILABLE, CORRUPT, IO when they have never been counted and cannot be */
  async of(domain: string): Promise<readonly CountedForm[]> {
    const kept = this.#kept.get(domain)
    if (kept === undefined) return (await this.#count(domain).counted).forms
    if (kept.period !== this.#period) this.#recount(domain, kept)
    return (kept.latest ?? (await kept.counted)).forms
  }

  /** An account that somebody sees: of a form that has not been counted nobody without an account would have been. */
  seen(domain: string, keys: ScramKeySet): void {
    const kept = this.#kept.get(domain)
    if (kept?.latest !== undefined && !kept.latest.texts.has(formText(keys))) this.#recount(domain, kept)
  }

  get #period(): number {
    return Math.floor(this.#now() / PERIOD_MS)
  }

  /** Beside the login that asks, which takes what is known. */
  #recount(domain: string, { startedAt, latest }: Kept): void {
    if (latest !== undefined && this.#now() - startedAt >= PAUSE_MS) this.#count(domain, latest)
  }

  #count(domain: string, latest?: Counted): Kept {
    const counted = this.#read(domain)
    const kept: Kept = { counted, period: this.#period, latest, startedAt: this.#now() }
    this.#kept.set(domain, kept)
    counted.then(
      (result) => {
        kept.latest = result
      },
      () => {
        // What was counted before goes on; the first time the next login asks again.
        if (latest === undefined) this.#kept.delete(domain)
        else kept.period = Number.NaN
      },
    )
    return kept
  }

  async #read(domain: string): Promise<Counted> {
    const counts = new Map<string, number>()
    for (let after: string | undefined = ''; after !== undefined; ) {
      const rows: FormRow[] = await this.#database.query<FormRow>(COUNT_PAGE, [domain, after, PAGE])
      for (const { form, accounts } of rows) counts.set(form, (counts.get(form) ?? 0) + accounts)
      after = lastOf(rows)
    }
    const forms = countedForms([...counts].map(([form, accounts]) => ({ form, accounts })))
    return { forms, texts: new Set(counts.keys()) }
  }
}

/** In the order of the database, which compares bytes; undefined where there is nothing. */
function lastOf(rows: readonly FormRow[]): string | undefined {
  return rows
    .map(({ last }) => last)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .at(-1)
}
