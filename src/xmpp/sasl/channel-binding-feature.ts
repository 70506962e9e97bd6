import { NS } from '../namespaces.ts'
import type { StreamFeature } from '../stream/stream-feature.ts'
import { namespaceOf, xml } from '../xml/element.ts'

/**
 * Which types of channel binding there are (XEP-0440), beside either list of mechanisms. It is there if and only if one of
 * them can use it: clients must give up when one is announced without the other (§3).
 */
export const channelBindingFeature: StreamFeature = {
  name: 'sasl-channel-binding',
  needs: ['secured'],
  excludedBy: ['authenticated'],
  advertise({ mechanisms }) {
    const types = new Set(mechanisms.flatMap(({ bindings }) => bindings ?? []))
    if (types.size === 0) return undefined
    return xml(
      'sasl-channel-binding',
      { xmlns: NS.channelBinding },
      ...[...types].map((type) => xml('channel-binding', { type })),
    )
  },
  handles: (element) => namespaceOf(element) === NS.channelBinding,
  // It announces, and asks for nothing.
  negotiate: () => ({ kind: 'close', send: [], error: { condition: 'unsupported-stanza-type' } }),
}
