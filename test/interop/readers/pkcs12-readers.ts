import { createPublicKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCsr } from '../../../src/pki/csr/csr-reader.ts'
import { type ProgramResult, programAsync } from '../program.ts'
import type { Service } from '../service.ts'

/** A bundle to open. */
export interface Bundle {
  readonly file: string
  readonly passwordFile: string
  /** What it should call itself. */
  readonly friendlyName: string
  /** The client certificate that should be in it. */
  readonly certificate: X509Certificate
  /** PEM file of the CA that should be in it. */
  readonly caFile: string
  /** A folder for what readers need to write. */
  readonly scratch: string
}

export const FORMATS = ['modern', 'compat'] as const

interface BundleRequest {
  readonly name: string
  readonly keyType: string
  readonly format: (typeof FORMATS)[number]
}

/** Has one made by `client issue`. */
export async function issueBundle(service: Service, { name, keyType, format }: BundleRequest): Promise<Bundle> {
  const compat = format === 'compat' ? ['--p12-compat'] : []
  const { jid, p12, p12Password, certificate } = await service.issue(name, '--key-type', keyType, ...compat)
  return {
    file: p12,
    passwordFile: p12Password,
    friendlyName: jid,
    certificate: new X509Certificate(readFileSync(certificate)),
    caFile: service.rootCertificate,
    scratch: service.cli.folder,
  }
}

/** What a reader made of a bundle: undefined or false where it did not find something. */
export interface Opening {
  /** The last thing that the program said, when it refused. */
  readonly refusal?: string
  /** A private key, and that of the certificate. */
  readonly key: boolean
  /** The client certificate and the one of the CA. */
  readonly certificates: boolean
  /** Undefined for a reader that shows no names. */
  readonly friendlyName?: string | undefined
}

export interface Reader {
  readonly name: string
  open(bundle: Bundle): Promise<Opening>
}

const PYTHON = fileURLToPath(new URL('read-pkcs12.py', import.meta.url))

function refused({ output }: ProgramResult): Opening {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  return { refusal: lines.join('\n'), key: false, certificates: false }
}

