import { DatabaseError } from 'pg'
import { XmppkiError } from '../../errors.ts'

/**
 * Classes and conditions of SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html) that pass by
 * themselves: lost connections, a server that starts or stops or has no room, transactions that met, timeouts, and a
 * standby that is about to take over.
 */
const PASSING = /^(?:08|53|40|57|55P03|25006)/

/** What helps, by SQLSTATE or else by what the driver says. */
const REMEDIES: readonly (readonly [cause: RegExp, hint: string])[] = [
  [/^28/, 'check user and password in the URL, and pg_hba.conf of the server'],
  [/^3D000/, 'create the database, or correct its name in the URL'],
  [/^(?:42501|3F000)/, 'let the user make tables: GRANT CREATE, USAGE ON SCHEMA public TO it'],
  [/password must be a/, 'put the password into the URL'],
  [/does not support SSL/, 'turn TLS on at the server; on a network of its own write sslmode=disable'],
  [/certificate|altnames/, 'name the CA of the server with sslrootcert=FILE, and the server as its certificate does'],
]

/** Whether the connection can be used further: the server has refused a statement, and nothing else has happened. */
export function isRefusal(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.severity === 'ERROR'
}

/** What an error of the driver means, as one of ours; the driver puts no password into its messages. */
export function explainedBy(error: unknown, place: string): unknown {
  if (error instanceof XmppkiError || error instanceof TypeError || !(error instanceof Error)) return error
  const state = error instanceof DatabaseError ? (error.code ?? '') : undefined
  const reason = reasonOf(error)
  const hint = REMEDIES.find(([cause]) => cause.test(state ?? reason))?.[1]
  if (state === undefined || PASSING.test(state)) {
    const message = `the database ${place} cannot be reached: ${reason}`
    return new XmppkiError('UNAVAILABLE', message, { hint: hint ?? 'try again when it is there', cause: error })
  }
  const code = state.startsWith('XX') ? 'CORRUPT' : 'IO'
  const details = hint === undefined ? { cause: error } : { cause: error, hint }
  return new XmppkiError(code, `the database ${place} refuses: ${reason}`, details)
}

/** Of several addresses that were tried each has failed, and the error itself says nothing. */
function reasonOf(error: Error): string {
  if (!(error instanceof AggregateError)) return error.message
  return error.errors.map((one) => (one instanceof Error ? one.message : String(one))).join(', ')
}
