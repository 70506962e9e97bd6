import type { SqliteDatabase } from './driver.ts'

/** Whether there are rows that do not say which CA signed them. */
export function hasUnadopted(database: SqliteDatabase): boolean {
  return database.prepare(`SELECT 1 FROM issued WHERE authority = '' LIMIT 1`).get() !== undefined
}

/**
 * Writes into rows of earlier versions which CA they are from, and into what belongs to them.
 * @param authorities the CAs, by the serial numbers of their certificates
 */
export function adoptRows(database: SqliteDatabase, authorities: ReadonlyMap<string, string>): void {
  // Before the rows themselves: this is how they are found.
  const logins = database.prepare(
    `UPDATE OR IGNORE login SET authority = :authority WHERE authority = ''
     AND serial IN (SELECT serial FROM issued WHERE authority = '' AND issuer = :issuer)`,
  )
  // Where a number stands that was counted under both names, the larger one stays.
  const numbers = database.prepare(
    `INSERT INTO crl_number (authority, issuer, last_number)
     SELECT :authority, issuer, last_number FROM crl_number WHERE authority = '' AND issuer = :issuer
     ON CONFLICT (authority, issuer) DO UPDATE SET last_number = max(last_number, excluded.last_number)`,
  )
  const oldNumbers = database.prepare(`DELETE FROM crl_number WHERE authority = '' AND issuer = ?`)
  const issued = database.prepare(
    `UPDATE OR IGNORE issued SET authority = :authority WHERE authority = '' AND issuer = :issuer`,
  )
  for (const [issuer, authority] of authorities) {
    logins.run({ authority, issuer })
    numbers.run({ authority, issuer })
    oldNumbers.run(issuer)
    issued.run({ authority, issuer })
  }
}
