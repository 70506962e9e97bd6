// @peculiar/x509 wants the Reflect polyfill before it is loaded.
import 'reflect-metadata'
import type { KeyObject } from 'node:crypto'
import { Crypto } from '@peculiar/webcrypto'
import * as x509 from '@peculiar/x509'
import { XmppkiError } from '../../errors.ts'
import { keyTypeOf } from '../keys/algorithms.ts'
import type { CertificateFacts } from '../x509/certificate.ts'

const provider = new Crypto()

/**
 * Reads a certificate as `@peculiar/x509` does, and so many programs that are going to meet it. A CA certificate is trusted
 * for years and cannot be taken back: where it is not understood must be found before anybody installs it.
 * @param der the certificate
 * @param facts what our own reader has found in it
 * @param signer public key of the CA that signed it
 * @throws XmppkiError INTERNAL when the two do not agree, or the signature does not verify
 */
export async function crossCheck(der: Uint8Array, facts: CertificateFacts, signer: KeyObject): Promise<void> {
  const certificate = new x509.X509Certificate(new Uint8Array(der))
  const agreed =
    certificate.serialNumber.replace(/^0+/, '') === facts.serial.replace(/^0+/, '') &&
    certificate.notBefore.getTime() === facts.notBefore.getTime() &&
    certificate.notAfter.getTime() === facts.notAfter.getTime() &&
    certificate.getExtension(x509.BasicConstraintsExtension)?.ca === facts.isCa &&
    (await isSignedBy(certificate, signer))
  if (!agreed) throw new XmppkiError('INTERNAL', 'two implementations disagree about the CA certificate just signed')
}

async function isSignedBy(certificate: x509.X509Certificate, signer: KeyObject): Promise<boolean> {
  const spki = signer.export({ type: 'spki', format: 'der' })
  const publicKey = await provider.subtle.importKey('spki', spki, keyTypeOf(signer).webCrypto, true, ['verify'])
  return certificate.verify({ publicKey, signatureOnly: true }, provider)
}
