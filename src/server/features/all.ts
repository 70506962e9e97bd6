import type { AccountService } from '../accounts/account-service.ts'
import type { EnrolmentService } from '../accounts/enrolment-service.ts'
import { certificateManagement } from './certificate-management.ts'
import { disco } from './disco.ts'
import type { Feature } from './feature.ts'
import { legacySession } from './legacy-session.ts'
import { ping } from './ping.ts'
import { presence } from './presence.ts'
import { registration } from './registration.ts'
import { roster } from './roster.ts'

/** What features are made from. */
export interface FeatureDependencies {
  readonly accounts: AccountService
  readonly enrolments: EnrolmentService
}

/** Every feature of the server. The order is the order in which their handlers see a stanza. */
export function allFeatures({ accounts, enrolments }: FeatureDependencies): readonly Feature[] {
  return [
    // What others ask about a session is known before they see its stanza.
    presence,
    roster,
    disco,
    ping,
    legacySession,
    certificateManagement(enrolments),
    registration(accounts),
  ]
}
