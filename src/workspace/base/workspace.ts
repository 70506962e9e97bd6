import { dirname, resolve } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import { type Issuer, loadIssuer } from '../../pki/issue/issuer.ts'
import type { CaUrls } from '../../pki/x509/ca-urls.ts'
import { type CertificateId, isSameSigner, type SignerId } from '../../store/certificate-id.ts'
import type { IssuedRecord, Ledger } from '../../store/ledger.ts'
import { checkDatabaseFile } from '../../store/sqlite/check.ts'
import { LEDGER_WORDS } from '../../store/sqlite/driver.ts'
import { SqliteLedger } from '../../store/sqlite/ledger.ts'
import { WatchedLedger } from '../../store/sqlite/watched-ledger.ts'
import { exists, makePrivateFolder, sizeIfAny } from '../disk/files.ts'
import { adoptOldRows } from './adopt-rows.ts'
import { type Authority, issuingAuthorities, keyFileOf, readAuthority, signerId } from './authority.ts'
import { loadCaKey } from './ca-key.ts'
import { WorkspacePaths } from './paths.ts'
import { type AuthorityUrls, caUrlsOf } from './pki-url.ts'
import { readServerCredentials, type ServerCredentials } from './server-credentials.ts'
import { readSettings, type WorkspaceSettings, writeSettings } from './settings.ts'

export interface WorkspaceOptions {
  /** Makes the folder (mode 0700) when it is missing. */
  readonly create?: boolean
  /** Told about things that are wrong but stop nothing, e.g. a private key that others may read. */
  readonly warn?: (text: string) => void
}

/**
 * Gives out a CA, by default the one that issues now. Asks for the passphrase of each at most once, and only when it is
 * needed.
 */
export type IssuerSource = (authority?: Authority) => Promise<SigningCa>

/** A CA of the workspace, unlocked. */
export interface SigningCa extends Issuer {
  /** PEM of what goes above a certificate that it signs: its own certificate, then that of the root if it is another. */
  readonly chain: readonly string[]
  /** What certificates that it signs say about where to ask. */
  readonly caUrls: CaUrls | undefined
}

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

