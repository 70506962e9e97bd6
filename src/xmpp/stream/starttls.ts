import { NS } from '../namespaces.ts'
import { namespaceOf, xml } from '../xml/element.ts'
import { changed, further } from './negotiation-state.ts'
import type { StreamFeature } from './stream-feature.ts'

/** White space may follow an element; anything else after `<starttls/>` was meant to be read as if it were secured. */
export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
}

/** STARTTLS (RFC 6120 §5). Reaching `secured` asks the owner of the connection to do the upgrade. */
export const startTlsFeature: StreamFeature = {
  name: 'starttls',
  needs: [],
  excludedBy: ['secured', 'authenticated'],
  advertise: ({ startTls }) =>
    xml('starttls', { xmlns: NS.tls }, ...(startTls === 'required' ? [xml('required')] : [])),
  handles: (element) => element.name === 'starttls' && namespaceOf(element) === NS.tls,
  negotiate: (_, state) => ({
    kind: 'reached',
    milestones: ['secured'],
    state: changed(state, { reached: further(state, 'secured') }),
    send: [xml('proceed', { xmlns: NS.tls })],
    next: 'new-stream',
  }),
}
