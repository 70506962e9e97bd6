import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import { nullValue } from '../../src/pki/der/der-writer.ts'
import { OID } from '../../src/pki/der/oids.ts'
import type { CertificateId } from '../../src/store/certificate-id.ts'
import { TrustAnchors } from '../../src/trust/anchors.ts'
import { judge, type Occasion, type TrustRules } from '../../src/trust/judgement.ts'
import { isRefusal } from '../../src/trust/refusal.ts'
import { tryParseJid } from '../../src/xmpp/address/jid.ts'
import { CRL_SIGN, general, type Made, madeExtension, madeRoot, NOON } from '../support/certificates/small-pki.ts'

const DAY = 86_400_000

interface Question {
  readonly leaf: Made
  readonly anchors: readonly Made[]
  readonly sent?: readonly Made[]
  /** What is in the ledger as revoked. */
  readonly revoked?: readonly { readonly by: Made; readonly made: Made }[]
  readonly rules?: Partial<TrustRules>
  readonly occasion?: Partial<Occasion>
}

function idOf({ by, made }: { by: Made; made: Made }): string {
  return `${by.asAuthority.id} ${made.opened.serial}`
}

/** Subjects from the issuer to the anchor, or why not. */
function told({ leaf, anchors, sent = [], revoked = [], rules, occasion }: Question) {
  const ended = new Set(revoked.map(idOf))
  const book = {
    revokedAt: ({ authority, serial }: CertificateId) => (ended.has(`${authority} ${serial}`) ? 1e12 : undefined),
  }
  const verdict = judge(
    leaf.opened,
    {
      anchors: new TrustAnchors(anchors.map(({ pem }) => pem)),
      purpose: 'clientAuth',
      minRsaBits: 2048,
      book,
      ...rules,
    },
    { now: NOON, sent: () => sent.map(({ der }) => der), ...occasion },
  )
  return isRefusal(verdict) ? verdict : verdict.path.map(({ facts }) => facts.subject.replace('CN=', ''))
}

const checkOf = (question: Question) => {
  const answer = told(question)
  return 'check' in answer ? answer.check : answer
}

const root = madeRoot()
const issuing = root.authority('issuing')
const user = root.client()
const below = issuing.client()

describe('the path', () => {
  it('leads over CAs with keys that sign certificates and no handshakes', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' })
    const card = madeRoot('card', { key: privateKey })
    expect(told({ leaf: card.client(), anchors: [card] })).toEqual(['card'])
  })

  it.each<[string, Question, readonly string[]]>([
    ['one step', { leaf: user, anchors: [root] }, ['root']],
    ['over one that was sent', { leaf: below, anchors: [root], sent: [issuing] }, ['issuing', 'root']],
    ['over one that is configured', { leaf: below, anchors: [root, issuing] }, ['issuing', 'root']],
    ['over one that is both', { leaf: below, anchors: [issuing, root], sent: [issuing] }, ['issuing', 'root']],
    ['to an intermediate that stands alone', { leaf: below, anchors: [issuing] }, ['issuing']],
    ['whatever else was sent', { leaf: user, anchors: [root], sent: [user, madeRoot(), issuing] }, ['root']],
    ['by the key, where two CAs have one name', { leaf: user, anchors: [madeRoot(), root] }, ['root']],
    [
      'however that name is written',
      { leaf: madeRoot('ROOT ', { key: root.key }).client(), anchors: [root] },
      ['root'],
    ],
  ])('leads up %s', (_, question, path) => {
    expect(told(question)).toEqual(path)
  })

  it('does not ask for what was sent where configured CAs are enough', () => {
    const sent = () => {
      throw new Error('asked')
    }
    expect(told({ leaf: below, anchors: [root, issuing], occasion: { sent } })).toEqual(['issuing', 'root'])
  })

  it('is one of several on which everything holds', () => {
    const other = madeRoot('other')
    // Cross-certified: the same name and key, once by itself and once by another CA.
    const crossed = other.issue({ name: 'root', key: root.key, ca: true })
    const narrow = other.issue({ name: 'root', key: root.key, ca: true, purposes: [OID.serverAuth] })
    const anchors = [root, other]
    expect(told({ leaf: user, anchors, sent: [crossed] })).toEqual(['root'])
    expect(told({ leaf: user, anchors: [other], sent: [crossed] })).toEqual(['root', 'other'])
    expect(told({ leaf: user, anchors: [other], sent: [narrow, crossed] })).toEqual(['root', 'other'])
    const revoked = [{ by: other, made: crossed }]
    expect(told({ leaf: user, anchors, sent: [crossed], revoked })).toEqual(['root'])
    expect(checkOf({ leaf: user, anchors: [other], sent: [crossed], revoked })).toBe('revoked')
    // What is forbidden on one way and revoked on the other is good on none.
    expect(checkOf({ leaf: user, anchors: [other], sent: [narrow, crossed], revoked })).toBe('revoked')
  })

  it('goes on to a root that is configured, and ends with it', () => {
    const old = madeRoot('old', { notAfter: new Date(NOON.getTime() - DAY) })
    const child = old.authority('child')
    expect(told({ leaf: child.client(), anchors: [child] })).toEqual(['child'])
    expect(checkOf({ leaf: child.client(), anchors: [child, old] })).toBe('expired')
  })
})

