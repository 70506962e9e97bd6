import { describe, expect, it } from 'vitest'
import {
  accountCandidates,
  type CertificateNames,
  decideExternal,
  type ExternalSource,
  externalMechanism,
} from '../../../src/xmpp/sasl/external.ts'
import type { SaslOutcome } from '../../../src/xmpp/sasl/mechanism.ts'

/** The people of MongooseIM's sasl_external suite, at a server for `localhost`. */
const JOHN = { commonNames: ['john'] }
const BOB = { commonNames: ['bob'], xmppAddrs: ['bob@localhost'] }
const KATE = { commonNames: ['kate'], xmppAddrs: ['kate@localhost', 'kate@fed1'] }
const NOT_ALICE = { commonNames: ['not-alice'], xmppAddrs: ['alice@localhost', 'alice@fed1'] }
const GRACE = { commonNames: ['grace'], xmppAddrs: ['grace@fed1', 'grace@reg1'] }

interface Row {
  readonly rule: string
  readonly names: Partial<CertificateNames>
  readonly authzid?: string
  readonly sources?: readonly ExternalSource[]
  readonly prefix?: string
  readonly suffix?: string
  readonly domain?: string
  readonly hosts?: readonly string[]
  /** An address, or a failure condition. */
  readonly expected: string
}

function decide({ names, authzid, sources, prefix = '', suffix = '', domain = 'localhost', hosts = [] }: Row): string {
  const decision = decideExternal({
    names: { xmppAddrs: [], commonNames: [], emails: [], uids: [], dnsNames: [], ...names },
    domain,
    authzid,
    policy: { sources: sources ?? ['xmpp_addr', 'common_name'], commonName: { prefix, suffix }, hosts },
  })
  return decision.kind === 'success' ? decision.account.toString() : decision.condition
}

const standard = ['xmpp_addr'] as const

describe('the cases of MongooseIM, standard', () => {
  it.each<Row>([
    { rule: 'john has no address', names: JOHN, expected: 'not-authorized' },
    { rule: 'john has no address to name', names: JOHN, authzid: 'john@localhost', expected: 'not-authorized' },
    { rule: 'bob', names: BOB, expected: 'bob@localhost' },
    { rule: 'bob says who he is', names: BOB, authzid: 'bob@localhost', expected: 'bob@localhost' },
    { rule: 'bob says that he is alice', names: BOB, authzid: 'alice@localhost', expected: 'invalid-authzid' },
    { rule: 'kate chooses', names: KATE, authzid: 'kate@localhost', expected: 'kate@localhost' },
    { rule: 'kate does not choose', names: KATE, expected: 'invalid-authzid' },
    { rule: 'not-alice does not choose', names: NOT_ALICE, expected: 'invalid-authzid' },
    { rule: 'not-alice chooses', names: NOT_ALICE, authzid: 'alice@localhost', expected: 'alice@localhost' },
    { rule: 'grace is from elsewhere', names: GRACE, authzid: 'grace@localhost', expected: 'invalid-authzid' },
    { rule: 'grace does not choose', names: GRACE, expected: 'invalid-authzid' },
  ])('$rule: $expected', (row) => {
    expect(decide({ ...row, sources: standard })).toBe(row.expected)
  })
})

describe('the cases of MongooseIM, standard and common_name', () => {
  it.each<Row>([
    { rule: 'john', names: JOHN, expected: 'john@localhost' },
    { rule: 'john says who he is', names: JOHN, authzid: 'john@localhost', expected: 'john@localhost' },
    { rule: 'prefix and suffix', names: JOHN, prefix: 'user_', suffix: '-test', expected: 'user_john-test@localhost' },
    {
      rule: 'prefix and suffix, named in full',
      names: JOHN,
      prefix: 'user_',
      suffix: '-test',
      authzid: 'user_john-test@localhost',
      expected: 'user_john-test@localhost',
    },
    {
      rule: 'prefix and suffix, named without them',
      names: JOHN,
      prefix: 'user_',
      suffix: '-test',
      authzid: 'john@localhost',
      expected: 'invalid-authzid',
    },
    {
      rule: 'not-mike asks for mike',
      names: { commonNames: ['not-mike'] },
      authzid: 'mike@localhost',
      expected: 'invalid-authzid',
    },
    { rule: 'grace is not her CN (RFC 6120 §13.7.2.2)', names: GRACE, expected: 'invalid-authzid' },
    { rule: 'nor when she asks', names: GRACE, authzid: 'grace@localhost', expected: 'invalid-authzid' },
    { rule: 'bob', names: BOB, expected: 'bob@localhost' },
    {
      rule: 'the address wins over the CN',
      names: NOT_ALICE,
      authzid: 'not-alice@localhost',
      expected: 'invalid-authzid',
    },
  ])('$rule: $expected', (row) => {
    expect(decide(row)).toBe(row.expected)
  })
})

