import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSingle, TAG } from '../../../src/pki/der/der.ts'
import { integer, sequence } from '../../../src/pki/der/der-writer.ts'
import { encodePem } from '../../../src/pki/der/pem.ts'
import { readSignedStructure } from '../../../src/pki/keys/signature.ts'
import { authorityId } from '../../../src/pki/x509/authority-id.ts'
import { readRawCertificate } from '../../../src/pki/x509/certificate-der.ts'
import type { CertificateId } from '../../../src/store/certificate-id.ts'
import { namelessRequest, signedBy, signedStructure } from './signed-octets.ts'

/** Key and certificate chain as PEM. */
export interface Credentials {
  readonly key: string
  readonly cert: string
}

/** What openssl should put into a certificate; everything is optional and taken literally. */
export interface CertificateRequest {
  /** As for `openssl req -subj`. */
  readonly subject?: string
  readonly xmppAddrs?: readonly string[]
  readonly emails?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly extendedKeyUsage?: string
  /** More lines of an openssl extension section. */
  readonly extensions?: readonly string[]
  readonly ca?: boolean
  /** Of the signature. */
  readonly hash?: string
  /** `[notBefore, notAfter]` as openssl writes them, e.g. `20200101000000Z`. */
  readonly validity?: readonly [string, string]
}

/** What openssl should put into a CRL. */
export interface CrlRequest {
  readonly revoked?: readonly Credentials[]
  /** `[thisUpdate, nextUpdate]` as openssl writes them. */
  readonly validity?: readonly [string, string]
  /** More lines of an openssl section of CRL extensions. */
  readonly extensions?: readonly string[]
  /** The CA that signs; without it the root. */
  readonly by?: Credentials
}

/** A CA run by the real openssl, for certificates that xmppki itself would never issue. */
export class OpensslCa {
  readonly #folder = mkdtempSync(join(tmpdir(), 'xmppki-openssl-'))
  #serial = 1000
  readonly credentials: Credentials

  constructor(name = 'Test CA') {
    this.credentials = this.#make({ subject: `/CN=${name}`, ca: true }, undefined)
  }

  issue(request: CertificateRequest): Credentials {
    return this.#make(request, this.credentials)
  }

  /** Issued by an intermediate CA, which goes along in the chain. */
  issueBelow(intermediate: Credentials, request: CertificateRequest): Credentials {
    const leaf = this.#make(request, intermediate)
    return { key: leaf.key, cert: leaf.cert + intermediate.cert }
  }

  /** What `openssl x509 -req` of the guide makes: a version 1 certificate with nothing but a Common Name. */
  issueAsInTheGuide(username: string): Credentials {
    const { path, key } = this.#newKey()
    const [csr, cert] = [path('csr'), path('crt')]
    run('req', '-new', '-key', path('key'), '-subj', `/CN=${username}`, '-out', csr)
    const signer = this.#signer(this.credentials)
    run(
      'x509',
      '-req',
      '-in',
      csr,
      '-CA',
      signer.cert,
      '-CAkey',
      signer.key,
      '-CAcreateserial',
      '-days',
      '500',
      '-sha256',
      '-out',
      cert,
    )
    return { key, cert: readFileSync(cert, 'utf8') }
  }

  /** The same certificate with some octets replaced by as many others, signed again: what openssl refuses to write. */
  reissue({ key, cert }: Credentials, octets: string, replacement: string): Credentials {
    const edited = Buffer.from(partsOf(cert).tbs)
    const at = edited.indexOf(octets, 0, 'latin1')
    if (at < 0 || octets.length !== replacement.length) throw new Error(`cannot replace ${octets}`)
    edited.write(replacement, at, 'latin1')
    return { key, cert: encodePem('CERTIFICATE', signedBy(this.credentials.key, edited)) }
  }

  selfSigned(request: CertificateRequest): Credentials {
    return this.#make(request, undefined)
  }

