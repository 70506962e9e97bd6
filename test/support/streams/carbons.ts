import type { Feature } from '../../../src/server/features/feature.ts'
import { Stanza } from '../../../src/xmpp/stanza.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from './element.ts'

const CARBONS = 'urn:xmpp:carbons:2'

function copyOf(stanza: Stanza, direction: 'sent' | 'received'): Stanza {
  const { name, attrs, children } = parseElement(stanza.text)
  const original = xml(name, { xmlns: 'jabber:client', ...attrs }, ...children)
  const forwarded = xml('forwarded', { xmlns: 'urn:xmpp:forward:0' }, original)
  const from = direction === 'sent' ? stanza.from.bare() : (stanza.to ?? stanza.from).bare()
  const copy = xml('message', { from: `${from}`, type: 'chat' }, xml(direction, { xmlns: CARBONS }, forwarded))
  return new Stanza(copy, 'message', from, undefined)
}

/** XEP-0280 at the size of a prototype: that a feature is one short file. */
export const carbons: Feature = {
  name: 'carbons',
  claims: [{ spec: 'XEP-0280', scope: 'prototype' }],
  disco: { server: [CARBONS] },
  install(host) {
    const isOn = host.sharedSlot(false)
    for (const name of ['enable', 'disable']) {
      host.onIq('set', 'self', { name, namespace: CARBONS }, ({ session }) => {
        isOn.set(session, name === 'enable')
        return { type: 'result' }
      })
    }
    host.onBind(CARBONS, (_, session) => void isOn.set(session, true))
    for (const stage of ['sent', 'received'] as const) {
      host.onStanza(stage, 'message', (stanza, account) => {
        if (stanza.type !== 'chat' || stanza.text.includes(`xmlns="${CARBONS}"`)) return 'pass'
        for (const resource of host.resources(account)) {
          const hasIt = [stanza.from, stanza.to].some((jid) => jid?.equals(resource.jid))
          if (isOn.get(resource) && !hasIt) host.route(copyOf(stanza, stage), resource.jid)
        }
        return 'pass'
      })
    }
  },
}