describe('xmpp_addr', () => {
  const alice = { xmppAddrs: ['alice@localhost'] }
  it.each<Row>([
    { rule: 'a certificate in capitals', names: { xmppAddrs: ['ALICE@LOCALHOST'] }, expected: 'alice@localhost' },
    { rule: 'an authzid in capitals', names: alice, authzid: 'ALICE@localhost', expected: 'alice@localhost' },
    { rule: 'full-width letters', names: { xmppAddrs: ['ａlice@localhost'] }, expected: 'alice@localhost' },
    { rule: 'full JID as authzid', names: alice, authzid: 'alice@localhost/phone', expected: 'alice@localhost' },
    { rule: 'localpart as authzid', names: alice, authzid: 'alice', expected: 'alice@localhost' },
    { rule: 'another localpart as authzid', names: alice, authzid: 'bob', expected: 'invalid-authzid' },
    { rule: 'authzid elsewhere', names: alice, authzid: 'alice@other.example', expected: 'invalid-authzid' },
    { rule: 'authzid that is not a JID', names: alice, authzid: '@@', expected: 'invalid-authzid' },
    { rule: 'authzid that is the domain', names: alice, authzid: 'localhost', expected: 'invalid-authzid' },
    { rule: 'authzid with NUL', names: alice, authzid: 'alice@localhost\0', expected: 'invalid-authzid' },
    {
      rule: 'authzid with a byte order mark',
      names: alice,
      authzid: '\ufeffalice@localhost',
      expected: 'invalid-authzid',
    },
    { rule: 'authzid of blanks', names: alice, authzid: ' ', expected: 'invalid-authzid' },
    { rule: 'a homograph in the authzid', names: alice, authzid: 'аlice@localhost', expected: 'invalid-authzid' },
    { rule: 'full JID fixes the resource', names: { xmppAddrs: ['alice@localhost/a'] }, expected: 'alice@localhost/a' },
    {
      rule: 'full JID fixes the resource, bare authzid',
      names: { xmppAddrs: ['alice@localhost/a'] },
      authzid: 'alice@localhost',
      expected: 'alice@localhost/a',
    },
    {
      rule: 'two full JIDs, the authzid names the second',
      names: { xmppAddrs: ['alice@localhost/a', 'alice@localhost/b'] },
      authzid: 'alice@localhost/b',
      expected: 'alice@localhost/b',
    },
    { rule: 'a domain is not an account (ejabberd)', names: { xmppAddrs: ['localhost'] }, expected: 'not-authorized' },
    {
      rule: 'a domain is nobody, whatever the authzid (ejabberd)',
      names: { xmppAddrs: ['localhost'] },
      authzid: 'alice@localhost',
      expected: 'invalid-authzid',
    },
    { rule: 'an address elsewhere', names: { xmppAddrs: ['alice@other.example'] }, expected: 'not-authorized' },
    {
      rule: 'an address elsewhere and that authzid (ejabberd)',
      names: { xmppAddrs: ['alice@other.example'] },
      authzid: 'alice@other.example',
      expected: 'invalid-authzid',
    },
    {
      rule: 'an address elsewhere and our authzid',
      names: { xmppAddrs: ['alice@other.example'] },
      authzid: 'alice@localhost',
      expected: 'invalid-authzid',
    },
    { rule: 'a subdomain is elsewhere', names: { xmppAddrs: ['alice@a.localhost'] }, expected: 'not-authorized' },
    { rule: 'an address that is none', names: { xmppAddrs: ['al ice@localhost'] }, expected: 'not-authorized' },
    {
      rule: 'an address that is none is not papered over by the CN',
      names: { xmppAddrs: ['@localhost'], commonNames: ['alice'] },
      expected: 'not-authorized',
    },
    {
      rule: 'the same address twice is several',
      names: { xmppAddrs: ['alice@localhost', 'alice@localhost'] },
      expected: 'invalid-authzid',
    },
    {
      rule: 'the domain of the stream decides',
      names: NOT_ALICE,
      domain: 'fed1',
      authzid: 'alice@fed1',
      expected: 'alice@fed1',
    },
    {
      rule: 'not the other one',
      names: NOT_ALICE,
      domain: 'fed1',
      authzid: 'alice@localhost',
      expected: 'invalid-authzid',
    },
  ])('$rule: $expected', (row) => {
    expect(decide(row)).toBe(row.expected)
  })
})

