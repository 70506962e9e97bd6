import { join } from 'node:path'
import { diskName } from '../disk/disk-name.ts'

/** Where things are in a workspace folder. The layout is part of the documented interface. */
export class WorkspacePaths {
  /** The folder itself, absolute. */
  readonly home: string
  /** `{version, domain}` */
  readonly settings: string
  readonly ledger: string
  /** Accounts that log in by password; missing as long as there is no need, and when a database server has them. */
  readonly accounts: string
  /** What other machines have revoked; missing as long as nothing is shared with them. */
  readonly revocations: string
  /** What accounts have enrolled at the servers that share a database; missing as long as nothing is shared. */
  readonly enrolments: string
  /** Unfinished installations; empty but for a moment under the write lock of the ledger. */
  readonly temporary: string
  readonly ca: string
  readonly rootKey: string
  readonly rootCertificate: string
  /** The issuing CA; its predecessors lie beside it, with `~` and the start of their serial number behind the name. */
  readonly issuing: string
  /** Keys and certificates that sign OCSP responses, a folder for each CA. */
  readonly ocsp: string
  /** The list of what the CA has revoked; missing until the first `client revoke` or `ca crl`. */
  readonly crl: string
  /** CRLs of other CAs as they were when they were good last, for when their files are not any more. */
  readonly keptCrls: string
  /** Where a running server is asked and told things; there while it runs. */
  readonly adminSocket: string
  /** Held for a moment by the process that opens the admin socket; not the ledger, which this process writes to as well. */
  readonly adminLock: string

  constructor(home: string) {
    this.home = home
    this.settings = join(home, 'workspace.json')
    this.ledger = join(home, 'ledger.db')
    this.accounts = join(home, 'accounts.db')
    this.revocations = join(home, 'revocations.db')
    this.enrolments = join(home, 'enrolments.db')
    this.temporary = join(home, 'tmp')
    this.ca = join(home, 'ca')
    this.rootKey = join(this.ca, 'root.key')
    this.rootCertificate = join(this.ca, 'root.crt')
    this.ocsp = join(this.home, 'ocsp')
    this.crl = join(this.ca, 'root.crl')
    this.issuing = join(this.ca, 'issuing')
    this.keptCrls = join(home, 'kept-crls')
    this.adminSocket = join(home, 'serve.sock')
    this.adminLock = join(home, 'serve.lock')
  }

  /** The folder of a server certificate, named after its primary domain. */
  server(domain: string): string {
    return join(this.home, 'server', diskName(domain))
  }

  /** The folder of all client certificates of one domain. */
  clients(domain: string): string {
    return join(this.home, 'clients', diskName(domain))
  }
}

/** The folder name for one device of one user; `@` cannot occur in a localpart (RFC 7622 §3.3.1). */
export function clientFolderName(local: string, device: string): string {
  return device === '' ? diskName(local) : `${diskName(local)}@${diskName(device)}`
}
