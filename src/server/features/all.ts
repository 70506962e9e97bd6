import { certificateManagement } from './certificate-management.ts'
import { disco } from './disco.ts'
import type { Feature } from './feature.ts'
import { legacySession } from './legacy-session.ts'
import { ping } from './ping.ts'
import { presence } from './presence.ts'
import { registration } from './registration.ts'
import { roster } from './roster.ts'

/** Every feature of the server. The order is the order in which their handlers see a stanza. */
export const FEATURES: readonly Feature[] = [
  presence,
  roster,
  disco,
  ping,
  legacySession,
  certificateManagement,
  registration,
]