describe('common_name', () => {
  it.each<Row>([
    { rule: 'capitals', names: { commonNames: ['John'] }, expected: 'john@localhost' },
    {
      rule: 'a bare JID, with a prefix and a suffix',
      names: { commonNames: ['admin@localhost'] },
      prefix: 'user_',
      suffix: '-test',
      expected: 'user_admin-test@localhost',
    },
    { rule: 'a bare JID here', names: { commonNames: ['john@localhost'] }, expected: 'john@localhost' },
    { rule: 'a bare JID elsewhere', names: { commonNames: ['john@other.example'] }, expected: 'not-authorized' },
    {
      rule: 'a bare JID elsewhere and our authzid',
      names: { commonNames: ['john@other.example'] },
      authzid: 'john@localhost',
      expected: 'not-authorized',
    },
    { rule: 'a full JID', names: { commonNames: ['john@localhost/a'] }, expected: 'not-authorized' },
    { rule: 'a slash', names: { commonNames: ['john/admin'] }, expected: 'not-authorized' },
    { rule: 'two at signs', names: { commonNames: ['a@b@localhost'] }, expected: 'not-authorized' },
    { rule: 'a name of a person', names: { commonNames: ['John Smith'] }, expected: 'not-authorized' },
    { rule: 'empty', names: { commonNames: [''] }, expected: 'not-authorized' },
    {
      rule: 'empty between prefix and suffix',
      names: { commonNames: [''] },
      prefix: 'a',
      suffix: 'b',
      expected: 'not-authorized',
    },
    { rule: 'two', names: { commonNames: ['john', 'admin'] }, expected: 'not-authorized' },
    {
      rule: 'two, the authzid names one',
      names: { commonNames: ['john', 'admin'] },
      authzid: 'admin@localhost',
      expected: 'not-authorized',
    },
    { rule: 'none', names: {}, expected: 'not-authorized' },
    { rule: 'none, with an authzid (ejabberd)', names: {}, authzid: 'alice@localhost', expected: 'not-authorized' },
    { rule: 'full JID as authzid', names: JOHN, authzid: 'john@localhost/phone', expected: 'john@localhost' },
    { rule: 'localpart as authzid', names: JOHN, authzid: 'JOHN', expected: 'john@localhost' },
    {
      rule: 'prefix that cannot be prepared',
      names: JOHN,
      prefix: 'a b',
      expected: 'not-authorized',
    },
  ])('$rule: $expected', (row) => {
    expect(decide(row)).toBe(row.expected)
  })
})

describe('the order of the sources', () => {
  it.each<Row>([
    { rule: 'no source', names: BOB, sources: [], expected: 'not-authorized' },
    {
      rule: 'common_name alone does not look past an address',
      names: BOB,
      sources: ['common_name'],
      expected: 'not-authorized',
    },
    {
      rule: 'common_name first, with an address',
      names: NOT_ALICE,
      sources: ['common_name', 'xmpp_addr'],
      authzid: 'alice@localhost',
      expected: 'alice@localhost',
    },
    {
      rule: 'common_name first, without',
      names: JOHN,
      sources: ['common_name', 'xmpp_addr'],
      expected: 'john@localhost',
    },
  ])('$rule: $expected', (row) => {
    expect(decide(row)).toBe(row.expected)
  })
})