describe('what speaks against a path', () => {
  const later = new Date(NOON.getTime() + 1000 * DAY)
  const stranger = madeRoot('stranger')
  const limited = root.authority('limited', { pathLength: 0 })
  const deep = limited.authority('deep')
  const unable = root.authority('unable', { keyUsage: [CRL_SIGN] })
  const odd = root.authority('odd', { more: [madeExtension('1.2.3.4', nullValue(), true)] })
  const serversOnly = root.authority('servers', { purposes: [OID.serverAuth] })
  const late = root.authority('late', { notBefore: new Date(NOON.getTime() + DAY) })
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const weakCa = root.authority('weak', { key: weak })
  const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey

  it.each<[string, Question, string]>([
    ['another CA', { leaf: stranger.client(), anchors: [root] }, 'unknown-ca'],
    ['another CA that sent itself', { leaf: stranger.client(), anchors: [root], sent: [stranger] }, 'unknown-ca'],
    ['no CA at all', { leaf: user, anchors: [] }, 'unknown-ca'],
    ['its own key alone', { leaf: madeRoot('alice', { ca: false }), anchors: [root] }, 'unknown-ca'],
    ['another CA of the same name', { leaf: madeRoot().client(), anchors: [root] }, 'bad-signature'],
    ['a CA of the same name that sent itself', impostor(), 'bad-signature'],
    [
      'a signature by somebody else',
      { leaf: root.client('a', { forgedBy: keys.privateKey }), anchors: [root] },
      'bad-signature',
    ],
    ['a missing intermediate', { leaf: below, anchors: [root] }, 'unknown-ca'],
    ['a client that issued it', { leaf: user.client(), anchors: [root], sent: [user] }, 'not-a-ca'],
    ['an intermediate without keyCertSign', { leaf: unable.client(), anchors: [root], sent: [unable] }, 'not-a-ca'],
    ['more CAs than allowed', { leaf: deep.client(), anchors: [root], sent: [deep, limited] }, 'path-too-long'],
    ['a critical extension of a CA', { leaf: odd.client(), anchors: [root], sent: [odd] }, 'critical-extension'],
    ['a CA for servers', { leaf: serversOnly.client(), anchors: [root], sent: [serversOnly] }, 'not-for-client-auth'],
    ['the same, configured', { leaf: serversOnly.client(), anchors: [serversOnly] }, 'not-for-client-auth'],
    ['a CA that begins later', { leaf: late.client(), anchors: [root], sent: [late] }, 'not-yet-valid'],
    ['its own end', { leaf: user, anchors: [root], occasion: { now: later } }, 'expired'],
    [
      'what it is for',
      { leaf: root.client('s', { purposes: [OID.serverAuth] }), anchors: [root] },
      'not-for-client-auth',
    ],
    ['a short key', { leaf: root.client('a', { key: weak }), anchors: [root] }, 'weak-key'],
    ['a curve that TLS does not take', { leaf: root.client('a', { key: curve }), anchors: [root] }, 'unsupported-key'],
    ['a CA with a short key', { leaf: weakCa.client(), anchors: [root], sent: [weakCa] }, 'weak-key'],
  ])('%s', (_, question, check) => {
    expect(checkOf(question)).toBe(check)
  })

  function impostor(): Question {
    const other = madeRoot()
    return { leaf: other.client(), anchors: [root], sent: [other] }
  }

  it('a CA that has ended, by name', () => {
    const short = root.authority('short', { notAfter: new Date(NOON.getTime() - DAY) })
    expect(told({ leaf: short.client(), anchors: [root], sent: [short] })).toEqual({
      check: 'expired',
      reason: 'its CA CN=short: expired on 2030-05-31T12:00:00.000Z',
    })
  })

  it('garbage that was sent along says nothing', () => {
    const sent = () => [Buffer.from('garbage'), new Uint8Array(), Uint8Array.of(0x30, 0)]
    expect(told({ leaf: user, anchors: [root], occasion: { sent } })).toEqual(['root'])
    expect(checkOf({ leaf: below, anchors: [root], occasion: { sent } })).toBe('unknown-ca')
  })

  /** The verdict about a leaf that none of these CAs has signed, and how many signatures were computed for it. */
  function counted(sent: readonly Made[]) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { opened } = madeRoot('many', { key: privateKey }).client()
    let signatures = 0
    const original = opened.isSignedBy.bind(opened)
    opened.isSignedBy = (authority) => {
      signatures += 1
      return original(authority)
    }
    const rules = { anchors: new TrustAnchors([root.pem]), purpose: 'clientAuth' as const, minRsaBits: 2048 }
    const verdict = judge(opened, rules, { now: NOON, sent: () => sent.map(({ der }) => der) })
    return { verdict, signatures }
  }

  it('hundreds of CAs of one name are not looked at one by one', () => {
    const { verdict, signatures } = counted(Array.from({ length: 300 }, () => root.authority('many')))
    expect(verdict).toMatchObject({ check: 'bad-signature' })
    expect(signatures).toBeLessThanOrEqual(16)
  })

  it('CAs from which no name leads to a configured one are not looked at', () => {
    const stranger = madeRoot('stranger')
    const tower = [stranger.authority('many'), stranger, madeRoot('many')]
    expect(counted(tower)).toMatchObject({ verdict: { check: 'unknown-ca' }, signatures: 0 })
    const bridge = root.authority('stranger')
    expect(counted([...tower, bridge])).toMatchObject({ verdict: { check: 'bad-signature' }, signatures: 2 })
  })
})

