import type { Enrolment } from '../enrolments.ts'
import type { Adoption, SharedEnrolment } from '../shared-enrolments.ts'

/** Characters that a label may have. */
const MAX_LABEL = 64

/** What is there of an account that a ledger knows. */
export interface AdoptionGround {
  /** All of the account, whatever their state. */
  readonly known: readonly SharedEnrolment[]
  /** Whether another account has enrolled the certificate with this fingerprint. */
  readonly isTaken: (fingerprint: string) => boolean
}

/** What of a ledger's enrolments is taken over, with the labels that they get. */
export function planAdoption(
  enrolments: readonly Enrolment[],
  { known, isTaken }: AdoptionGround,
): { readonly adoptions: readonly Adoption[]; readonly rows: readonly Enrolment[] } {
  const labels = new Set(known.filter(({ state }) => state === 'active').map(({ label }) => label))
  const rows: Enrolment[] = []
  const adoptions = enrolments.map((enrolment): Adoption => {
    const found = known.find(({ fingerprint }) => fingerprint === enrolment.fingerprint)
    const standing = found && standingOf(found, enrolment)
    if (standing !== undefined) return { enrolment, outcome: standing }
    if (isTaken(enrolment.fingerprint)) return { enrolment, outcome: 'taken' }
    const label = freeLabel(enrolment.label, labels)
    labels.add(label)
    rows.push({ ...enrolment, label })
    return { enrolment: { ...enrolment, label }, outcome: label === enrolment.label ? 'adopted' : 'renamed' }
  })
  return { adoptions, rows }
}

/** What keeps the ledger's row from counting; undefined: it is a later enrolment of a certificate that was disabled. */
function standingOf(found: SharedEnrolment, { enrolledAt }: Enrolment): Adoption['outcome'] | undefined {
  if (found.state === 'revoked') return 'revoked'
  if (found.state === 'active') return 'known'
  return found.enrolledAt >= enrolledAt ? 'ended' : undefined
}

function freeLabel(label: string, taken: ReadonlySet<string>): string {
  for (let count = 2, free = label; ; count++) {
    if (!taken.has(free)) return free
    const suffix = ` ${count}`
    free = [...label].slice(0, MAX_LABEL - suffix.length).join('') + suffix
  }
}