describe('a name that is that of a server (RFC 6125 §1.8: they stand in Common Names too)', () => {
  const dnsNames = ['chat.example', 'b\u00fccher.example', '*.example.org']
  it.each<Row>([
    { rule: 'a dNSName', names: { commonNames: ['Chat.Example'], dnsNames }, expected: 'not-authorized' },
    {
      rule: 'a dNSName with its authzid',
      names: { commonNames: ['chat.example'], dnsNames },
      authzid: 'chat.example@localhost',
      expected: 'not-authorized',
    },
    {
      rule: 'a dNSName in the other spelling',
      names: { commonNames: ['xn--bcher-kva.example'], dnsNames },
      expected: 'not-authorized',
    },
    { rule: 'a dNSName and a dot', names: { commonNames: ['chat.example.'], dnsNames }, expected: 'not-authorized' },
    { rule: 'a wildcard', names: { commonNames: ['*.example.org'], dnsNames }, expected: 'not-authorized' },
    {
      rule: 'a dNSName, with a prefix',
      names: { commonNames: ['chat.example'], dnsNames },
      prefix: 'user_',
      expected: 'not-authorized',
    },
    {
      rule: 'a UID that is a dNSName',
      names: { uids: ['chat.example'], dnsNames },
      sources: ['uid'],
      expected: 'not-authorized',
    },
    { rule: 'the domain of the stream', names: { commonNames: ['localhost'] }, expected: 'not-authorized' },
    {
      rule: 'a domain served',
      names: { commonNames: ['example.net'] },
      hosts: ['example.net'],
      expected: 'not-authorized',
    },
    {
      rule: 'a username with a dot',
      names: { commonNames: ['alice.smith'], dnsNames },
      hosts: ['example.net'],
      expected: 'alice.smith@localhost',
    },
    {
      rule: 'a username in a certificate with hosts',
      names: { commonNames: ['alice'], dnsNames },
      expected: 'alice@localhost',
    },
    {
      rule: 'a username at the domain',
      names: { commonNames: ['alice@localhost'], dnsNames },
      expected: 'alice@localhost',
    },
  ])('$rule: $expected', (row) => {
    expect(decide(row)).toBe(row.expected)
  })
})

describe('a name between affixes', () => {
  const uid = ['uid'] as const
  it.each<Row>([
    { rule: 'is prepared', names: { commonNames: ['JOS\u00c9'] }, prefix: 'u_', expected: 'u_jos\u00e9@localhost' },
    { rule: 'as are they', names: JOHN, prefix: 'User_', suffix: '-X', expected: 'user_john-x@localhost' },
    {
      rule: 'begins with a mark that merges',
      names: { commonNames: ['\u0301x'] },
      prefix: 'ca',
      expected: 'not-authorized',
    },
    { rule: 'begins with a mark', names: { commonNames: ['\u0301x'] }, prefix: 'user_', expected: 'not-authorized' },
    {
      rule: 'begins with a mark, as UID',
      sources: uid,
      names: { uids: ['\u0301x'] },
      prefix: 'user_',
      expected: 'not-authorized',
    },
    {
      rule: 'begins with a mark, as JID',
      names: { commonNames: ['\u0301x@localhost'] },
      prefix: 'user_',
      expected: 'not-authorized',
    },
    { rule: 'merges with the suffix', names: { commonNames: ['cafe'] }, suffix: '\u0301', expected: 'not-authorized' },
    {
      rule: 'makes one syllable with the prefix',
      names: { commonNames: ['\u1161x'] },
      prefix: '\u1100',
      expected: 'not-authorized',
    },
    { rule: 'is empty', names: { commonNames: ['@localhost'] }, prefix: 'user_', expected: 'not-authorized' },
  ])('$rule: $expected', (row) => {
    expect(decide(row)).toBe(row.expected)
  })
})

