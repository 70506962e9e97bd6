import { didYouMean } from '../did-you-mean.ts'
import { XmppkiError } from '../errors.ts'
import { parsePostgresUrl, withoutPassword } from '../store/postgres/url.ts'
import { JidError, prepareDomain } from '../xmpp/address/jid.ts'
import type { Checked, Kind } from './field.ts'

/** How a value of the wrong type is called. */
export function describeType(raw: unknown): string {
  if (typeof raw === 'string') return 'a string'
  if (typeof raw === 'boolean') return String(raw)
  if (typeof raw === 'number' || typeof raw === 'bigint') return `the number ${raw}`
  if (Array.isArray(raw)) return 'an array'
  return raw instanceof Date ? 'a date' : 'a table'
}

function matching(type: string, pattern: RegExp, what: string): Kind<string> {
  return {
    type,
    check(raw) {
      if (typeof raw !== 'string') return { wrong: `expected ${what}, not ${describeType(raw)}` }
      return pattern.test(raw) ? { value: raw } : { wrong: `${JSON.stringify(raw)} is not ${what}` }
    },
  }
}

/** Any text without control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it refuses
export const text = matching('string', /^[^\u0000-\u001f\u007f]*$/, 'a text in one line')

/** An IP address or the name of one. */
export const address = matching('string', /^[A-Za-z0-9.:_%-]{1,255}$/, 'an address')

/** A list of ciphers as OpenSSL writes it. */
export const cipherList = matching('string', /^[A-Za-z0-9_:!+@=.-]{1,4096}$/, 'a list of ciphers with colons')

/** The name of a file. */
export const path: Kind<string> = {
  ...matching('path', /^[^\0]+$/, 'the name of a file'),
  file: 'public',
}

/** The name of a file that only its owner may read. */
export const secretPath: Kind<string> = { ...path, file: 'secret' }

/** A domainpart, prepared (RFC 7622 §3.2). */
export const domain: Kind<string> = {
  type: 'domain',
  check(raw) {
    if (typeof raw !== 'string') return { wrong: `expected a domain, not ${describeType(raw)}` }
    try {
      return { value: prepareDomain(raw) }
    } catch (error) {
      if (!(error instanceof JidError)) throw error
      return { wrong: `${JSON.stringify(raw)} is not a domain: ${error.reason}` }
    }
  },
}

/** Where a PostgreSQL database is and who asks; the password in it is neither shown nor repeated in errors. */
export const databaseUrl: Kind<string> = {
  type: 'URL',
  shown: withoutPassword,
  check(raw) {
    if (typeof raw !== 'string') return { wrong: `expected a URL, not ${describeType(raw)}` }
    try {
      parsePostgresUrl(raw)
      return { value: raw }
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      return { wrong: error.message, ...(error.hint === undefined ? {} : { fix: error.hint }) }
    }
  },
}

export const toggle: Kind<boolean> = {
  type: 'boolean',
  check: (raw) =>
    typeof raw === 'boolean' ? { value: raw } : { wrong: `expected true or false, not ${describeType(raw)}` },
}

export function integer(least: number, most: number): Kind<number> {
  const type = `integer ${least} to ${most}`
  return {
    type,
    check(raw) {
      const isNumber = typeof raw === 'number' && Number.isInteger(raw)
      if (!isNumber) return { wrong: `expected a whole number from ${least} to ${most}, not ${describeType(raw)}` }
      if (raw >= least && raw <= most) return { value: raw }
      return { wrong: `${raw} is out of bounds: ${least} to ${most}` }
    },
  }
}

/** @param word what stands for no number */
export function integerOr<const W extends string>(word: W, least: number, most: number): Kind<number | W> {
  const { type, check } = integer(least, most)
  return { type: `${type}, or \`${word}\``, check: (raw) => (raw === word ? { value: word } : check(raw)) }
}

/** One of a few words. @param aliases other spellings of the same, as other servers have them */
export function choice<const V extends string>(
  words: readonly V[],
  aliases: Readonly<Record<string, NoInfer<V>>> = {},
): Kind<V> {
  return {
    type: words.map((word) => `\`${word}\``).join(', '),
    check(raw) {
      if (typeof raw !== 'string') return { wrong: `expected one of ${words.join(', ')}, not ${describeType(raw)}` }
      const value = words.find((word) => word === raw) ?? (Object.hasOwn(aliases, raw) ? aliases[raw] : undefined)
      if (value !== undefined) return { value }
      const close = didYouMean(raw, [...words, ...Object.keys(aliases)])
      const wrong = `${JSON.stringify(raw)} is not one of ${words.join(', ')}`
      return close === undefined ? { wrong } : { wrong, fix: `did you mean "${close}"?` }
    },
  }
}

/** Several, none twice; a single one may stand without brackets. */
export function listOf<V>(kind: Kind<V>, { least }: { readonly least: 0 | 1 }): Kind<readonly V[]> {
  return {
    type: `list of ${kind.type}`,
    ...(kind.file === undefined ? {} : { file: kind.file }),
    check: (raw) => checkList(Array.isArray(raw) ? raw : [raw], kind, least),
  }
}

function checkList<V>(items: readonly unknown[], kind: Kind<V>, least: number): Checked<readonly V[]> {
  if (items.length < least) return { wrong: 'the list is empty', fix: 'name at least one, or remove the key' }
  const values: V[] = []
  for (const item of items) {
    const checked = kind.check(item)
    if ('wrong' in checked) return checked
    if (values.includes(checked.value)) return { wrong: `${JSON.stringify(checked.value)} is there twice` }
    values.push(checked.value)
  }
  return { value: values }
}
