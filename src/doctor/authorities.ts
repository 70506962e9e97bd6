import { type KeyObject, X509Certificate } from 'node:crypto'
import { decodePrivateKey, isEncryptedPrivateKey } from '../pki/keys/keys.ts'
import { isCrlSignedBy, readCrl } from '../pki/revocation/crl-facts.ts'
import { type CertificateFacts, readCertificate } from '../pki/x509/certificate.ts'
import { checkForm, checkValidity } from '../trust/checks.ts'
import { type Authority, signerId } from '../workspace/base/authority.ts'
import type { Workspace } from '../workspace/base/workspace.ts'
import { readOcspSigner } from '../workspace/ca/ocsp-signer.ts'
import { crlObstacle } from '../workspace/ca/publish-crl.ts'
import { exists, readTextIfAny } from '../workspace/disk/files.ts'
import { about, attempt, dayOf, daysUntil, type Finding } from './finding.ts'

/** A CA that ends sooner needs a successor now: everybody has to be given the new one. */
const CA_WARN_DAYS = 90
/** `ca crl` makes lists for 30 days; a list that is renewed in time never has so little left. */
const CRL_WARN_DAYS = 2

interface Patient {
  readonly workspace: Workspace
  readonly authority: Authority
  readonly facts: CertificateFacts
  readonly publicKey: KeyObject
  /** Whether certificates are issued by this one. */
  readonly inUse: boolean
  readonly now: Date
}

/** The CAs of the workspace: certificates, keys, CRLs, OCSP signers. */
export async function examineAuthorities(workspace: Workspace, now: Date): Promise<Finding[]> {
  const findings: Finding[] = []
  const current = workspace.authority().id
  for (const authority of workspace.authorities()) {
    const label = labelOf(authority)
    const inUse = authority.id === current
    const examine = async () => {
      const { der } = authority
      const facts = readCertificate(der, authority.files.certificate)
      const patient = { workspace, authority, facts, publicKey: new X509Certificate(der).publicKey, inUse, now }
      return [
        certificateFinding(patient),
        ...(await attempt(`key of the ${label}`, () => [keyFinding(patient)])),
        ...(await attempt(`CRL of the ${label}`, () => [crlFinding(patient)])),
        ...(await attempt(`OCSP signer of the ${label}`, () => ocspFindings(patient))),
      ]
    }
    findings.push(...(await attempt(label, examine)))
  }
  return findings
}

function labelOf({ kind }: Authority): string {
  return kind === 'root' ? 'root CA' : 'issuing CA'
}

function certificateFinding({ authority, facts, now }: Patient): Finding {
  const note = about(labelOf(authority))
  const { certificate } = authority.files
  const form = checkForm(facts)
  if (form !== undefined) return note('failed', `${certificate}: ${form.reason}`)
  if (now < facts.notBefore) {
    const text = `it is valid from ${facts.notBefore.toISOString()}, and this machine says it is ${now.toISOString()}`
    return note('failed', text, 'set the clock of this machine')
  }
  const renew = 'make a new workspace with: xmppki ca init, or a new issuing CA with: xmppki ca issuing init'
  const dates = checkValidity(facts, now)
  if (dates !== undefined) return note('failed', `${facts.subject} ${dates.reason}`, renew)
  const days = daysUntil(facts.notAfter, now)
  if (days < CA_WARN_DAYS) return note('warning', `${facts.subject} ends in ${days} days`, renew)
  return note('ok', `${facts.subject}, until ${dayOf(facts.notAfter)}`)
}

function keyFinding({ authority, publicKey, inUse }: Patient): Finding {
  const note = about(`key of the ${labelOf(authority)}`)
  const { key, token, certificate } = authority.files
  const pem = readTextIfAny(key)
  if (pem === undefined && exists(token)) return note('ok', `in a PKCS #11 token, see ${token}`)
  if (pem === undefined && !inUse) return note('note', 'not here, so its CRL cannot be renewed here')
  if (pem === undefined) {
    return note('failed', `${key} is missing: nothing can be issued`, 'bring it back from where it is kept')
  }
  if (isEncryptedPrivateKey(pem)) return note('ok', 'encrypted, so whether it fits was not looked at')
  const { publicKey: own } = decodePrivateKey(pem, { source: key })
  if (!own.equals(publicKey)) return note('failed', `${key} does not belong to ${certificate}`, 'restore both')
  return note('ok', 'fits its certificate; not encrypted')
}

function crlFinding({ workspace, authority, publicKey, now }: Patient): Finding {
  const note = about(`CRL of the ${labelOf(authority)}`)
  const { crl: file } = authority.files
  const renew = 'xmppki ca crl'
  const revoked = workspace.ledger().listRevoked(signerId(authority))
  const obstacle = crlObstacle(authority)
  if (obstacle !== undefined) {
    const state = revoked.length === 0 ? 'note' : 'warning'
    return note(state, `${obstacle.message} (${revoked.length} revoked)`, obstacle.hint)
  }
  const pem = readTextIfAny(file)
  if (pem === undefined) {
    return revoked.length === 0
      ? note('note', 'none yet, and nothing is revoked')
      : note('failed', `${revoked.length} certificates are revoked and ${file} is missing`, renew)
  }
  const crl = readCrl(pem, file)
  if (!isCrlSignedBy(crl, publicKey)) return note('failed', `${file} is not signed by this CA`, renew)
  const listed = new Set(crl.entries.map(({ serial }) => serial))
  const missing = revoked.filter(({ serial }) => !listed.has(serial))
  if (missing.length > 0) return note('failed', `${missing.length} revoked certificates are not in ${file}`, renew)
  const { nextUpdate } = crl
  if (nextUpdate === undefined) return note('warning', `${file} does not say until when it holds`, renew)
  if (now >= nextUpdate) {
    const text = `${file} is stale since ${dayOf(nextUpdate)}: who insists on it refuses everybody`
    return note('failed', text, renew)
  }
  const state = daysUntil(nextUpdate, now) < CRL_WARN_DAYS ? 'warning' : 'ok'
  const text = `number ${crl.number}, ${crl.entries.length} revoked, holds until ${nextUpdate.toISOString()}`
  return state === 'ok' ? note(state, text) : note(state, text, renew)
}

/** Nothing where there is none: it is made by the first `serve --http-port`. */
function ocspFindings({ workspace, authority, now }: Patient): Finding[] {
  const signer = readOcspSigner(workspace, authority)
  if (signer === undefined) return []
  const note = about(`OCSP signer of the ${labelOf(authority)}`)
  const facts = readCertificate(signer.certificate)
  const dates = checkValidity(facts, now)
  if (dates === undefined) return [note('ok', `until ${dayOf(facts.notAfter)}`)]
  return [note('warning', dates.reason, 'xmppki serve --http-port renews it, when it can have the key of the CA')]
}
