import { MemoryEventLog } from '../../../src/store/memory/event-log.ts'
import { describeEventLog } from '../event-log-contract.ts'

describeEventLog('memory', async () => ({ log: () => new MemoryEventLog(), close: async () => undefined }))
