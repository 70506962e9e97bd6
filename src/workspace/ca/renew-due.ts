import { XmppkiError } from '../../errors.ts'
import { readCrl } from '../../pki/revocation/crl-facts.ts'
import { type Authority, signerId } from '../base/authority.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import { readTextIfAny } from '../disk/files.ts'
import { makeOcspSigner, readOcspSigner } from './ocsp-signer.ts'
import { publishCrls } from './publish-crl.ts'

const DAY_MS = 86_400_000

/** For how long a CRL is good where none was before. */
const CRL_DAYS = 30

/** What is renewed when a third of its time is left: enough to notice that it fails, and to fetch a key. */
const REST = 1 / 3

export interface RenewalRound {
  /** Must not ask anybody: this runs while nobody is there. */
  readonly issuer: IssuerSource
  /** Whether CRLs and OCSP are published from here: then there has to be a CRL and a signer for every CA. */
  readonly publishing: boolean
  readonly now: Date
}

/** One thing that was done, or could not be done. */
export interface RenewalStep {
  readonly what: 'crl' | 'ocsp'
  readonly authority: Authority
  /** When it ended, or will end; undefined when it was missing. */
  readonly end: Date | undefined
  /** Undefined: it was renewed. */
  readonly error?: XmppkiError
}

/**
 * Renews the CRLs and OCSP certificates that will end soon. One that fails does not stop the others.
 * @returns what was due
 * @throws {XmppkiError} CORRUPT, IO about the ledger
 */
export async function renewDue(workspace: Workspace, request: RenewalRound): Promise<RenewalStep[]> {
  const steps: RenewalStep[] = []
  for (const authority of workspace.authorities()) {
    if (authority.notAfter < request.now) continue
    const due = [crlDue(authority, request), ocspDue(workspace, authority, request)]
    for (const duty of due) if (duty !== undefined) steps.push(await attempt(workspace, duty, request))
  }
  return steps
}

type Duty = Omit<RenewalStep, 'error'> & { readonly days: number }

interface Span {
  readonly begin: Date
  readonly end: Date
}

function isDue({ begin, end }: Span, now: Date): boolean {
  return end.getTime() - now.getTime() < (end.getTime() - begin.getTime()) * REST
}

function crlDue(authority: Authority, { publishing, now }: RenewalRound): Duty | undefined {
  if (!authority.signsCrls) return undefined
  const text = readTextIfAny(authority.files.crl)
  if (text === undefined) return publishing ? { what: 'crl', authority, end: undefined, days: CRL_DAYS } : undefined
  const { thisUpdate, nextUpdate } = readCrl(text, authority.files.crl)
  if (nextUpdate === undefined || !isDue({ begin: thisUpdate, end: nextUpdate }, now)) return undefined
  const days = Math.max(1, Math.round((nextUpdate.getTime() - thisUpdate.getTime()) / DAY_MS))
  return { what: 'crl', authority, end: nextUpdate, days }
}

function ocspDue(workspace: Workspace, authority: Authority, { publishing, now }: RenewalRound): Duty | undefined {
  if (!publishing) return undefined
  const signer = readOcspSigner(workspace, authority)
  if (signer !== undefined && !isDue({ begin: signer.notBefore, end: signer.notAfter }, now)) return undefined
  return { what: 'ocsp', authority, end: signer?.notAfter, days: 0 }
}

async function attempt(workspace: Workspace, duty: Duty, { issuer, now }: RenewalRound): Promise<RenewalStep> {
  const { days, ...step } = duty
  const { what, authority } = step
  try {
    const unlocked = await issuer(authority)
    if (what === 'ocsp') await makeOcspSigner(workspace, { authority, issuer: unlocked, now })
    else await publishCrls(workspace, { of: [signerId(authority)], issuer, days, now }, () => undefined)
    return step
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    return { ...step, error }
  }
}
