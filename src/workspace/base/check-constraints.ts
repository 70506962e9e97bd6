import { XmppkiError } from '../../errors.ts'
import { DerError } from '../../pki/der/der.ts'
import { OID } from '../../pki/der/oids.ts'
import { decodePem } from '../../pki/der/pem.ts'
import { type RawCertificate, readRawCertificate } from '../../pki/x509/certificate-der.ts'
import { formatName, readName } from '../../pki/x509/distinguished-name.ts'
import { type NameConstraints, readNameConstraints } from '../../pki/x509/name-constraints.ts'
import { accountViolation, type NamedAccount, readConstrainedNames, violation } from '../../trust/constrained-names.ts'
import type { SigningCa } from './workspace.ts'

interface ConstrainedCa {
  readonly subject: string
  readonly constraints: NameConstraints
}

/** A CA issues many certificates at a time. */
const known = new WeakMap<readonly string[], readonly ConstrainedCa[]>()

/**
 * Whether a certificate that is about to be signed would be accepted for what it is for: every CA above it must allow its
 * names, and its account (RFC 5280 §6.1.3 b, c).
 * @param account undefined when nobody is to log in with it
 * @throws {XmppkiError} BAD_NAME; BAD_INPUT when the constraints of a CA cannot be read
 */
export function checkConstraints(
  unsigned: RawCertificate,
  { chain }: Pick<SigningCa, 'chain'>,
  account: NamedAccount | undefined,
): void {
  const constrained = known.get(chain) ?? chain.flatMap(constrainedCa)
  known.set(chain, constrained)
  for (const { subject, constraints } of constrained) {
    const found =
      (account && accountViolation(constraints, account)) ?? violation(constraints, readConstrainedNames(unsigned))
    if (found !== undefined) {
      throw new XmppkiError('BAD_NAME', `the CA ${subject} ${found}`, {
        hint: 'nobody would accept the certificate: it needs a CA that is not limited like this',
        spec: 'RFC 5280 §4.2.1.10',
      })
    }
  }
}

function constrainedCa(pem: string): ConstrainedCa[] {
  const raw = readRawCertificate(decodePem(pem, 'CERTIFICATE', 'the CA'))
  const value = raw.extensions.find(({ oid }) => oid === OID.nameConstraints)?.value
  if (value === undefined) return []
  const subject = formatName(readName(raw.subject))
  try {
    return [{ subject, constraints: readNameConstraints(value) }]
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `the name constraints of the CA ${subject} cannot be read: ${error.message}`, {
      spec: 'RFC 5280 §4.2.1.10',
      cause: error,
    })
  }
}
