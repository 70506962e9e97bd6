import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Ledger } from '../../../src/store/ledger.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { LedgerEnrolmentStore } from '../../../src/store/replicated/ledger-enrolment-store.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { describeEnrolmentStore } from '../enrolment-store-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'xmppki-enrolments-'))
let count = 0
afterAll(() => rmSync(folder, { recursive: true }))

const inLedger = (open: () => Ledger) => async () => {
  const ledger = open()
  return {
    store: new LedgerEnrolmentStore(ledger),
    known: ledger.enrolments,
    ledger,
    close: async () => ledger.close(),
  }
}

describeEnrolmentStore(
  'memory',
  inLedger(() => new MemoryLedger()),
)
describeEnrolmentStore(
  'sqlite',
  inLedger(() => new SqliteLedger(join(folder, `ledger-${count++}.db`))),
)
