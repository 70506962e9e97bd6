import { NS } from '../namespaces.ts'
import { xml } from '../xml/element.ts'
import type { StreamFeature } from './stream-feature.ts'

/**
 * Tells clients of RFC 3921 that they may ask for a session, which has no effect any more. `<optional/>`
 * saves the newer ones the round trip. The request itself is an ordinary IQ after binding.
 */
export const legacySessionFeature: StreamFeature = {
  name: 'session',
  needs: ['authenticated'],
  excludedBy: ['bound'],
  advertise: () => xml('session', { xmlns: NS.session }, xml('optional')),
  handles: () => false,
  negotiate: (_, state) => ({ kind: 'continue', state, send: [] }),
}