describe('revocation by the books (external-auth.md §3a)', () => {
  it.each<[string, Question]>([
    ['the certificate', { leaf: user, anchors: [root], revoked: [{ by: root, made: user }] }],
    ['a CA that was sent', { leaf: below, anchors: [root], sent: [issuing], revoked: [{ by: root, made: issuing }] }],
    ['a CA that is configured', { leaf: below, anchors: [root, issuing], revoked: [{ by: root, made: issuing }] }],
  ])('ends %s', (_, question) => {
    expect(told(question)).toEqual({
      check: 'revoked',
      reason: expect.stringMatching(/^(its CA [0-9a-f]+ was )?revoked on 2001-09-09T01:46:40/),
    })
  })

  it('is of one CA, by name and key, whatever the others number', () => {
    const partner = madeRoot('partner')
    const [ours, theirs] = [root.client('a', { serial: 1005 }), partner.client('b', { serial: 1005 })]
    const anchors = [root, partner]
    const revoked = [{ by: root, made: ours }]
    expect(checkOf({ leaf: ours, anchors, revoked })).toBe('revoked')
    expect(told({ leaf: theirs, anchors, revoked })).toEqual(['partner'])
  })

  it('goes on when the CA is renewed with the same key', () => {
    const renewed = madeRoot('root', { key: root.key, serial: 77 })
    expect(checkOf({ leaf: user, anchors: [renewed], revoked: [{ by: root, made: user }] })).toBe('revoked')
  })

  it('is not known without books', () => {
    const book = {
      revokedAt: () => {
        throw new XmppkiError('CORRUPT', 'the ledger is missing')
      },
    }
    expect(told({ leaf: user, anchors: [root], rules: { book } })).toMatchObject({ check: 'no-ledger' })
  })
})

