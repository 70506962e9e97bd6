import { withDefault } from '../field.ts'
import { toggle } from '../kinds.ts'

/** The keys of `[auth]` about certificates that accounts enrol in band (XEP-0257). */
export const CERTIFICATE_MANAGEMENT = {
  certificate_enrolment: withDefault(
    toggle,
    false,
    'whether an account may enrol certificates of its own to log in with, self-signed ones as well (XEP-0257)',
  ),
}
