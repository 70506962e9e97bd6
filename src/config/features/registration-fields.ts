import { withDefault } from '../field.ts'
import { integerOr, toggle } from '../kinds.ts'

/** The keys of `[auth]` about accounts that are made in band (XEP-0077), and how many there may be. */
export const REGISTRATION = {
  max_users_per_domain: withDefault(
    integerOr('infinity', 1, 1_000_000_000),
    'infinity',
    'most accounts of a domain in the store',
  ),
  registration: withDefault(
    toggle,
    false,
    'whether strangers may make accounts, and accounts remove themselves (XEP-0077)',
  ),
}