function blocks(text: string, label: string): string[] {
  return text.match(new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`, 'g')) ?? []
}

/** Whether these are the client certificate and its CA, in any order. */
function areExpected(pems: readonly string[], { certificate, caFile }: Bundle): boolean {
  const found = pems.map((pem) => new X509Certificate(pem).fingerprint256).sort()
  const ca = new X509Certificate(readFileSync(caFile))
  return JSON.stringify(found) === JSON.stringify([certificate.fingerprint256, ca.fingerprint256].sort())
}

/** Whether this private or public key in PEM is that of the certificate. */
function isItsKey(pem: string, { certificate }: Bundle): boolean {
  return createPublicKey(pem).equals(certificate.publicKey)
}

async function openWithOpenssl(bundle: Bundle): Promise<Opening> {
  const { file, passwordFile } = bundle
  const run = await programAsync('openssl', ['pkcs12', '-in', file, '-passin', `file:${passwordFile}`, '-nodes'])
  if (run.code !== 0) return refused(run)
  const [key = ''] = blocks(run.stdout, 'PRIVATE KEY')
  return {
    key: isItsKey(key, bundle),
    certificates: areExpected(blocks(run.stdout, 'CERTIFICATE'), bundle),
    friendlyName: /friendlyName: (.+)/.exec(run.stdout)?.[1],
  }
}

async function openWithCerttool(bundle: Bundle): Promise<Opening> {
  const { file, passwordFile, scratch } = bundle
  const secret = ['--password', readFileSync(passwordFile, 'utf8').trim()]
  const run = await programAsync('certtool', ['--p12-info', '--inder', '--infile', file, ...secret])
  if (run.code !== 0) return refused(run)
  // It shows the key encrypted, as it lies in the bundle.
  const [encrypted = ''] = blocks(run.stdout, 'ENCRYPTED PRIVATE KEY')
  const extracted = join(mkdtempSync(join(scratch, 'certtool-')), 'encrypted.key')
  writeFileSync(extracted, encrypted)
  const opened = await programAsync('certtool', ['--pubkey-info', '--load-privkey', extracted, ...secret])
  if (opened.code !== 0) return refused(opened)
  const [key = ''] = blocks(opened.stdout, 'PUBLIC KEY')
  return {
    key: isItsKey(key, bundle),
    certificates: areExpected(blocks(run.stdout, 'CERTIFICATE'), bundle),
    friendlyName: /Friendly name: (.+)/.exec(run.stdout)?.[1],
  }
}

/** Into a fresh database, where a client would use it. */
async function openWithNss(bundle: Bundle): Promise<Opening> {
  const { file, passwordFile, friendlyName, caFile, scratch } = bundle
  const database = ['-d', `sql:${mkdtempSync(join(scratch, 'nss-'))}`]
  await programAsync('certutil', ['-N', ...database, '--empty-password'])
  const imported = await programAsync('pk12util', ['-i', file, '-w', passwordFile, ...database])
  if (imported.code !== 0) return refused(imported)
  const list = await programAsync('certutil', ['-L', ...database])
  const authority = new X509Certificate(readFileSync(caFile)).subject.replace('CN=', '')
  const pem = async (name: string) => (await programAsync('certutil', ['-L', '-n', name, '-a', ...database])).stdout
  const pems = [await pem(friendlyName), await pem(authority)].flatMap((text) => blocks(text, 'CERTIFICATE'))
  await programAsync('certutil', ['-M', '-n', authority, '-t', 'T,,', ...database])
  const valid = await programAsync('certutil', ['-V', '-n', friendlyName, '-u', 'C', '-e', ...database])
  const keys = await programAsync('certutil', ['-K', ...database])
  return {
    key: keys.stdout.includes(friendlyName) && valid.output.includes('certificate is valid'),
    certificates: areExpected(pems, bundle),
    // `u`: the key is here.
    friendlyName: /^(\S+) +u,u,u/m.exec(list.stdout)?.[1],
  }
}

async function openWithKeytool(bundle: Bundle): Promise<Opening> {
  const { file, passwordFile, friendlyName } = bundle
  const store = ['-storetype', 'PKCS12', '-keystore', file, '-storepass:file', passwordFile]
  const [list, request] = await Promise.all([
    programAsync('keytool', ['-list', '-rfc', ...store]),
    // Only what uses the key shows that Java can decrypt it.
    programAsync('keytool', ['-certreq', '-alias', friendlyName, ...store]),
  ])
  for (const run of [list, request]) if (run.code !== 0) return refused(run)
  const { signature, publicKey } = readCsr(Buffer.from(request.stdout), 'what keytool asks for')
  return {
    key: signature === 'valid' && publicKey.equals(bundle.certificate.publicKey),
    certificates: areExpected(blocks(list.stdout, 'CERTIFICATE'), bundle),
    friendlyName: /Alias name: (.+)/.exec(list.stdout)?.[1],
  }
}

async function openWithPython(library: string, bundle: Bundle): Promise<Opening> {
  const run = await programAsync('/usr/bin/python3', [PYTHON, library, bundle.file, bundle.passwordFile])
  if (run.code !== 0) return refused(run)
  const { certificates, key, friendlyName } = JSON.parse(run.stdout)
  return { key: isItsKey(key, bundle), certificates: areExpected(certificates, bundle), friendlyName }
}

export const OPENSSL: Reader = { name: 'OpenSSL 3', open: openWithOpenssl }

/** A reader that refuses a wrong password says so. */
export const WRONG_PASSWORD = /password|Message Authentication Code/i

export const READERS: readonly Reader[] = [
  OPENSSL,
  { name: 'GnuTLS (certtool)', open: openWithCerttool },
  { name: 'NSS (pk12util, certutil)', open: openWithNss },
  { name: 'Java (keytool)', open: openWithKeytool },
  { name: 'Python (cryptography)', open: (bundle) => openWithPython('cryptography', bundle) },
  { name: 'GLib (GIO)', open: (bundle) => openWithPython('gio', bundle) },
]
