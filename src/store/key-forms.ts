import { type CountedForm, type KeyFormSet, SCRAM_HASHES, type ScramKeySet } from '../xmpp/sasl/scram-keys.ts'

/**
 * What base64 makes of the hyphens and the version of a random UUID (RFC 9562 §5.4), at the places of {@link UUID_SQL}. In
 * 48 characters it is no accident.
 */
const UUID_MARKS = 't00Lt'
const UUID_BYTES = 36

/** The form of an account as text: for each hash its name, iterations, bytes of the salt, and whether that is a UUID. */
export function formText(keys: ScramKeySet): string {
  return SCRAM_HASHES.flatMap((hash) => {
    const { salt, iterations } = keys[hash] ?? {}
    if (salt === undefined) return []
    const bytes = Buffer.from(salt, 'base64').length
    return [[hash, iterations, bytes, bytes === UUID_BYTES && marksOf(salt) === UUID_MARKS ? 1 : 0].join(' ')]
  }).join(',')
}

function marksOf(salt: string): string {
  return salt.slice(11, 12) + salt.slice(18, 20) + salt.slice(24, 25) + salt.slice(31, 32)
}

const BYTES_SQL = `(length(rtrim(value ->> 'salt', '=')) * 3 / 4)`
const UUID_SQL = ['12, 1', '19, 2', '25, 1', '32, 1'].map((part) => `substr(value ->> 'salt', ${part})`).join(' || ')

/**
 * As {@link formText}, of a row of `json_each` (SQLite) or `jsonb_each` (PostgreSQL); rows are joined by commas, in order.
 * It is part of a migration and never changes.
 */
export const FORM_SQL = `key || ' ' || (value ->> 'iterations') || ' ' || ${BYTES_SQL} || ' ' ||
  CASE WHEN ${BYTES_SQL} = ${UUID_BYTES} AND ${UUID_SQL} = '${UUID_MARKS}' THEN 1 ELSE 0 END`

/** The same forms in the same order, whichever database they have been counted in. */
export function countedForms(rows: readonly { readonly form: string; readonly accounts: number }[]): CountedForm[] {
  return rows.map(({ form, accounts }) => ({ form: parseForm(form), accounts }))
}

function parseForm(text: string): KeyFormSet {
  const parts = text === '' ? [] : text.split(',')
  return Object.fromEntries(
    parts.map((part) => {
      const [hash = '', iterations, saltBytes, isUuid] = part.split(' ')
      return [hash, { iterations: Number(iterations), saltBytes: Number(saltBytes), saltIsUuid: isUuid === '1' }]
    }),
  )
}
