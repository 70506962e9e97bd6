/** Every XML namespace that xmppki speaks; one name for each, so that none is spelled twice. */
export const NS = {
  /** RFC 6120 §4.8.2: content namespace of client-to-server streams. */
  client: 'jabber:client',
  /** RFC 6120 §4.8.1 */
  stream: 'http://etherx.jabber.org/streams',
  /** RFC 6120 §4.9 */
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams',
  /** RFC 6120 §5 */
  tls: 'urn:ietf:params:xml:ns:xmpp-tls',
  /** RFC 6120 §6 */
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  /** XEP-0388 */
  sasl2: 'urn:xmpp:sasl:2',
  /** XEP-0440 */
  channelBinding: 'urn:xmpp:sasl-cb:0',
  /** XEP-0077 */
  register: 'jabber:iq:register',
  /** XEP-0077 §8 */
  registerFeature: 'http://jabber.org/features/iq-register',
  /** RFC 6120 §7 */
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  /** XEP-0386 */
  bind2: 'urn:xmpp:bind:0',
  /** RFC 3921 §3, a no-op since RFC 6121; old clients still ask for it. */
  session: 'urn:ietf:params:xml:ns:xmpp-session',
  /** RFC 6120 §8.3 */
  stanzaErrors: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  /** Namespaces in XML §3: bound to the prefix `xml` by definition. */
  xml: 'http://www.w3.org/XML/1998/namespace',
  /** XEP-0030 */
  discoInfo: 'http://jabber.org/protocol/disco#info',
  /** XEP-0030 */
  discoItems: 'http://jabber.org/protocol/disco#items',
  /** XEP-0199 */
  ping: 'urn:xmpp:ping',
  /** XEP-0257 */
  saslCert: 'urn:xmpp:saslcert:1',
  /** RFC 6121 §2 */
  roster: 'jabber:iq:roster',
} as const
