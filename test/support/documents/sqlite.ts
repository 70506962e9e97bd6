import { sqliteBinding } from '../../../src/store/sqlite/binding.ts'

/** That of the program: locks of two SQLite libraries in one process would not exist for each other. */
export const { DatabaseSync } = sqliteBinding()
