import type { FileWords, SqliteDatabase } from './driver.ts'
import { type Migration, openForServer } from './migrate.ts'

export const USER_DATA_WORDS: FileWords = {
  name: 'the database of user data',
  restore: 'restore it from a backup',
  locked: 'UNAVAILABLE',
}

const MIGRATIONS: readonly Migration[] = [
  // Events lie in the order in which they come: in that of their owners a batch would change a page for each of its rows,
  // and what is read is what has just come.
  `CREATE TABLE document (
     collection TEXT NOT NULL,
     owner TEXT NOT NULL,
     key TEXT NOT NULL,
     value TEXT NOT NULL,
     PRIMARY KEY (collection, owner, key)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE document_version (
     collection TEXT NOT NULL,
     owner TEXT NOT NULL,
     version INTEGER NOT NULL,
     PRIMARY KEY (collection, owner)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE event (
     collection TEXT NOT NULL,
     owner TEXT NOT NULL,
     id TEXT NOT NULL,
     at INTEGER NOT NULL,
     peer TEXT NOT NULL,
     resource TEXT NOT NULL,
     text TEXT NOT NULL,
     PRIMARY KEY (collection, owner, id)
   ) STRICT;
   CREATE INDEX event_peer ON event (collection, owner, peer, id);
   CREATE TABLE event_clock (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     last_id TEXT NOT NULL,
     lead INTEGER NOT NULL
   ) STRICT;`,
]

/** Opens the file or creates it (mode 0600); nothing waits for a lock. @throws {XmppkiError} IO, CORRUPT, UNAVAILABLE */
export function openUserData(path: string): SqliteDatabase {
  return openForServer(path, USER_DATA_WORDS, MIGRATIONS)
}
