import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyAlgorithm } from '../../src/pki/keys/algorithms.ts'
import type { IssuedRecord } from '../../src/store/ledger.ts'
import { openWorkspace, type Workspace } from '../../src/workspace/base/workspace.ts'
import { type ImportCaResult, importCa } from '../../src/workspace/ca/import-ca.ts'
import { initCa } from '../../src/workspace/ca/init-ca.ts'
import { type ClientRequest, type IssuedClient, issueClient } from '../../src/workspace/clients/issue-client.ts'
import { parseJid } from '../../src/xmpp/address/jid.ts'

const algorithm = keyAlgorithm('ec:p256')

/** A workspace for `localhost` with an unencrypted P-256 CA in a temporary folder. */
export class CaFolder {
  readonly folder = mkdtempSync(join(tmpdir(), 'xmppki-ca-'))
  readonly home = join(this.folder, 'home')
  readonly warnings: string[] = []
  imported: ImportCaResult | undefined
  readonly workspace: Workspace = openWorkspace(this.home, { create: true, warn: (text) => this.warnings.push(text) })

  async init(): Promise<this> {
    await initCa(this.workspace, {
      commonName: 'Test CA',
      algorithm,
      days: 3650,
      permitDomains: [],
      domain: 'localhost',
      passphrase: async () => undefined,
      ifMissing: false,
    })
    return this
  }

  /** With a root that openssl has made, with this key usage. */
  async import(keyUsage: string): Promise<this> {
    const [certificate, key] = [this.path('old.crt'), this.path('old.key')]
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key]
    const more = ['-subj', '/CN=Old CA', '-days', '3650', '-addext', `keyUsage=critical,${keyUsage}`]
    openssl('req', '-x509', ...newKey, ...more, '-out', certificate)
    const nothing = async () => undefined
    const nobody = () => Promise.reject(new Error('nobody should ask'))
    const sources = { certificate, key, domain: 'localhost' }
    this.imported = await importCa(this.workspace, { ...sources, oldPassphrase: nobody, passphrase: nothing })
    return this
  }

  readonly issuer = () => this.workspace.unlockCa(() => Promise.reject(new Error('nobody should ask')))

  issue(local: string, given: Partial<ClientRequest> = {}): Promise<IssuedClient> {
    return issueClient(this.workspace, {
      jid: parseJid(`${local}@localhost`),
      device: '',
      days: 500,
      algorithm,
      p12Format: 'modern',
      ifMissing: false,
      issuer: this.issuer,
      ...given,
    })
  }

  /** The one in the ledger with this serial number. */
  record(serial: string): IssuedRecord {
    const [record] = this.workspace.ledger().listBySerial(serial)
    if (record === undefined) throw new Error(`there is no ${serial}`)
    return record
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }

  remove(): void {
    this.workspace.close()
    rmSync(this.folder, { recursive: true })
  }
}

/** Runs openssl, which must succeed; its standard output. */
export const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' })
