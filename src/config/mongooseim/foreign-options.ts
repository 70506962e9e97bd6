import { XmppkiError } from '../../errors.ts'
import { isTable } from '../walk.ts'

/** What a configuration of MongooseIM says, in the names of today's releases, all of their defaults filled in. */
export interface ForeignConfiguration {
  readonly hosts: readonly string[]
  readonly loglevel: string | undefined
  readonly c2s: readonly ForeignListener[]
  readonly shaping: ForeignShaping
  /** Undefined when nothing is said about it. */
  readonly auth: ForeignAuth | undefined
  /** Hosts with a policy of their own. */
  readonly hostAuth: ReadonlyMap<string, ForeignAuth>
  readonly hostCertificates: readonly { readonly host: string; readonly certfile: string }[]
  readonly remarks: readonly Remark[]
}

export interface ForeignListener {
  /** How it is called in remarks. */
  readonly name: string
  readonly port: number
  readonly ip_address: string
  readonly tls: ForeignTls | undefined
  /** The methods of authentication that this listener is bound to. */
  readonly allowed: readonly string[] | undefined
  /** Name of what limits the traffic of its clients: a shaper, or an access rule that chooses one. */
  readonly shaper: string | undefined
  /** Options with another place, or none, in xmppki. */
  readonly others: Options
}

/** How fast clients may send. */
export interface ForeignShaping {
  /** Bytes a second, or `none`, by the name of the shaper; whatever the file has. */
  readonly rates: ReadonlyMap<string, unknown>
  /** By the name of the access rule, in the order in which they are tried; undefined when they cannot be read. */
  readonly rules: ReadonlyMap<string, readonly AccessClause[] | undefined>
  /** What releases with this notation may make of a listener that names a rule, or a shaper. */
  readonly doubts: { readonly rule?: string; readonly shaper?: string }
}

export interface AccessClause {
  /** The class of users that it is for; `all` is everybody. */
  readonly acl: string
  readonly value: unknown
}

export interface ForeignTls {
  readonly mode: string
  readonly verify_mode: string
  readonly disconnect_on_failure: boolean
  readonly certfile: string | undefined
  readonly keyfile: string | undefined
  readonly cacertfile: string | undefined
  readonly versions: readonly string[] | undefined
  readonly ciphers: string | undefined
  readonly crl_files: readonly string[]
  readonly session_tickets: boolean
  readonly others: Options
}

/** Who may log in, and as whom. */
export interface ForeignAuth {
  readonly methods: readonly string[]
  readonly sasl_mechanisms: readonly string[]
  readonly sasl_external: readonly string[]
  readonly prefix: string
  readonly suffix: string
  readonly others: Options
}

/** Values by name, as the file has them: strings, numbers, booleans, lists, tables. */
export type Options = Readonly<Record<string, unknown>>

/** Something that was left out, or that means something else in xmppki. */
export interface Remark {
  readonly kind: 'left out' | 'different'
  /** The option, in the words of the file. */
  readonly option: string
  readonly reason: string
}

export function leftOut(option: string, reason: string): Remark {
  return { kind: 'left out', option: printable(option), reason: printable(reason) }
}

export function different(option: string, reason: string): Remark {
  return { kind: 'different', option: printable(option), reason: printable(reason) }
}

/** Names come from the file, and go to terminals. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?')
}

/** How a port is described in messages. */
export const A_PORT = 'a number from 0 to 65535'

export function isPort(raw: unknown): raw is number {
  return typeof raw === 'number' && Number.isInteger(raw) && raw >= 0 && raw <= 65_535
}

/** Takes options out of a table one by one, each of its type; what nobody takes is left. */
export class OptionReader {
  readonly #rest: Map<string, unknown>
  readonly #place: string

  /** @param place where the table is, for messages */
  constructor(options: Options, place: string) {
    this.#rest = new Map(Object.entries(options))
    this.#place = place
  }

  has(key: string): boolean {
    return this.#rest.has(key)
  }

  text(key: string): string | undefined {
    return this.#take(key, 'a string', (raw) => (typeof raw === 'string' ? raw : undefined))
  }

  integer(key: string): number | undefined {
    return this.#take(key, 'a whole number', (raw) => (Number.isSafeInteger(raw) ? (raw as number) : undefined))
  }

  /** @throws {XmppkiError} BAD_INPUT, also without one */
  port(key: string): number {
    const port = this.integer(key)
    return isPort(port) ? port : this.fail(key, A_PORT)
  }

  flag(key: string): boolean | undefined {
    return this.#take(key, 'true or false', (raw) => (typeof raw === 'boolean' ? raw : undefined))
  }

  /** A list, or a single one without brackets. */
  texts(key: string): readonly string[] | undefined {
    return this.#take(key, 'a list of strings', (raw) => {
      const items = [raw].flat()
      return items.every((item) => typeof item === 'string') ? items : undefined
    })
  }

  table(key: string): Options | undefined {
    return this.#take(key, 'a table', (raw) => (isTable(raw) ? raw : undefined))
  }

  /** Several tables, or a single one. */
  tables(key: string): readonly Options[] | undefined {
    return this.#take(key, 'tables', (raw) => {
      const items: unknown[] = [raw].flat()
      return items.every(isTable) ? items : undefined
    })
  }

  raw(key: string): unknown {
    const raw = this.#rest.get(key)
    this.#rest.delete(key)
    return raw
  }

  /** Takes one option as a table of its own, which is empty without it. */
  only(key: string): Options {
    return this.has(key) ? { [key]: this.raw(key) } : {}
  }

  /** What was not taken. */
  rest(): Options {
    return Object.fromEntries(this.#rest)
  }

  /** @throws {XmppkiError} BAD_INPUT */
  fail(key: string, wanted: string): never {
    throw new XmppkiError('BAD_INPUT', `${this.#place}: ${key} must be ${wanted}`)
  }

  #take<V>(key: string, wanted: string, read: (raw: unknown) => V | undefined): V | undefined {
    if (!this.#rest.has(key)) return undefined
    return read(this.raw(key)) ?? this.fail(key, wanted)
  }
}