describe('the accounts that a certificate could open', () => {
  const none = { xmppAddrs: [], commonNames: [], emails: [], uids: [], dnsNames: [] }
  it.each<[names: Partial<CertificateNames>, sources: readonly ExternalSource[], accounts: string[]]>([
    [{ xmppAddrs: ['Bob@localhost/phone', 'bob@fed1', 'fed1', '@'] }, standard, ['bob@localhost', 'bob@fed1']],
    [BOB, ['common_name'], []],
    [JOHN, standard, []],
    [JOHN, ['xmpp_addr', 'common_name'], ['john@localhost']],
    [{ ...JOHN, uids: ['uma'] }, ['uid', 'common_name'], ['uma@localhost']],
    [{ emails: ['mia@localhost', 'mia@fed1'] }, ['email'], ['mia@localhost']],
    [{ commonNames: ['localhost'] }, ['common_name'], []],
    [{}, ['auth_id'], []],
  ])('%j by %j: %j', (names, sources, accounts) => {
    const policy = { sources, commonName: { prefix: '', suffix: '' } }
    const found = accountCandidates({ ...none, ...names }, 'localhost', policy)
    expect(found.map(String)).toEqual(accounts)
  })
})

describe('the mechanism', () => {
  let refusal: string | undefined
  let logins = 0
  const mechanism = externalMechanism(
    { xmppAddrs: ['alice@localhost'], commonNames: [], emails: [], uids: [], dnsNames: [] },
    'localhost',
    { sources: ['xmpp_addr'], commonName: { prefix: '', suffix: '' } },
    () => refusal,
    () => {
      logins += 1
      return { mechanism: 'EXTERNAL' }
    },
  )

  async function settled(outcome: SaslOutcome | Promise<SaslOutcome>): Promise<string> {
    const result = await outcome
    if (result.kind === 'challenge') return `challenge ${Buffer.from(result.data).toString('hex')}`
    if (result.kind === 'failure') return result.condition
    return result.account.toString()
  }

  it.each([
    { rule: 'no authzid (RFC 4422 appendix A.1)', initial: Buffer.alloc(0), expected: 'alice@localhost' },
    { rule: 'an authzid', initial: Buffer.from('alice@localhost'), expected: 'alice@localhost' },
    { rule: 'invalid UTF-8', initial: Buffer.from([0x61, 0xff]), expected: 'invalid-authzid' },
    { rule: 'over-long UTF-8', initial: Buffer.from([0xc1, 0xa1]), expected: 'invalid-authzid' },
    { rule: 'no initial response (RFC 4422 §5)', initial: undefined, expected: 'challenge ' },
  ])('$rule: $expected', async ({ initial, expected }) => {
    expect(await settled(mechanism.start(initial))).toBe(expected)
  })

  it('decides after its challenge', async () => {
    const outcome = await mechanism.start(undefined)
    if (outcome.kind !== 'challenge') throw new Error('no challenge')
    const before = logins
    expect(await settled(outcome.exchange.respond(Buffer.alloc(0)))).toBe('alice@localhost')
    expect(await settled(outcome.exchange.respond(Buffer.from('bob@localhost')))).toBe('invalid-authzid')
    expect(logins).toBe(before + 1)
    refusal = 'revoked meanwhile'
    expect(await settled(outcome.exchange.respond(Buffer.alloc(0)))).toBe('not-authorized')
    expect(logins).toBe(before + 1)
  })
})