/** Asks for the passphrase of the key in this file, or for the PIN of the token that it names. */
export type AskPassphrase = (keyFile: string) => Promise<string>

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

  /** The root CA. @throws {XmppkiError} NOT_FOUND before `xmppki ca init`, BAD_INPUT, IO */
  root(): Authority {
    const root = readAuthority(this.paths.ca, 'root')
    if (root === undefined) throw noCa(this.paths.home)
    return root
  }

  /** The CA that issues: the issuing CA where there is one that was not revoked, else the root. @throws {XmppkiError} as {@link root} */
  authority(): Authority {
    const root = this.root()
    const issuing = issuingAuthorities(this.ledger(), this.paths)
    return issuing.find(({ files }) => dirname(files.certificate) === this.paths.issuing) ?? root
  }

  /**
   * Every CA whose certificates are about and that was not revoked: the root, the one that issues, those before it.
   * @throws {XmppkiError} as {@link root}, CORRUPT
   */
  authorities(): Authority[] {
    return [this.root(), ...issuingAuthorities(this.ledger(), this.paths)]
  }

  /** As {@link authorities}, with those that were revoked. @throws {XmppkiError} as {@link root}, CORRUPT */
  knownAuthorities(): Authority[] {
    return [this.root(), ...issuingAuthorities(this.ledger(), this.paths, { revoked: true })]
  }

  /** @throws {XmppkiError} NOT_FOUND when there is no such CA here, as {@link root}, CORRUPT */
  authorityOf(signer: SignerId): Authority {
    const found = this.findAuthority(signer)
    if (found !== undefined) return found
    throw new XmppkiError('NOT_FOUND', `the workspace has no CA with the serial number ${signer.issuer}`)
  }

  /** The CA of {@link authorities} that is meant; undefined when it is not among them. @throws {XmppkiError} as {@link root}, CORRUPT */
  findAuthority(signer: SignerId): Authority | undefined {
    return this.authorities().find((authority) => isSameSigner(signerId(authority), signer))
  }

  /** What identifies the certificate of a CA: the root signs all of them. @throws {XmppkiError} as {@link root} */
  certificateOf(authority: Authority): CertificateId {
    return { ...signerId(authority.kind === 'root' ? authority : this.root()), serial: authority.serial }
  }

  /** Changes where certificates say that CRLs and OCSP are; undefined: nowhere. @throws {XmppkiError} as `settings` */
  setPkiUrl(url: string | undefined): void {
    // As the only writer: another process may be changing something else.
    this.ledger().transaction(() => {
      const { pkiUrl: _old, ...others } = this.settings
      writeSettings(this.paths.settings, url === undefined ? others : { ...others, pkiUrl: url })
    })
  }

  /** Where to ask about what this CA has issued, as its certificates say; undefined when they say nothing. @throws {XmppkiError} CORRUPT, IO */
  caUrlsOf(authority: Authority): AuthorityUrls | undefined {
    const { pkiUrl } = this.settings
    return pkiUrl === undefined ? undefined : caUrlsOf(authority, pkiUrl)
  }

  /** PEM of the certificates above what this CA has issued, from its own to that of the root. @throws {XmppkiError} as {@link authorityOf} */
  chainAbove(signer: SignerId): readonly string[] {
    return this.#chainFrom(this.authorityOf(signer))
  }

  #chainFrom({ kind, pem }: Authority): readonly string[] {
    return kind === 'root' ? [pem] : [pem, this.root().pem]
  }

  /**
   * Loads a CA for signing, by default the one that issues; `passphrase` is asked only when its key is encrypted.
   * @throws {XmppkiError} NOT_FOUND, PASSPHRASE, BAD_INPUT when key and certificate do not belong together, IO
   */
  async unlockCa(passphrase: AskPassphrase, authority: Authority = this.authority()): Promise<SigningCa> {
    const { files, pem } = authority
    const key = await loadCaKey(
      { keyFile: files.key, tokenFile: files.token },
      () => passphrase(keyFileOf(files)),
      this.warn,
    )
    const chain = this.#chainFrom(authority)
    const issuer = loadIssuer(pem, key, files.certificate, chain.slice(1))
    return { ...issuer, chain, caUrls: this.caUrlsOf(authority) }
  }

  /** {@link unlockCa} for operations that may not need the CA in the end, or several times. */
  issuerSource(passphrase: AskPassphrase): IssuerSource {
    const issuers = new Map<string, Promise<SigningCa>>()
    return async (authority = this.authority()) => {
      const issuer = issuers.get(authority.id) ?? this.unlockCa(passphrase, authority)
      issuers.set(authority.id, issuer)
      return issuer
    }
  }

  /** The ledger of everything issued here; opened at the first call. @throws {XmppkiError} CORRUPT, IO */
  ledger(): Ledger {
    this.#ledger ??= this.#openLedger()
    return this.#ledger
  }

  /**
   * For a server: {@link ledger} is from now on whatever stands at the path, or refuses while nothing does.
   * @param onChange told when there is no ledger any more, and why, and when another file is the ledger
   * @throws {XmppkiError} CORRUPT, IO
   */
  watchLedger(onChange: (absence: XmppkiError | undefined) => void): WatchedLedger {
    this.#ledger?.close()
    const path = this.paths.ledger
    const watched = new WatchedLedger({
      path,
      open: (isAnother) => {
        const [damage] = isAnother ? checkDatabaseFile(path, LEDGER_WORDS) : []
        if (damage !== undefined) throw new XmppkiError('CORRUPT', `the ledger ${path} is damaged: ${damage}`)
        return this.#openLedger()
      },
      onChange,
    })
    this.#ledger = watched
    return watched
  }

  #openLedger(): SqliteLedger {
    // A new, empty ledger beside an old CA would silently forget who was revoked.
    const size = sizeIfAny(this.paths.ledger)
    if (this.hasCa && !size) {
      const what = size === undefined ? 'missing' : 'empty'
      throw new XmppkiError('CORRUPT', `the ledger ${this.paths.ledger} is ${what}, but there is a CA`, {
        hint: 'restore it from a backup',
      })
    }
    const ledger = new SqliteLedger(this.paths.ledger)
    adoptOldRows(ledger)
    return ledger
  }

  /**
   * The newest server certificate that names the domain and is not revoked, with its key; undefined when there is none.
   * It may have expired. @throws {XmppkiError} CORRUPT, IO
   */
  serverCredentials(domain: string): ServerCredentials | undefined {
    const candidates = this.ledger()
      .list('server')
      .filter((record) => record.domains.includes(domain))
    const newest = candidates.findLast(isUsable)
    return newest === undefined ? undefined : readServerCredentials(newest)
  }

  /** Where {@link serverCredentials} would read, by domain; without reading, for all domains at once. @throws {XmppkiError} CORRUPT, IO */
  serverFolders(): ReadonlyMap<string, string> {
    const usable = this.ledger().list('server').filter(isUsable)
    return new Map(usable.flatMap(({ domains, directory }) => domains.map((domain) => [domain, directory] as const)))
  }

  close(): void {
    this.#ledger?.close()
    this.#ledger = undefined
  }
}

function isUsable({ revokedAt, directory }: IssuedRecord): boolean {
  return revokedAt === undefined && exists(directory)
}
