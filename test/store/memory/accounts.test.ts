import { MemoryAccounts } from '../../../src/store/memory/accounts.ts'
import { describeAccounts } from '../accounts-contract.ts'

describeAccounts('memory', async () => new MemoryAccounts())