describe('name constraints bind what could become the account (external-auth.md §3a)', () => {
  const bound = madeRoot('bound', { permitted: [general.dns('example.org')] })
  const plain = { xmppAddrs: [] }
  const accounts = (domain: string) => () => [tryParseJid(`alice@${domain}`)].filter((jid) => jid !== undefined)

  it.each<[string, Question, boolean]>([
    ['within', { leaf: bound.client(), anchors: [bound], occasion: { accounts: accounts('example.org') } }, true],
    [
      'elsewhere',
      { leaf: bound.client('a', plain), anchors: [bound], occasion: { accounts: accounts('localhost') } },
      false,
    ],
    [
      'below it',
      { leaf: bound.client('a', plain), anchors: [bound], occasion: { accounts: accounts('sub.example.org') } },
      true,
    ],
    ['a host of the certificate', { leaf: bound.client('a', { dnsNames: ['x.net'] }), anchors: [bound] }, false],
  ])('%s', (_, question, allowed) => {
    expect(checkOf(question)).toEqual(allowed ? ['bound'] : 'name-constraint')
  })

  it('those of every CA of the path', () => {
    const inner = bound.authority('inner', { excluded: [general.dns('no.example.org')] })
    const ask = (domain: string) =>
      checkOf({
        leaf: inner.client('a', plain),
        anchors: [bound],
        sent: [inner],
        occasion: { accounts: accounts(domain) },
      })
    expect(ask('yes.example.org')).toEqual(['inner', 'bound'])
    expect(ask('no.example.org')).toBe('name-constraint')
    expect(ask('example.net')).toBe('name-constraint')
  })
})

describe('self-signed certificates', () => {
  const own = madeRoot('alice', { ca: false, purposes: [OID.clientAuth] })

  it('are good where that is enough, unless they are revoked, weak or of the past', () => {
    const rules = { acceptsSelfSigned: true }
    expect(told({ leaf: own, anchors: [root], rules })).toEqual([])
    expect(checkOf({ leaf: own, anchors: [root] })).toBe('unknown-ca')
    expect(checkOf({ leaf: own, anchors: [root], rules, revoked: [{ by: own, made: own }] })).toBe('revoked')
    const forged = madeRoot('alice', { forgedBy: root.key })
    expect(checkOf({ leaf: forged, anchors: [root], rules })).toBe('unknown-ca')
  })
})

describe('what was found before', () => {
  it('is not looked for again, but for what may have changed', () => {
    const anchors = new TrustAnchors([root.pem])
    const { opened } = user
    const rules = { anchors, purpose: 'clientAuth' as const, minRsaBits: 2048 }
    const known = judge(opened, rules, { now: NOON })
    if (isRefusal(known)) throw new Error(known.reason)
    opened.isSignedBy = () => {
      throw new Error('computed again')
    }
    expect(judge(opened, rules, { now: NOON, known })).toEqual(known)
    const book = { revokedAt: () => 1e12 }
    expect(() => judge(opened, { ...rules, book }, { now: NOON, known })).toThrow('computed again')
  })
})
