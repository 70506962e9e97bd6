import { logStarted } from '../audit.ts'
import { type Migration, rebuildTable } from './migrate.ts'

/**
 * Serial numbers are unique for each CA from this version on. Which CA the rows are from that are there already stands in
 * its certificate, which is not read here: it is left empty, see `adoptRows`.
 */
const identifyByAuthority: Migration = (database) => {
  const old = `id, serial, kind, name, device, domains, fingerprint, not_before, not_after, issued_at, directory, revoked_at,
     revocation_reason, issuer`
  database.exec('DROP INDEX issued_revoked')
  rebuildTable(
    database,
    'issued',
    `CREATE TABLE issued (
       id INTEGER PRIMARY KEY,
       serial TEXT NOT NULL,
       kind TEXT NOT NULL,
       name TEXT NOT NULL,
       device TEXT NOT NULL,
       domains TEXT NOT NULL,
       fingerprint TEXT NOT NULL,
       not_before INTEGER NOT NULL,
       not_after INTEGER NOT NULL,
       issued_at INTEGER NOT NULL,
       directory TEXT NOT NULL,
       revoked_at INTEGER,
       revocation_reason TEXT,
       issuer TEXT NOT NULL DEFAULT '',
       authority TEXT NOT NULL DEFAULT '',
       UNIQUE (serial, authority)
     ) STRICT`,
    old,
  )
  database.exec(
    `CREATE INDEX issued_revoked ON issued (authority, issued_at) WHERE revoked_at IS NOT NULL;
     CREATE INDEX issued_unadopted ON issued (issuer) WHERE authority = '';`,
  )
  const login = `CREATE TABLE login (
       serial TEXT NOT NULL,
       at INTEGER NOT NULL,
       authority TEXT NOT NULL DEFAULT '',
       PRIMARY KEY (serial, authority)
     ) STRICT`
  rebuildTable(database, 'login', login, 'serial, at')
  const crlNumber = `CREATE TABLE crl_number (
       issuer TEXT NOT NULL,
       last_number INTEGER NOT NULL,
       authority TEXT NOT NULL DEFAULT '',
       PRIMARY KEY (authority, issuer)
     ) STRICT`
  rebuildTable(database, 'crl_number', crlNumber, 'issuer, last_number')
  database.exec(
    `ALTER TABLE enrolment ADD COLUMN vouched_by_authority TEXT NOT NULL DEFAULT '';
     ALTER TABLE enrolment ADD COLUMN vouched_by_issuer TEXT NOT NULL DEFAULT '';`,
  )
}

/** How the tables of the ledger came to be what they are. */
export const LEDGER_MIGRATIONS: readonly Migration[] = [
  `CREATE TABLE issued (
     id INTEGER PRIMARY KEY,
     serial TEXT NOT NULL UNIQUE,
     kind TEXT NOT NULL,
     name TEXT NOT NULL,
     device TEXT NOT NULL,
     domains TEXT NOT NULL,
     fingerprint TEXT NOT NULL,
     not_before INTEGER NOT NULL,
     not_after INTEGER NOT NULL,
     issued_at INTEGER NOT NULL,
     directory TEXT NOT NULL,
     revoked_at INTEGER,
     revocation_reason TEXT
   ) STRICT;
   CREATE INDEX issued_holder ON issued (kind, name, device, issued_at);`,
  `CREATE TABLE crl (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     last_number INTEGER NOT NULL
   ) STRICT;
   INSERT INTO crl VALUES (1, 0);`,
  // Before this version a workspace had one CA, the root.
  `ALTER TABLE issued ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
   UPDATE issued SET issuer = (SELECT serial FROM issued WHERE kind = 'root') WHERE EXISTS (SELECT 1 FROM issued WHERE kind = 'root');
   CREATE INDEX issued_revoked ON issued (issuer, issued_at) WHERE revoked_at IS NOT NULL;
   CREATE TABLE crl_number (issuer TEXT PRIMARY KEY, last_number INTEGER NOT NULL) STRICT;
   INSERT INTO crl_number SELECT issued.serial, crl.last_number FROM issued, crl WHERE issued.kind = 'root';
   DROP TABLE crl;
   CREATE TABLE login (serial TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;`,
  (database) => {
    // Not even by mistake: what was written stays. Whoever drops the triggers is found out by the hashes.
    database.exec(
      `CREATE TABLE audit (number INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
       CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
       CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;`,
    )
    const counts = database.prepare('SELECT count(*) AS certificates, count(revoked_at) AS revoked FROM issued').get()
    const { number, text, hash } = logStarted(Date.now(), counts as { certificates: number; revoked: number })
    database.prepare('INSERT INTO audit VALUES (?, ?, ?)').run(number, text, hash)
  },
  `CREATE TABLE enrolment (
     id INTEGER PRIMARY KEY,
     account TEXT NOT NULL,
     label TEXT NOT NULL,
     fingerprint TEXT NOT NULL,
     certificate TEXT NOT NULL,
     may_manage INTEGER NOT NULL,
     enrolled_at INTEGER NOT NULL,
     not_after INTEGER NOT NULL,
     vouched_by TEXT,
     revoked_at INTEGER
   ) STRICT;
   CREATE UNIQUE INDEX enrolment_label ON enrolment (account, label) WHERE revoked_at IS NULL;
   CREATE UNIQUE INDEX enrolment_fingerprint ON enrolment (fingerprint) WHERE revoked_at IS NULL;
   CREATE UNIQUE INDEX enrolment_revoked ON enrolment (account, fingerprint) WHERE revoked_at IS NOT NULL;`,
  identifyByAuthority,
  'ALTER TABLE enrolment ADD COLUMN voucher TEXT',
]
