/** What a refusal means, and what the operator can do about it. */
interface RefusalMeaning {
  /** Completes "the certificate is refused because …". */
  readonly means: string
  /** A command if possible. */
  readonly remedy: string
}

const ISSUE = 'issue a new one: xmppki client issue NAME'
const RENEW = 'renew it: xmppki client renew NAME'
const TRUST = 'name the CA that issued it in tls.cacertfile, or issue one here: xmppki client issue NAME'

/**
 * Why a certificate is not accepted: the same names in the log (`check`), in `--json` documents and in metrics. They are
 * interface: one that is there keeps its meaning.
 */
export const REFUSALS = {
  malformed: { means: 'it cannot be read, or two readers could see two names in it', remedy: ISSUE },
  'too-large': {
    means: 'it, or all that was sent with it, is larger than the limits of the listener; it was not read',
    remedy: 'send fewer CAs along, or raise the limits of the listener',
  },
  'critical-extension': { means: 'it has a critical extension that is not understood', remedy: ISSUE },
  'not-yet-valid': { means: 'it, or a CA above it, begins later', remedy: 'compare the clocks of both machines' },
  expired: { means: 'it, or a CA above it, has ended', remedy: RENEW },
  'not-for-client-auth': { means: 'it, or a CA above it, is not for TLS clients', remedy: ISSUE },
  'not-for-server-auth': {
    means: 'it, or a CA above it, is not for TLS servers',
    remedy: 'issue one for servers: xmppki server issue DOMAIN',
  },
  'unknown-ca': { means: 'no configured CA issued it, directly or over the CAs that are known', remedy: TRUST },
  'bad-signature': { means: 'a CA of the right name is known, but its key has not signed it', remedy: TRUST },
  'weak-signature': { means: 'it, or a CA above it, is signed with MD5, SHA-1 or the like', remedy: RENEW },
  'weak-key': {
    means: 'its RSA key, or that of a CA above it, has too few bits',
    remedy: 'make a new key: xmppki client renew NAME --rekey; or say less in auth.pki.min_rsa_bits',
  },
  'unsupported-key': {
    means: 'its key or its signature, or that of a CA above it, is of a kind that TLS does not take',
    remedy: 'make a new key: xmppki client renew NAME --rekey',
  },
  'not-a-ca': { means: 'what issued it may not issue certificates', remedy: ISSUE },
  'path-too-long': { means: 'there are more CAs above it than one of them allows', remedy: ISSUE },
  'name-constraint': {
    means: 'a CA above it may not issue for one of its names, or for the account that it becomes',
    remedy: 'have it issued by a CA for this domain',
  },
  revoked: { means: 'it, or a CA above it, was revoked', remedy: ISSUE },
  'crl-unknown': {
    means: 'it is not known what a CA above it has revoked, and crl_mode is hard',
    remedy: 'put the current CRL of that CA into tls.crl_files',
  },
  'wrong-domain': { means: 'it is for another domain', remedy: ISSUE },
  'wrong-name': { means: 'its names stand for another account by now, or for none', remedy: ISSUE },
  'not-accepted': {
    means: 'certificates are not accepted here any more',
    remedy: 'see auth.methods and tls.verify_mode',
  },
  'not-enrolled': {
    means: 'the account has ended its enrolment',
    remedy: 'enrol it again from a client of the account',
  },
  'no-ledger': {
    means: 'the ledger cannot be read, so it is not known what is revoked',
    remedy: 'see what is wrong with it: xmppki doctor',
  },
} as const satisfies Record<string, RefusalMeaning>

export type RefusalName = keyof typeof REFUSALS

/** A refusal as it is told. */
export interface Refusal {
  readonly check: RefusalName
  /** For the operator; completes a log line. */
  readonly reason: string
}

export function isRefusal(verdict: object | undefined): verdict is Refusal {
  return verdict !== undefined && 'check' in verdict
}
