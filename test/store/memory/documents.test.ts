import { MemoryDocuments } from '../../../src/store/memory/documents.ts'
import { describeDocuments } from '../documents-contract.ts'

describeDocuments('memory', async () => ({ documents: () => new MemoryDocuments(), close: async () => undefined }))
