import { X509Certificate } from 'node:crypto'
import { decodePemAll } from '../pki/der/pem.ts'
import { DEFAULT_MIN_RSA_BITS } from '../pki/keys/key-strength.ts'
import { decodePrivateKey } from '../pki/keys/keys.ts'
import { TrustAnchors } from '../trust/anchors.ts'
import { judgeAlone, judgeOrigin } from '../trust/judgement.ts'
import { isRefusal } from '../trust/refusal.ts'
import { SignedCertificate } from '../trust/signed-certificate.ts'
import type { ServerCredentials } from '../workspace/base/server-credentials.ts'
import type { Workspace } from '../workspace/base/workspace.ts'
import { about, attempt, dayOf, daysUntil, type Finding } from './finding.ts'
import { nameFor, namesIn } from './server-names.ts'

const WARN_DAYS = 14

/** What `serve` would present, for every domain of the workspace. */
export async function examineServerCertificates(workspace: Workspace, now: Date): Promise<Finding[]> {
  const issued = workspace
    .ledger()
    .list('server')
    .flatMap(({ domains, revokedAt }) => (revokedAt === undefined ? domains : []))
  const findings: Finding[] = []
  for (const domain of new Set([workspace.defaultDomain, ...issued])) {
    const check = `server certificate of ${domain}`
    findings.push(...(await attempt(check, () => examineOne(workspace, domain, now))))
  }
  return findings
}

function examineOne(workspace: Workspace, domain: string, now: Date): Finding[] {
  const note = about(`server certificate of ${domain}`)
  const credentials = workspace.serverCredentials(domain)
  if (credentials === undefined) {
    return [note('note', 'none yet: serve issues one when it starts', `xmppki server issue ${domain}`)]
  }
  const { directory, notAfter } = credentials
  const problem = problemOf(workspace, domain, credentials, now)
  const replace = `move ${directory} away and run: xmppki server issue ${domain}`
  if (problem !== undefined) return [note('failed', problem, replace)]
  const days = daysUntil(notAfter, now)
  if (days < WARN_DAYS) return [note('warning', `ends in ${days} days`, `xmppki server renew ${domain}`)]
  return [note('ok', `names, dates, chain and key are right; until ${dayOf(notAfter)}`)]
}

/** The first thing that would keep clients from connecting. */
function problemOf(workspace: Workspace, domain: string, { chain, key, directory }: ServerCredentials, now: Date) {
  const [leaf, ...above] = decodePemAll(chain, 'CERTIFICATE', directory)
  if (leaf === undefined) return `no certificate in ${directory}`
  const certificate = SignedCertificate.open(leaf)
  if (isRefusal(certificate)) return certificate.reason
  // From the root alone: clients have nothing else.
  const anchors = new TrustAnchors([workspace.root().pem])
  const rules = { anchors, purpose: 'serverAuth', minRsaBits: DEFAULT_MIN_RSA_BITS } as const
  const refusal = judgeAlone(certificate, rules, now)
  if (refusal !== undefined) return refusal.reason
  if (nameFor(certificate.facts, domain) === undefined) return `it is for ${namesIn(certificate.facts)}`
  const path = judgeOrigin(certificate, rules, { now, sent: () => above })
  if (isRefusal(path)) return `the chain does not lead to the root CA: ${path.reason}`
  const { privateKey } = decodePrivateKey(key, { source: directory })
  return new X509Certificate(leaf).checkPrivateKey(privateKey) ? undefined : `the key in ${directory} does not fit`
}