describe('other sources', () => {
  const all = ['xmpp_addr', 'common_name', 'email', 'uid'] as const
  const email = ['email'] as const
  const uid = ['uid'] as const
  const authId = ['xmpp_addr', 'auth_id'] as const
  it.each<Row>([
    { rule: 'an e-mail address here', sources: email, names: { emails: ['Mia@localhost'] }, expected: 'mia@localhost' },
    {
      rule: 'and that authzid',
      sources: email,
      names: { emails: ['mia@localhost'] },
      authzid: 'mia@localhost',
      expected: 'mia@localhost',
    },
    {
      rule: 'and another authzid',
      sources: email,
      names: { emails: ['mia@localhost'] },
      authzid: 'bob@localhost',
      expected: 'invalid-authzid',
    },
    {
      rule: 'an e-mail address elsewhere',
      sources: email,
      names: { emails: ['mia@other'] },
      expected: 'not-authorized',
    },
    {
      rule: 'one here, one elsewhere',
      sources: email,
      names: { emails: ['mia@other', 'mia@localhost'] },
      expected: 'mia@localhost',
    },
    {
      rule: 'two here decide nothing',
      sources: email,
      names: { emails: ['mia@localhost', 'bob@localhost'] },
      authzid: 'bob@localhost',
      expected: 'not-authorized',
    },
    {
      rule: 'the domain in capitals',
      sources: email,
      names: { emails: ['mia@LOCALHOST'] },
      expected: 'mia@localhost',
    },
    {
      rule: 'a slash before the at sign, and no way round it',
      sources: ['email', 'common_name'],
      names: { emails: ['a/b@localhost'], commonNames: ['admin'] },
      expected: 'not-authorized',
    },
    {
      rule: 'a slash behind it is of another place',
      sources: email,
      names: { emails: ['mia@localhost/phone'] },
      expected: 'not-authorized',
    },
    {
      rule: 'two at signs, and no way round them',
      sources: ['email', 'common_name'],
      names: { emails: ['"a@b"@localhost'], commonNames: ['admin'] },
      expected: 'not-authorized',
    },
    {
      rule: 'no localpart',
      sources: ['email', 'common_name'],
      names: { emails: ['@localhost'], commonNames: ['admin'] },
      expected: 'not-authorized',
    },
    { rule: 'no at sign', sources: email, names: { emails: ['localhost'] }, expected: 'not-authorized' },
    {
      rule: 'an e-mail address does not paper over foreign addresses',
      sources: all,
      names: { xmppAddrs: ['mia@fed1'], emails: ['mia@localhost'] },
      expected: 'not-authorized',
    },
    { rule: 'a UID', sources: uid, names: { uids: ['uma'] }, expected: 'uma@localhost' },
    { rule: 'a UID with affixes', sources: uid, names: { uids: ['uma'] }, prefix: 'p_', expected: 'p_uma@localhost' },
    { rule: 'a UID that is a JID elsewhere', sources: uid, names: { uids: ['uma@fed1'] }, expected: 'not-authorized' },
    { rule: 'two UIDs', sources: uid, names: { uids: ['uma', 'admin'] }, expected: 'not-authorized' },
    {
      rule: 'a UID and another authzid',
      sources: uid,
      names: { uids: ['uma'] },
      authzid: 'admin@localhost',
      expected: 'invalid-authzid',
    },
    {
      rule: 'a UID does not paper over foreign addresses',
      sources: uid,
      names: { xmppAddrs: ['uma@fed1'], uids: ['uma'] },
      expected: 'not-authorized',
    },
    {
      rule: 'the first source that applies decides',
      sources: ['uid', 'common_name'],
      names: { uids: ['uma'], commonNames: ['john'] },
      expected: 'uma@localhost',
    },
    { rule: 'auth_id', sources: authId, names: JOHN, authzid: 'mike@localhost', expected: 'mike@localhost' },
    {
      rule: 'auth_id fixes no resource',
      sources: authId,
      names: JOHN,
      authzid: 'mike@localhost/a',
      expected: 'mike@localhost',
    },
    { rule: 'auth_id elsewhere', sources: authId, names: JOHN, authzid: 'mike@fed1', expected: 'invalid-authzid' },
    { rule: 'auth_id without authzid', sources: authId, names: JOHN, expected: 'not-authorized' },
    {
      rule: 'auth_id after an address',
      sources: authId,
      names: BOB,
      authzid: 'mike@localhost',
      expected: 'invalid-authzid',
    },
  ])('$rule: $expected', (row) => {
    expect(decide(row)).toBe(row.expected)
  })
})
