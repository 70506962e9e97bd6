import { MemorySharedEnrolments } from '../../../src/store/memory/shared-enrolments.ts'
import { describeSharedEnrolments } from '../shared-enrolments-contract.ts'

describeSharedEnrolments('memory', async () => new MemorySharedEnrolments())
