import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { encodePem } from '../../pki/der/pem.ts'
import { readCertificates } from '../../pki/x509/certificate-file.ts'
import { parseDomain } from '../../pki/x509/domain.ts'
import type { DomainCredentials } from '../../server/net/listener.ts'
import { readInputFile } from '../../workspace/disk/named-file.ts'
import { assertPresentable } from './presentable.ts'

/** The files of a server certificate that did not come from the workspace. */
export interface CertificateFiles {
  readonly certfile: string
  readonly keyfile: string
  /** Its first line opens `keyfile`. */
  readonly passwordFile: string | undefined
  /** Those of the listener. */
  readonly ciphers?: string | undefined
}

/**
 * Key and chain of a domain from files that the configuration names.
 * @param warn told when the certificate does not name the domain, has expired, or is one that clients may refuse
 * @throws {XmppkiError} NOT_FOUND, BAD_INPUT, PASSPHRASE, IO; the message names the file
 */
export function readCertificateFiles(
  domain: string,
  { certfile, keyfile, passwordFile, ciphers }: CertificateFiles,
  warn: (text: string) => void,
): DomainCredentials {
  const chain = readCertificates(readInputFile(certfile), certfile)
  const certificate = new X509Certificate(chain[0])
  const key = readKey(keyfile, passwordFile)
  if (!certificate.checkPrivateKey(key)) {
    throw new XmppkiError('BAD_INPUT', `the key in ${keyfile} is not that of the certificate in ${certfile}`, {
      hint: 'the certificate of the server must be the first one in its file',
    })
  }
  if (certificate.checkHost(parseDomain(domain).ascii) === undefined)
    warn(`the certificate in ${certfile} is not for ${domain}`)
  const end = new Date(certificate.validTo)
  if (end.getTime() < Date.now()) warn(`the certificate in ${certfile} expired on ${end.toISOString().slice(0, 10)}`)
  const credentials = {
    domain,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chain: chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
  }
  const hint = 'have it issued again, signed with SHA-256, for a key of P-256 or of RSA with 2048 bits or more'
  assertPresentable(credentials, { certfile, keyfile, ciphers, hint }, warn)
  return credentials
}

interface KeyFile {
  readonly path: string
  readonly isEncrypted: boolean
  readonly passwordFile: string | undefined
}

function readKey(file: string, passwordFile: string | undefined): KeyObject {
  const octets = readInputFile(file)
  const [passphrase] = passwordFile === undefined ? [] : readInputFile(passwordFile).toString('utf8').split(/\r?\n/, 1)
  try {
    return createPrivateKey({ key: octets, ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (error) {
    // `BEGIN ENCRYPTED PRIVATE KEY` (RFC 7468 §11), or the header `Proc-Type: 4,ENCRYPTED` of older files (RFC 1421).
    throw keyError(error, { path: file, isEncrypted: octets.includes('ENCRYPTED'), passwordFile })
  }
}

/**
 * A wrong password leaves octets that now and then look like something else: what OpenSSL says about them tells nothing.
 */
function keyError(cause: unknown, file: KeyFile): XmppkiError {
  const { path, isEncrypted, passwordFile } = file
  if (!isEncrypted) return new XmppkiError('BAD_INPUT', `${path} holds no private key in PEM form`, { cause })
  if (passwordFile !== undefined) {
    return new XmppkiError('PASSPHRASE', `the first line of ${passwordFile} is not the password of ${path}`, { cause })
  }
  return new XmppkiError('PASSPHRASE', `the key in ${path} is encrypted`, {
    hint: 'name a file with its password: password_file',
    cause,
  })
}
