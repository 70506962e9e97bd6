import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodePem } from '../../src/pki/der/pem.ts'
import { prepareClient, prepareIssuingCa, prepareRoot, sign } from '../../src/pki/issue/issue.ts'
import { type Issuer, loadIssuer } from '../../src/pki/issue/issuer.ts'
import { type KeyType, keyAlgorithm } from '../../src/pki/keys/algorithms.ts'
import { decodePrivateKey, generateKeyPair, type KeyPair } from '../../src/pki/keys/keys.ts'
import { softwareKey } from '../../src/pki/keys/signature.ts'
import type { AccountName } from '../../src/pki/x509/names.ts'

/** A folder for openssl's files that disappears with `using`-like discipline: call `remove` in afterAll. */
export interface Folder {
  readonly path: string
  write(name: string, content: string | Uint8Array): string
  read(name: string): string
  remove(): void
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'xmppki-pki-'))
  return {
    path,
    write: (name, content) => {
      writeFileSync(join(path, name), content)
      return join(path, name)
    },
    read: (name) => readFileSync(join(path, name), 'utf8'),
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** A file that openssl wrote in DER. */
export function readOctets(folder: Folder, name: string): Buffer {
  return readFileSync(join(folder.path, name))
}

/** Runs openssl; a test that expects success uses `openssl`, one that wants the status this. */
export function tryOpenssl(folder: Folder, args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync('openssl', args, {
    cwd: folder.path,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '' },
  })
}

/** Runs openssl, which must succeed, and gives all it printed. */
export function openssl(folder: Folder, ...args: readonly string[]): string {
  const result = tryOpenssl(folder, args)
  if (result.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${result.stderr}${result.stdout}`)
  return result.stdout + result.stderr
}

/** A key pair of this type; RSA keys come from files, because making them takes seconds. */
export function testKeys(type: KeyType): Promise<KeyPair> {
  if (!type.startsWith('rsa:')) return generateKeyPair(keyAlgorithm(type))
  const file = new URL(`fixtures/${type.replace(':', '-')}.pem`, import.meta.url)
  return Promise.resolve(decodePrivateKey(readFileSync(file), { source: file.pathname }))
}

export function account(bare: string): AccountName {
  const at = bare.indexOf('@')
  return { local: bare.slice(0, at), domain: bare.slice(at + 1), bare }
}

export const NOW = new Date('2026-03-01T12:00:00.000Z')

/** A root certificate that is ready to issue. */
export async function testRoot(
  options: { keys?: KeyPair; days?: number; permitDomains?: readonly string[]; now?: Date } = {},
): Promise<Issuer> {
  const keys = options.keys ?? (await testKeys('ec:p256'))
  const root = await sign(
    prepareRoot({
      commonName: 'Test Root',
      organization: 'Example, Inc.',
      keys,
      days: options.days ?? 3650,
      permitDomains: options.permitDomains ?? [],
      now: options.now ?? NOW,
    }),
    softwareKey(keys.privateKey),
  )
  return loadIssuer(root.pem, softwareKey(keys.privateKey), 'root.pem')
}

/** An issuing CA below this root, ready to issue. */
export async function testIssuing(root: Issuer, options: { keys?: KeyPair; days?: number; now?: Date } = {}) {
  const keys = options.keys ?? (await testKeys('ec:p256'))
  const { publicKey } = keys
  const { days = 1825, now = NOW } = options
  const prepared = prepareIssuingCa({ commonName: 'Test Issuing CA', publicKey, days, now, issuer: root })
  const { pem } = await sign(prepared, root.key)
  return loadIssuer(pem, softwareKey(keys.privateKey), 'issuing.pem', [root.certificate.pem])
}

/** A client certificate from this root. */
export async function testClient(issuer: Issuer, bare: string, options: { keys?: KeyPair; now?: Date } = {}) {
  const keys = options.keys ?? (await testKeys('ec:p256'))
  const { publicKey } = keys
  const prepared = prepareClient({
    jid: account(bare),
    publicKey,
    days: 500,
    now: options.now ?? NOW,
    issuer,
  })
  return { ...(await sign(prepared, issuer.key)), keys }
}

/** A certificate made by `openssl req -x509` with this configuration of subject and extensions. */
export function opensslCertificate(
  folder: Folder,
  config: { subject: string; extensions?: string; flags?: string[]; mask?: string },
) {
  folder.write(
    'req.cnf',
    `[req]\ndistinguished_name=dn\nprompt=no\nstring_mask=${config.mask ?? 'utf8only'}\nutf8=yes\n${config.extensions ? 'x509_extensions=ext\n' : ''}[dn]\n${config.subject}\n[ext]\n${config.extensions ?? ''}\n`,
  )
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'made.key']
  openssl(folder, 'req', '-x509', '-config', 'req.cnf', ...newKey, '-out', 'made.pem', ...(config.flags ?? []))
  return {
    pem: folder.read('made.pem'),
    der: decodePem(folder.read('made.pem'), 'CERTIFICATE', 'made.pem'),
  }
}
