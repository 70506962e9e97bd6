import { afterAll, describe, expect, it } from 'vitest'
import type { ExternalSource } from '../../../src/xmpp/sasl/external.ts'
import { type CertificateRequest, OpensslCa } from '../../support/certificates/certificates.ts'
import { Login, PolicyServers, VARIANTS, WAYS } from '../../support/streams/external-login.ts'

const ca = new OpensslCa()
const servers = new PolicyServers(ca)
afterAll(async () => {
  await servers.stop()
  ca.remove()
})

const issue = (request: CertificateRequest) => ca.issue({ extendedKeyUsage: 'clientAuth', subject: '/O=x', ...request })

const CERTIFICATES = {
  'no name': issue({}),
  'a CN': issue({ subject: '/CN=john' }),
  'a CN in capitals': issue({ subject: '/CN=JOHN' }),
  'a CN that is a bare JID here': issue({ subject: '/CN=john@localhost' }),
  'a CN that is a bare JID elsewhere': issue({ subject: '/CN=john@other.example' }),
  'a CN with a slash': issue({ subject: '/CN=john\\/admin' }),
  'a CN that is not a localpart': issue({ subject: '/CN=John Doe' }),
  'a CN that is a host of the certificate': issue({ subject: '/CN=chat.example', dnsNames: ['chat.example'] }),
  'a CN that is the domain': issue({ subject: '/CN=LOCALHOST' }),
  'a CN that is another domain served': issue({ subject: '/CN=conference.example' }),
  'a CN that begins with a mark': issue({ subject: '/CN=\u0301admin' }),
  'two CNs': issue({ subject: '/CN=john/CN=admin' }),
  'one address': issue({ subject: '/CN=other', xmppAddrs: ['alice@localhost'] }),
  'one address in capitals': issue({ xmppAddrs: ['ALICE@LOCALHOST'] }),
  'one address elsewhere': issue({ subject: '/CN=alice', xmppAddrs: ['alice@other.example'] }),
  'an address that is a domain': issue({ subject: '/CN=alice', xmppAddrs: ['localhost'] }),
  'an address that is none': issue({ subject: '/CN=alice', xmppAddrs: ['al ice@localhost'] }),
  'two addresses': issue({ xmppAddrs: ['alice@localhost', 'carol@localhost'] }),
  'two addresses, one elsewhere': issue({ xmppAddrs: ['alice@localhost', 'alice@other.example'] }),
  'two addresses elsewhere': issue({ subject: '/CN=alice', xmppAddrs: ['alice@other.example', 'alice@fed1'] }),
  'an e-mail': issue({ emails: ['mia@localhost'] }),
  'an e-mail in capitals': issue({ emails: ['MIA@LOCALHOST'] }),
  'an e-mail here and one elsewhere': issue({ emails: ['mia@other.example', 'mia@localhost'] }),
  'an e-mail elsewhere': issue({ emails: ['mia@other.example'] }),
  'two e-mails': issue({ emails: ['mia@localhost', 'max@localhost'] }),
  'an e-mail with a slash': issue({ subject: '/CN=john', emails: ['mia/admin@localhost'] }),
  'an e-mail in the subject': issue({ subject: '/emailAddress=mia@localhost' }),
  'an e-mail and a CN': issue({ subject: '/CN=john', emails: ['mia@localhost'] }),
  'an e-mail and an address elsewhere': issue({ emails: ['mia@localhost'], xmppAddrs: ['mia@other.example'] }),
  'a UID': issue({ subject: '/UID=uma/CN=other' }),
  'a UID in capitals': issue({ subject: '/UID=UMA' }),
  'a UID that is a bare JID here': issue({ subject: '/UID=uma@localhost' }),
  'a UID that is a bare JID elsewhere': issue({ subject: '/UID=uma@other.example' }),
  'a UID that begins with a mark': issue({ subject: '/UID=\u0301admin' }),
  'a UID with a slash': issue({ subject: '/UID=uma\\/admin' }),
  'two UIDs': issue({ subject: '/UID=uma/UID=admin' }),
  'a UID and an address elsewhere': issue({ subject: '/UID=uma', xmppAddrs: ['uma@other.example'] }),
} as const

interface Row {
  readonly who: keyof typeof CERTIFICATES
  readonly authzid?: string
  readonly told: string
  readonly prefix?: string
  readonly suffix?: string
}

