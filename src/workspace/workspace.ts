import { resolve } from 'node:path'
import { XmppkiError } from '../errors.ts'
import { type Issuer, loadIssuer } from '../pki/issuer.ts'
import { decodePrivateKey, isEncryptedPrivateKey } from '../pki/keys.ts'
import type { IssuedRecord, Ledger } from '../store/ledger.ts'
import { SqliteLedger } from '../store/sqlite.ts'
import { exists, isReadableByOthers, makePrivateFolder, readTextIfAny } from './files.ts'
import { WorkspacePaths } from './paths.ts'
import { readServerCredentials, type ServerCredentials } from './server-credentials.ts'
import { readSettings, type WorkspaceSettings } from './settings.ts'

export interface WorkspaceOptions {
  /** Makes the folder (mode 0700) when it is missing. */
  readonly create?: boolean
  /** Told about things that are wrong but stop nothing, e.g. a private key that others may read. */
  readonly warn?: (text: string) => void
}

/** Gives out the CA; asks for its passphrase at most once, and only when it is needed. */
export type IssuerSource = () => Promise<Issuer>

/**
 * Opens the workspace in the folder `home`.
 * @throws {XmppkiError} NOT_FOUND when there is none and `create` is not set, CORRUPT, IO
 */
export function openWorkspace(home: string, options: WorkspaceOptions = {}): Workspace {
  const paths = new WorkspacePaths(resolve(home))
  if (options.create) makePrivateFolder(paths.home)
  else if (!exists(paths.home)) throw noCa(paths.home)
  return new Workspace(paths, options.warn ?? (() => undefined))
}

function noCa(home: string): XmppkiError {
  return new XmppkiError('NOT_FOUND', `no CA in ${home}`, {
    hint: 'run: xmppki ca init',
  })
}

/** The folder with the CA, what it issued, and the ledger. Close it when done. */
export class Workspace {
  readonly paths: WorkspacePaths
  readonly warn: (text: string) => void
  #ledger: Ledger | undefined

  constructor(paths: WorkspacePaths, warn: (text: string) => void) {
    this.paths = paths
    this.warn = warn
  }

  get hasCa(): boolean {
    return exists(this.paths.rootCertificate) || exists(this.paths.rootKey)
  }

  /** @throws {XmppkiError} NOT_FOUND before `xmppki ca init`, CORRUPT, IO */
  get settings(): WorkspaceSettings {
    const settings = readSettings(this.paths.settings)
    if (settings !== undefined) return settings
    if (!this.hasCa) throw noCa(this.paths.home)
    throw new XmppkiError('CORRUPT', `${this.paths.settings} is missing`, {
      hint: 'restore it, e.g. with: {"version": 1, "domain": "example.org"}',
    })
  }

  /** The XMPP domain of names that are given without one. @throws {XmppkiError} as `settings` */
  get defaultDomain(): string {
    return this.settings.domain
  }

  /** @throws {XmppkiError} NOT_FOUND before `xmppki ca init`, IO */
  rootCertificatePem(): string {
    const pem = readTextIfAny(this.paths.rootCertificate)
    if (pem === undefined) throw noCa(this.paths.home)
    return pem
  }

  /**
   * Loads the CA for signing; `passphrase` is asked only when the key is encrypted.
   * @throws {XmppkiError} NOT_FOUND, PASSPHRASE, BAD_INPUT when key and certificate do not belong together, IO
   */
  async unlockCa(passphrase: () => Promise<string>): Promise<Issuer> {
    const certificate = this.rootCertificatePem()
    const pem = readTextIfAny(this.paths.rootKey)
    if (pem === undefined) {
      throw new XmppkiError('NOT_FOUND', `the key of the CA is missing: ${this.paths.rootKey}`, {
        hint: 'bring it back from where it is kept, then try again',
      })
    }
    if (isReadableByOthers(this.paths.rootKey)) {
      this.warn(`${this.paths.rootKey} can be read by others; run: chmod 600 '${this.paths.rootKey}'`)
    }
    const source = this.paths.rootKey
    const options = isEncryptedPrivateKey(pem) ? { passphrase: await passphrase(), source } : { source }
    return loadIssuer(certificate, decodePrivateKey(pem, options).privateKey, this.paths.rootCertificate)
  }

  /** {@link unlockCa} for operations that may not need the CA in the end, or several times. */
  issuerSource(passphrase: () => Promise<string>): IssuerSource {
    let issuer: Promise<Issuer> | undefined
    return () => {
      issuer ??= this.unlockCa(passphrase)
      return issuer
    }
  }

  /** The ledger of everything issued here; opened at the first call. @throws {XmppkiError} CORRUPT, IO */
  ledger(): Ledger {
    this.#ledger ??= this.#openLedger()
    return this.#ledger
  }

  #openLedger(): Ledger {
    // A new, empty ledger beside an old CA would silently forget who was revoked.
    if (this.hasCa && !exists(this.paths.ledger)) {
      throw new XmppkiError('CORRUPT', `the ledger ${this.paths.ledger} is missing, but there is a CA`, {
        hint: 'restore it from a backup',
      })
    }
    return new SqliteLedger(this.paths.ledger)
  }

  /**
   * The newest server certificate that names the domain and is not revoked, with its key; undefined when there is none.
   * It may have expired. @throws {XmppkiError} CORRUPT, IO
   */
  serverCredentials(domain: string): ServerCredentials | undefined {
    const candidates = this.ledger()
      .list('server')
      .filter((record) => record.domains.includes(domain))
    const usable = (record: IssuedRecord) => record.revokedAt === undefined && exists(record.directory)
    const newest = candidates.findLast(usable)
    return newest === undefined ? undefined : readServerCredentials(newest)
  }

  close(): void {
    this.#ledger?.close()
    this.#ledger = undefined
  }
}
