import { XmppkiError } from '../errors.ts'
import { DerError } from '../pki/der/der.ts'
import { damagedText } from '../pki/revocation/crl-facts.ts'
import { type CrlIndex, indexEntries } from '../pki/revocation/crl-index.ts'
import { type CrlHeader, openCrl } from '../pki/revocation/crl-reader.ts'
import { type CrlSignature, isSignedBy, readCrlSignature } from '../pki/revocation/crl-signature.ts'
import type { CaCertificate } from './ca-certificate.ts'

/**
 * Lists of a CA that is not configured, and stands below one that is, are only verified when a client comes with it: at
 * once, in the middle of its login. 4 MiB, some 100,000 revocations, are hashed in a few milliseconds.
 */
const MAX_UNPROVEN_OCTETS = 4_194_304

/** A CRL that is ready to be searched; what its signature is worth has been found out. */
export interface LoadedList {
  /** Where it comes from: names it in logs. */
  readonly source: string
  /** The list itself, as it was signed. */
  readonly der: Uint8Array
  readonly crl: CrlHeader
  readonly entries: CrlIndex
  readonly signature: CrlSignature
  /**
   * Which CA has signed it, see `CaCertificate.id`. Undefined: no configured CA has its name. It counts for whichever CA of
   * that name a path leads through whose key has signed it.
   */
  readonly signer: string | undefined
  /**
   * Why nothing is good that it does not list, in words that follow the name of its CA; what it lists is revoked all the
   * same. Empty when all is well.
   */
  readonly doubts: readonly string[]
}

/** A CRL that says nothing. */
export interface UnusableList {
  readonly source: string
  /** The name that it has as its CA, for people; undefined where that cannot be read. */
  readonly issuer: string | undefined
  /** Completes a log line. */
  readonly reason: string
}

/** Which of the two it is. */
export function isUsable(list: LoadedList | UnusableList): list is LoadedList {
  return 'entries' in list
}

/** Whether a CA may sign lists (RFC 5280 §6.3.3 f): one that states the uses of its key must state this one. */
export function maySignLists({ facts }: Pick<CaCertificate, 'facts'>): boolean {
  return facts.keyUsage?.includes('cRLSign') !== false
}

function doubtsOf({ unknownCritical, faults }: CrlHeader, entries: CrlIndex, { weak, name }: CrlSignature): string[] {
  const oddEntries = [...entries.unknownCritical]
  return [
    // Not good for what is unlisted: whoever can make a CA sign one list may have made a second one with its signature.
    ...(weak ? [`its CRL is signed with ${name}, which is weak`] : []),
    ...unknownCritical.map((id) => `its CRL has the unknown critical extension ${id}`),
    ...oddEntries.map((id) => `its CRL has entries with the unknown critical extension ${id}`),
    ...faults.map((fault) => `its CRL has ${fault}`),
    ...(entries.damaged === 0 ? [] : [`its CRL has ${damagedText(entries.damaged)}`]),
  ]
}

/** The CA of that name whose key has signed it, or why there is none. */
async function signerOf(crl: CrlHeader, how: CrlSignature, authorities: readonly CaCertificate[]) {
  const named = authorities.filter(({ name }) => name === crl.issuerKey)
  if (named.length === 0) return undefined
  const allowed = named.filter(maySignLists)
  for (const authority of allowed) if (await isSignedBy(crl.signed, how, authority.publicKey)) return authority
  return allowed.length === 0 ? 'the keyUsage of its CA lacks cRLSign' : 'its CA has not signed it'
}

/**
 * Reads a CRL: first the signature, then, in slices and only if that is right, the entries.
 * @param authorities the CAs that are configured
 */
export async function loadList(
  der: Uint8Array,
  source: string,
  authorities: readonly CaCertificate[],
): Promise<LoadedList | UnusableList> {
  let issuer: string | undefined
  try {
    const crl = openCrl(der, source)
    issuer = crl.issuer
    const signature = readCrlSignature(crl.signed.algorithm)
    const signer = await signerOf(crl, signature, authorities)
    if (typeof signer === 'string') return { source, issuer, reason: signer }
    if (signer === undefined && der.length > MAX_UNPROVEN_OCTETS) {
      return { source, issuer, reason: `its CA is not configured and it has more than ${MAX_UNPROVEN_OCTETS} octets` }
    }
    const entries = await indexEntries(crl.entries, crl.scope.indirect)
    const doubts = doubtsOf(crl, entries, signature)
    return { source, der, crl, entries, signature, signer: signer?.id, doubts }
  } catch (error) {
    if (!(error instanceof DerError || error instanceof XmppkiError)) throw error
    return { source, issuer, reason: error.message }
  }
}
