import { XmppkiError } from '../../errors.ts'
import type { IssuedRecord, Ledger } from '../../store/ledger.ts'
import type { SqliteLedger } from '../../store/sqlite/ledger.ts'
import { type Authority, readAuthority } from './authority.ts'

/** The CA of a record, if its certificate is where the ledger says; it may have been made anew for the same name. */
function authorityOf({ kind, directory, name }: IssuedRecord): Authority | undefined {
  if (kind !== 'root' && kind !== 'issuing') return undefined
  try {
    const authority = readAuthority(directory, kind)
    return authority?.name === name ? authority : undefined
  } catch (error) {
    if (error instanceof XmppkiError) return undefined
    throw error
  }
}

/** The CAs of the ledger by the serial numbers of their certificates, also those that were revoked or have a successor. */
function authoritiesOf(ledger: Ledger): Map<string, string> {
  const records = [...ledger.list('root'), ...ledger.list('issuing')]
  return new Map(
    records.flatMap((record) => {
      const authority = authorityOf(record)
      return authority === undefined ? [] : [[record.serial, authority.id] as const]
    }),
  )
}

/**
 * Completes the rows of earlier versions, which name the CA by the serial number of its certificate alone. While another
 * process writes they stay as they are: they can be read, and whoever opens the ledger next tries again.
 * @throws {XmppkiError} CORRUPT
 */
export function adoptOldRows(ledger: SqliteLedger): void {
  try {
    ledger.adopt(() => authoritiesOf(ledger))
  } catch (error) {
    if (!(error instanceof XmppkiError && error.code === 'IO')) throw error
  }
}