const HOSTS = ['localhost', 'conference.example']

const AFFIXES = { prefix: 'user_', suffix: '-test' }

/** external-auth.md §1, "Which name": for every source when it applies, and both of its columns. */
const TABLE: Readonly<Record<string, { readonly sources: readonly ExternalSource[]; readonly rows: readonly Row[] }>> =
  {
    xmpp_addr: {
      sources: ['xmpp_addr'],
      rows: [
        { who: 'a CN', told: 'not-authorized' },
        { who: 'a CN', authzid: 'john@localhost', told: 'not-authorized' },
        { who: 'no name', authzid: 'alice@localhost', told: 'not-authorized' },
        { who: 'one address', told: 'alice@localhost' },
        { who: 'one address', authzid: 'alice@localhost', told: 'alice@localhost' },
        { who: 'one address', authzid: 'ALICE@LOCALHOST', told: 'alice@localhost' },
        { who: 'one address', authzid: 'alice@localhost/phone', told: 'alice@localhost' },
        { who: 'one address', authzid: 'alice', told: 'alice@localhost' },
        { who: 'one address', authzid: 'ALICE', told: 'alice@localhost' },
        { who: 'one address', authzid: 'other', told: 'invalid-authzid' },
        { who: 'one address', authzid: 'other@localhost', told: 'invalid-authzid' },
        { who: 'one address', authzid: 'alice@other.example', told: 'invalid-authzid' },
        { who: 'one address', authzid: 'localhost', told: 'invalid-authzid' },
        { who: 'one address', authzid: '@@', told: 'invalid-authzid' },
        { who: 'one address in capitals', told: 'alice@localhost' },
        { who: 'one address in capitals', authzid: 'alice@localhost', told: 'alice@localhost' },
        { who: 'one address elsewhere', told: 'not-authorized' },
        { who: 'one address elsewhere', authzid: 'alice@other.example', told: 'invalid-authzid' },
        { who: 'one address elsewhere', authzid: 'alice@localhost', told: 'invalid-authzid' },
        { who: 'an address that is a domain', told: 'not-authorized' },
        { who: 'an address that is a domain', authzid: 'alice@localhost', told: 'invalid-authzid' },
        { who: 'an address that is none', told: 'not-authorized' },
        { who: 'two addresses', told: 'invalid-authzid' },
        { who: 'two addresses', authzid: 'alice@localhost', told: 'alice@localhost' },
        { who: 'two addresses', authzid: 'carol@localhost', told: 'carol@localhost' },
        { who: 'two addresses', authzid: 'bob@localhost', told: 'invalid-authzid' },
        { who: 'two addresses, one elsewhere', told: 'invalid-authzid' },
        { who: 'two addresses, one elsewhere', authzid: 'alice@localhost', told: 'alice@localhost' },
        { who: 'two addresses, one elsewhere', authzid: 'alice@other.example', told: 'invalid-authzid' },
        { who: 'two addresses elsewhere', told: 'invalid-authzid' },
        { who: 'two addresses elsewhere', authzid: 'alice@localhost', told: 'invalid-authzid' },
      ],
    },
    common_name: {
      sources: ['common_name'],
      rows: [
        { who: 'no name', told: 'not-authorized' },
        { who: 'a CN', told: 'john@localhost' },
        { who: 'a CN', authzid: 'john@localhost', told: 'john@localhost' },
        { who: 'a CN', authzid: 'John@LOCALHOST', told: 'john@localhost' },
        { who: 'a CN', authzid: 'john', told: 'john@localhost' },
        { who: 'a CN', authzid: 'alice', told: 'invalid-authzid' },
        { who: 'a CN', authzid: 'alice@localhost', told: 'invalid-authzid' },
        { who: 'a CN', authzid: 'john@other.example', told: 'invalid-authzid' },
        { who: 'a CN in capitals', told: 'john@localhost' },
        { who: 'a CN that is a bare JID here', told: 'john@localhost' },
        { who: 'a CN that is a bare JID here', authzid: 'john@localhost', told: 'john@localhost' },
        { who: 'a CN that is a bare JID elsewhere', told: 'not-authorized' },
        { who: 'a CN that is a bare JID elsewhere', authzid: 'john@localhost', told: 'not-authorized' },
        { who: 'a CN with a slash', told: 'not-authorized' },
        { who: 'a CN that is not a localpart', told: 'not-authorized' },
        { who: 'two CNs', told: 'not-authorized' },
        { who: 'two CNs', authzid: 'admin@localhost', told: 'not-authorized' },
        { who: 'one address', told: 'not-authorized' },
        { who: 'one address elsewhere', told: 'not-authorized' },
        { who: 'one address elsewhere', authzid: 'alice@localhost', told: 'not-authorized' },
        { who: 'a CN', ...AFFIXES, told: 'user_john-test@localhost' },
        { who: 'a CN', ...AFFIXES, authzid: 'user_john-test@localhost', told: 'user_john-test@localhost' },
        { who: 'a CN', ...AFFIXES, authzid: 'john@localhost', told: 'invalid-authzid' },
        { who: 'a CN that is a bare JID here', ...AFFIXES, told: 'user_john-test@localhost' },
        { who: 'a CN', prefix: 'device ', told: 'not-authorized' },
        { who: 'a CN that is a host of the certificate', told: 'not-authorized' },
        { who: 'a CN that is a host of the certificate', authzid: 'chat.example@localhost', told: 'not-authorized' },
        { who: 'a CN that is a host of the certificate', ...AFFIXES, told: 'not-authorized' },
        { who: 'a CN that is the domain', told: 'not-authorized' },
        { who: 'a CN that is another domain served', told: 'not-authorized' },
        { who: 'a CN that begins with a mark', ...AFFIXES, told: 'not-authorized' },
      ],
    },
    email: {
      sources: ['email'],
      rows: [
        { who: 'no name', told: 'not-authorized' },
        { who: 'a CN', told: 'not-authorized' },
        { who: 'an e-mail', told: 'mia@localhost' },
        { who: 'an e-mail', authzid: 'mia@localhost', told: 'mia@localhost' },
        { who: 'an e-mail', authzid: 'mia', told: 'mia@localhost' },
        { who: 'an e-mail', authzid: 'bob@localhost', told: 'invalid-authzid' },
        { who: 'an e-mail', authzid: 'mia@other.example', told: 'invalid-authzid' },
        { who: 'an e-mail in capitals', told: 'mia@localhost' },
        { who: 'an e-mail here and one elsewhere', told: 'mia@localhost' },
        { who: 'an e-mail here and one elsewhere', authzid: 'mia@other.example', told: 'invalid-authzid' },
        { who: 'an e-mail elsewhere', told: 'not-authorized' },
        { who: 'an e-mail elsewhere', authzid: 'mia@localhost', told: 'not-authorized' },
        { who: 'two e-mails', told: 'not-authorized' },
        { who: 'two e-mails', authzid: 'mia@localhost', told: 'not-authorized' },
        { who: 'an e-mail with a slash', told: 'not-authorized' },
        { who: 'an e-mail in the subject', told: 'not-authorized' },
        { who: 'an e-mail and an address elsewhere', told: 'not-authorized' },
        // The affixes belong to Common Names and UIDs: this is an address already.
        { who: 'an e-mail', ...AFFIXES, told: 'mia@localhost' },
      ],
    },
    uid: {
      sources: ['uid'],
      rows: [
        { who: 'no name', told: 'not-authorized' },
        { who: 'a CN', told: 'not-authorized' },
        { who: 'a UID', told: 'uma@localhost' },
        { who: 'a UID', authzid: 'uma@localhost', told: 'uma@localhost' },
        { who: 'a UID', authzid: 'uma', told: 'uma@localhost' },
        { who: 'a UID that begins with a mark', ...AFFIXES, told: 'not-authorized' },
        { who: 'a UID', authzid: 'other@localhost', told: 'invalid-authzid' },
        { who: 'a UID in capitals', told: 'uma@localhost' },
        { who: 'a UID that is a bare JID here', told: 'uma@localhost' },
        { who: 'a UID that is a bare JID elsewhere', told: 'not-authorized' },
        { who: 'a UID with a slash', told: 'not-authorized' },
        { who: 'two UIDs', told: 'not-authorized' },
        { who: 'two UIDs', authzid: 'uma@localhost', told: 'not-authorized' },
        { who: 'a UID and an address elsewhere', told: 'not-authorized' },
        { who: 'a UID', ...AFFIXES, told: 'user_uma-test@localhost' },
        { who: 'a UID', ...AFFIXES, authzid: 'uma@localhost', told: 'invalid-authzid' },
      ],
    },
    auth_id: {
      sources: ['auth_id'],
      rows: [
        { who: 'no name', told: 'not-authorized' },
        { who: 'one address', told: 'not-authorized' },
        { who: 'no name', authzid: 'mike@localhost', told: 'mike@localhost' },
        { who: 'no name', authzid: 'mike', told: 'mike@localhost' },
        { who: 'a CN', authzid: 'MIKE@localhost', told: 'mike@localhost' },
        { who: 'one address', authzid: 'mike@localhost', told: 'mike@localhost' },
        { who: 'one address elsewhere', authzid: 'mike@localhost', told: 'mike@localhost' },
        { who: 'a CN', authzid: 'mike@other.example', told: 'invalid-authzid' },
        { who: 'a CN', authzid: 'localhost', told: 'invalid-authzid' },
      ],
    },
    'xmpp_addr, common_name': {
      sources: ['xmpp_addr', 'common_name'],
      rows: [
        { who: 'one address', told: 'alice@localhost' },
        { who: 'one address', authzid: 'other@localhost', told: 'invalid-authzid' },
        { who: 'a CN', told: 'john@localhost' },
        { who: 'one address elsewhere', told: 'not-authorized' },
        { who: 'two addresses elsewhere', authzid: 'alice@localhost', told: 'invalid-authzid' },
        { who: 'an address that is none', told: 'not-authorized' },
        { who: 'an e-mail', told: 'not-authorized' },
      ],
    },
    'common_name, xmpp_addr': {
      sources: ['common_name', 'xmpp_addr'],
      rows: [
        { who: 'one address', told: 'alice@localhost' },
        { who: 'one address elsewhere', told: 'not-authorized' },
        { who: 'a CN', told: 'john@localhost' },
      ],
    },
    'email, common_name': {
      sources: ['email', 'common_name'],
      rows: [
        { who: 'an e-mail and a CN', told: 'mia@localhost' },
        { who: 'an e-mail and a CN', authzid: 'john@localhost', told: 'invalid-authzid' },
        { who: 'a CN', told: 'john@localhost' },
        // The source applies, and so it decides.
        { who: 'an e-mail with a slash', told: 'not-authorized' },
      ],
    },
    'common_name, email': {
      sources: ['common_name', 'email'],
      rows: [{ who: 'an e-mail and a CN', told: 'john@localhost' }],
    },
    'xmpp_addr, email, uid': {
      sources: ['xmpp_addr', 'email', 'uid'],
      rows: [
        { who: 'an e-mail', told: 'mia@localhost' },
        { who: 'a UID', told: 'uma@localhost' },
        { who: 'a CN', told: 'not-authorized' },
        { who: 'an e-mail and an address elsewhere', told: 'not-authorized' },
      ],
    },
    'xmpp_addr, auth_id': {
      sources: ['xmpp_addr', 'auth_id'],
      rows: [
        { who: 'one address', told: 'alice@localhost' },
        { who: 'one address', authzid: 'mike@localhost', told: 'invalid-authzid' },
        { who: 'a CN', told: 'not-authorized' },
        { who: 'a CN', authzid: 'mike@localhost', told: 'mike@localhost' },
      ],
    },
  }

function titleOf({ who, authzid, prefix, suffix = '', told }: Row): string {
  const affixes = prefix === undefined ? '' : `, as ${prefix}…${suffix}`
  return `${who}${affixes}, ${authzid === undefined ? 'no authzid' : `authzid ${authzid}`}: ${told}`
}

describe.each(VARIANTS)('which name, over $transport, $version', (variant) => {
  describe.each(Object.keys(TABLE))('%s', (name) => {
    const { sources, rows } = TABLE[name]!
    it.each(rows.map((row) => [titleOf(row), row] as const))('%s', async (_, row) => {
      const { who, authzid, told, prefix = '', suffix = '' } = row
      const server = await servers.get({ sources, commonName: { prefix, suffix }, hosts: HOSTS })
      for (const how of WAYS) {
        const login = await Login.begin(server, { credentials: CERTIFICATES[who], variant })
        expect(login.offered).toEqual(['EXTERNAL'])
        expect(await login.auth(authzid, how), how).toBe(told)
        login.client.destroy()
      }
    })
  })
})
