import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { SqliteDocuments } from '../../../src/store/sqlite/documents.ts'
import { SqliteUserData } from '../../../src/store/sqlite/user-data.ts'
import { type DocumentsPlace, describeDocuments, describeKeptDocuments } from '../documents-contract.ts'

let folder: string
let count = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-documents-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const newPath = () => join(folder, `user-data-${count++}.db`)

async function open(path: string): Promise<DocumentsPlace> {
  const file = new SqliteUserData(path)
  return { documents: (collection) => new SqliteDocuments(file, collection), close: () => file.close() }
}

describeDocuments('sqlite', () => open(newPath()))
describeKeptDocuments('sqlite', async () => {
  const path = newPath()
  return () => open(path)
})
