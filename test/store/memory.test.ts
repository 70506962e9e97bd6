import { MemoryLedger } from '../../src/store/memory.ts'
import { describeLedger } from './contract.ts'

describeLedger('memory', () => new MemoryLedger())
