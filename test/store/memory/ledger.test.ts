import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { describeLedger } from '../ledger-contract.ts'

describeLedger('memory', () => new MemoryLedger())