  /** With a key of any type that openssl knows. */
  selfSignedBy(key: string, { subject = '/', dnsNames = [], hash = 'sha256' }: CertificateRequest): string {
    this.#serial += 1
    const [file, out] = [this.#path(`c${this.#serial}.key`), this.#path(`c${this.#serial}.crt`)]
    writeFileSync(file, key)
    const names = ['-addext', `subjectAltName=${dnsNames.map((name) => `DNS:${name}`).join(',')}`]
    run('req', '-x509', `-${hash}`, '-key', file, '-subj', subject, ...names, '-days', '30', '-out', out)
    return readFileSync(out, 'utf8')
  }

  /** A CRL in PEM. */
  crl({ revoked = [], validity, extensions = [], by = this.credentials }: CrlRequest = {}): string {
    this.#serial += 1
    const id = `c${this.#serial}`
    const [out, config] = [this.#path(`${id}.crl`), this.#caConfig(id)]
    const serial = ({ cert }: Credentials) => new X509Certificate(cert).serialNumber
    const index = revoked.map((one) => `R\t490101000000Z\t210102000000Z\t${serial(one)}\tunknown\t/CN=x\n`)
    writeFileSync(this.#path(`${id}.index`), index.join(''))
    if (extensions.length > 0) {
      writeFileSync(config, `${readFileSync(config, 'utf8')}\n[crl]\n${extensions.join('\n')}\n`)
    }
    const signer = this.#signer(by)
    const [thisUpdate, nextUpdate] = validity ?? ['20200101000000Z', '20990101000000Z']
    const dates = ['-crl_lastupdate', thisUpdate, '-crl_nextupdate', nextUpdate]
    const more = extensions.length > 0 ? ['-crlexts', 'crl'] : []
    run(
      'ca',
      '-config',
      config,
      '-gencrl',
      '-keyfile',
      signer.key,
      '-cert',
      signer.cert,
      ...dates,
      ...more,
      '-out',
      out,
    )
    return readFileSync(out, 'utf8')
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  #newKey(): { id: string; path: (suffix: string) => string; key: string; privateKey: KeyObject } {
    this.#serial += 1
    const id = `c${this.#serial}`
    const path = (suffix: string) => this.#path(`${id}.${suffix}`)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    writeFileSync(path('key'), key)
    return { id, path, key, privateKey }
  }

  #make(request: CertificateRequest, issuer: Credentials | undefined): Credentials {
    const { id, path, key, privateKey } = this.#newKey()
    const [csr, cert, config] = [path('csr'), path('crt'), path('cnf')]
    writeFileSync(csr, namelessRequest(privateKey))
    writeFileSync(config, extensionConfig(request))
    const signer = issuer === undefined ? undefined : this.#signer(issuer)
    const by =
      signer === undefined ? ['-selfsign', '-keyfile', path('key')] : ['-keyfile', signer.key, '-cert', signer.cert]
    const dates = request.validity ?? ['20200101000000Z', '20990101000000Z']
    const args = [
      '-md',
      request.hash ?? 'sha256',
      '-batch',
      '-preserveDN',
      '-utf8',
      '-multivalue-rdn',
      '-subj',
      request.subject ?? '/',
      '-notext',
      '-in',
      csr,
      '-out',
      cert,
      '-startdate',
      dates[0],
      '-enddate',
      dates[1],
    ]
    run('ca', '-config', this.#caConfig(id), '-extfile', config, '-extensions', 'ext', ...by, ...args)
    return { key, cert: readFileSync(cert, 'utf8') }
  }

  #signer(issuer: Credentials): { key: string; cert: string } {
    const paths = { key: this.#path('ca.key'), cert: this.#path('ca.crt') }
    writeFileSync(paths.key, issuer.key)
    writeFileSync(paths.cert, issuer.cert)
    return paths
  }

  /** `openssl ca` is the only sub-command that sets dates freely. */
  #caConfig(id: string): string {
    const path = this.#path(`${id}.ca.cnf`)
    writeFileSync(this.#path(`${id}.index`), '')
    writeFileSync(this.#path(`${id}.serial`), this.#serial.toString(16).padStart(4, '0'))
    const lines = [
      '[ca]',
      'default_ca=d',
      '[d]',
      `database=${this.#path(`${id}.index`)}`,
      `serial=${this.#path(`${id}.serial`)}`,
      `new_certs_dir=${this.#folder}`,
      'default_md=sha256',
      'unique_subject=no',
      'policy=p',
      'string_mask=utf8only',
      '[p]',
    ]
    writeFileSync(path, lines.join('\n'))
    return path
  }
}

function run(...args: string[]): void {
  execFileSync('openssl', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 50_000,
  })
}

function extensionConfig(request: CertificateRequest): string {
  const names = [
    ...(request.xmppAddrs ?? []).map((address, n) => `otherName.${n}=1.3.6.1.5.5.7.8.5;FORMAT:UTF8,UTF8:${address}`),
    ...(request.emails ?? []).map((address, n) => `email.${n}=${address}`),
    ...(request.dnsNames ?? []).map((name, n) => `DNS.${n}=${name}`),
  ]
  const lines = ['[ext]', `basicConstraints=critical,CA:${request.ca ? 'TRUE' : 'FALSE'}`]
  if (request.ca) lines.push('keyUsage=critical,keyCertSign,cRLSign')
  if (request.extendedKeyUsage !== undefined) lines.push(`extendedKeyUsage=${request.extendedKeyUsage}`)
  lines.push(...(request.extensions ?? []))
  if (names.length > 0) lines.push('subjectAltName=@names', '[names]', ...names)
  return lines.join('\n')
}

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The same certificate with the other valid ECDSA signature, which anybody can compute: (r, n - s) for (r, s). */
export function withOtherSignature({ key, cert }: Credentials): Credentials {
  const { tbs, algorithm, signature } = partsOf(cert)
  const numbers = readSingle(signature, TAG.sequence).reader()
  const [r, s] = [numbers.next(), numbers.next()]
  const other = (P256_ORDER - BigInt(`0x${s.hex()}`)).toString(16).padStart(64, '0')
  const twin = sequence(r.raw, integer(Buffer.from(other, 'hex')))
  return { key, cert: encodePem('CERTIFICATE', signedStructure(tbs, algorithm.raw, twin)) }
}

const partsOf = (cert: string) => readSignedStructure(readSingle(new X509Certificate(cert).raw, TAG.sequence))

/** What identifies a certificate that this CA has signed. */
export function idBy(signer: Credentials, { cert }: Credentials): CertificateId {
  const authority = new X509Certificate(signer.cert)
  return {
    authority: authorityId(readRawCertificate(authority.raw)),
    issuer: authority.serialNumber.toLowerCase(),
    serial: new X509Certificate(cert).serialNumber.toLowerCase(),
  }
}
