import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

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
  /** `[notBefore, notAfter]` as openssl writes them, e.g. `20200101000000Z`. */
  readonly validity?: readonly [string, string]
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

  selfSigned(request: CertificateRequest): Credentials {
    return this.#make(request, undefined)
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  #make(request: CertificateRequest, issuer: Credentials | undefined): Credentials {
    this.#serial += 1
    const id = `c${this.#serial}`
    const [key, csr, cert, config] = ['key', 'csr', 'crt', 'cnf'].map((suffix) => this.#path(`${id}.${suffix}`)) as [
      string,
      string,
      string,
      string,
    ]
    writeFileSync(config, extensionConfig(request))
    run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key)
    const subject = request.subject ?? '/'
    run('req', '-new', '-utf8', '-multivalue-rdn', '-key', key, '-subj', subject, '-out', csr)
    const signer = this.#signer(issuer, key)
    const dates = request.validity ?? ['20200101000000Z', '20990101000000Z']
    const args = ['-batch', '-notext', '-in', csr, '-out', cert, '-startdate', dates[0], '-enddate', dates[1]]
    run('ca', '-config', this.#caConfig(id), '-extfile', config, '-extensions', 'ext', ...signer, ...args)
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  }

  #signer(issuer: Credentials | undefined, key: string): string[] {
    if (issuer === undefined) return ['-selfsign', '-keyfile', key]
    const [caKey, caCert] = [this.#path('ca.key'), this.#path('ca.crt')]
    writeFileSync(caKey, issuer.key)
    writeFileSync(caCert, issuer.cert)
    return ['-keyfile', caKey, '-cert', caCert]
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
      'preserve=yes',
      '[p]',
    ]
    writeFileSync(path, lines.join('\n'))
    return path
  }
}

function run(...args: string[]): void {
  execFileSync('openssl', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  })
}

function extensionConfig(request: CertificateRequest): string {
  const names = [
    ...(request.xmppAddrs ?? []).map((address, n) => `otherName.${n}=1.3.6.1.5.5.7.8.5;UTF8:${address}`),
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
