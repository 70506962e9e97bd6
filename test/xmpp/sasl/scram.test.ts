import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { failed } from '../../../src/xmpp/sasl/attempt.ts'
import type { SaslOutcome } from '../../../src/xmpp/sasl/mechanism.ts'
import { type ScramOptions, type ScramSubject, scramMechanism } from '../../../src/xmpp/sasl/scram.ts'
import { deriveKeys } from '../../../src/xmpp/sasl/scram-credentials.ts'
import { SCRAM_HASHES, type ScramHash, type ScramKeys } from '../../../src/xmpp/sasl/scram-keys.ts'
import { scramProof } from '../../support/streams/scram-client.ts'

const text = (outcome: { readonly data?: Uint8Array }) => Buffer.from(outcome.data ?? []).toString()

interface Vector {
  readonly hash: ScramHash
  readonly keys: ScramKeys
  readonly serverNonce: string
  readonly messages: readonly [first: string, challenge: string, final: string, success: string]
}

const VECTORS: readonly (readonly [string, Vector])[] = [
  [
    'RFC 5802 §5',
    {
      hash: 'sha-1',
      keys: {
        salt: 'QSXCR+Q6sek8bf92',
        iterations: 4096,
        storedKey: '6dlGYMOdZcOPutkcNY8U2g7vK9Y=',
        serverKey: 'D+CSWLOshSulAsxiupA+qs2/fTE=',
      },
      serverNonce: '3rfcNHYJY1ZVvWVs7j',
      messages: [
        'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
        'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
        'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
        'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
      ],
    },
  ],
  [
    'RFC 7677 §3',
    {
      hash: 'sha-256',
      keys: {
        salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
        iterations: 4096,
        storedKey: 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=',
        serverKey: 'wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
      },
      serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
      messages: [
        'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
        'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
        'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
        'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
      ],
    },
  ],
]

/** Who was asked about, and whether the proof was right. */
interface Journal {
  readonly asked: string[]
  readonly proven: boolean[]
}

function mechanism(hash: ScramHash, keys: ScramKeys, options: Partial<ScramOptions> = {}, exists = true) {
  const journal: Journal = { asked: [], proven: [] }
  const subject: ScramSubject = {
    keys,
    settle: (isProven) => {
      journal.proven.push(isProven)
      return exists ? undefined : failed('not-authorized', 'no such account')
    },
  }
  const find = async (account: { toString(): string } | undefined, name: string) => {
    journal.asked.push(account?.toString() ?? `no account: ${name}`)
    return subject
  }
  const made = scramMechanism({ hash, domain: 'localhost', bindings: undefined, offersPlus: false, find, ...options })
  return { made, journal }
}

function clientFinal(hash: ScramHash, password: string, bare: string, challenge: string, binding: Uint8Array): string {
  return scramProof(hash, password, { bare, challenge, binding }).final
}

async function challengeOf(outcome: SaslOutcome | Promise<SaslOutcome>) {
  const settled = await outcome
  if (settled.kind !== 'challenge') throw new Error(JSON.stringify(settled))
  return settled
}

const [, [, { keys: KEYS }]] = VECTORS as [unknown, readonly [string, Vector]]
const NONCE = 'clientnonce'

/** A whole login with the password "pencil" after this first message. */
async function login(first: string, given: Partial<ScramOptions> = {}, bindingData: Uint8Array = Buffer.of()) {
  const { made, journal } = mechanism('sha-256', KEYS, given)
  const outcome = await made.start(Buffer.from(first))
  if (outcome.kind !== 'challenge') return { outcome, journal }
  const [, header = '', bare = ''] = /^([^,]*,[^,]*,)(.*)$/.exec(first) ?? []
  const binding = Buffer.concat([Buffer.from(header), bindingData])
  const final = clientFinal('sha-256', 'pencil', bare, text(outcome), binding)
  return { outcome: await outcome.exchange.respond(Buffer.from(final)), journal }
}

describe.each(VECTORS)('the exchange of %s', (_, { hash, keys, serverNonce, messages }) => {
  const [first, serverFirst, final, serverFinal] = messages

  it('goes word for word', async () => {
    const { made, journal } = mechanism(hash, keys, { nonce: () => serverNonce })
    const challenge = await challengeOf(made.start(Buffer.from(first)))
    expect(text(challenge)).toBe(serverFirst)
    const outcome = await challenge.exchange.respond(Buffer.from(final))
    expect(outcome).toMatchObject({ kind: 'success' })
    expect(text(outcome as { data: Uint8Array })).toBe(serverFinal)
    expect(journal).toEqual({ asked: ['user@localhost'], proven: [true] })
  })

  it('goes the same way without an initial response (RFC 4422 §5)', async () => {
    const { made } = mechanism(hash, keys, { nonce: () => serverNonce })
    const empty = await challengeOf(made.start(undefined))
    expect(text(empty)).toBe('')
    const challenge = await challengeOf(empty.exchange.respond(Buffer.from(first)))
    expect(await challenge.exchange.respond(Buffer.from(final))).toMatchObject({ kind: 'success' })
  })
})

describe.each(SCRAM_HASHES)('SCRAM with %s', (hash) => {
  it.each(['open sesame', 'p\u00e4sswort', 'x,y=z'])(
    'takes the password %j and proves that it knows it',
    async (password) => {
      const keys = (await deriveKeys(password, { hashes: [hash], iterations: 4096 }))[hash]!
      const { made } = mechanism(hash, keys)
      const bare = `n=user,r=${NONCE}`
      const challenge = await challengeOf(made.start(Buffer.from(`n,,${bare}`)))
      const final = clientFinal(hash, password, bare, text(challenge), Buffer.from('n,,'))
      const outcome = await challenge.exchange.respond(Buffer.from(final))
      const signed = `${bare},${text(challenge)},${final.replace(/,p=.*$/, '')}`
      const signature = createHmac(hash.replace('-', ''), Buffer.from(keys.serverKey, 'base64')).update(signed)
      expect(outcome).toMatchObject({ kind: 'success', data: Buffer.from(`v=${signature.digest('base64')}`) })
    },
  )

  it('refuses another password', async () => {
    const keys = (await deriveKeys('open sesame', { hashes: [hash], iterations: 4096 }))[hash]!
    const { made, journal } = mechanism(hash, keys)
    const bare = `n=user,r=${NONCE}`
    const challenge = await challengeOf(made.start(Buffer.from(`n,,${bare}`)))
    const final = clientFinal(hash, 'close sesame', bare, text(challenge), Buffer.from('n,,'))
    expect(await challenge.exchange.respond(Buffer.from(final))).toMatchObject({ condition: 'not-authorized' })
    expect(journal.proven).toEqual([false])
  })
})

describe('the nonce', () => {
  it('is another one every time, and printable without a comma (RFC 5802 §5.1)', async () => {
    const { made } = mechanism('sha-256', KEYS)
    const nonces = await Promise.all(
      [1, 2, 3].map(async () => text(await challengeOf(made.start(Buffer.from(`n,,n=user,r=${NONCE}`))))),
    )
    expect(new Set(nonces).size).toBe(3)
    for (const nonce of nonces) expect(nonce).toMatch(/^r=clientnonce[\x21-\x2b\x2d-\x7e]{18,},s=/)
  })
})

describe('the first message', () => {
  it.each([
    ['nothing', ''],
    ['no header', `n=user,r=${NONCE}`],
    ['an unknown flag', `x,,n=user,r=${NONCE}`],
    ['an empty binding type', `p=,,n=user,r=${NONCE}`],
    ['a binding type with an underscore', `p=tls_exporter,,n=user,r=${NONCE}`],
    ['no second comma of the header', `n,n=user,r=${NONCE}`],
    ['an empty authzid', `n,a=,n=user,r=${NONCE}`],
    ['no username', `n,,r=${NONCE}`],
    ['an empty username', `n,,n=,r=${NONCE}`],
    ['a lone equals sign', `n,,n=us=er,r=${NONCE}`],
    ['an escape in lower case', `n,,n=us=2cer,r=${NONCE}`],
    ['NUL in the username', `n,,n=us\0er,r=${NONCE}`],
    ['the nonce before the username', `n,,r=${NONCE},n=user`],
    ['no nonce', 'n,,n=user'],
    ['an empty nonce', 'n,,n=user,r='],
    ['a space in the nonce', 'n,,n=user,r=client nonce'],
    ['a nonce that is not ASCII', 'n,,n=user,r=\u00e4'],
    ['a nonce that fills memory', `n,,n=user,r=${'x'.repeat(257)}`],
    ['a mandatory extension (RFC 5802 §5.1, m=)', `n,,m=future,n=user,r=${NONCE}`],
    ['something that is not an extension', `n,,n=user,r=${NONCE},?=1`],
    ['an empty extension', `n,,n=user,r=${NONCE},x=`],
    ['a trailing comma', `n,,n=user,r=${NONCE},`],
    ['a line end', `n,,n=user,r=${NONCE}\n`],
  ])('with %s is malformed', async (_, message) => {
    const { made, journal } = mechanism('sha-256', KEYS)
    expect(await made.start(Buffer.from(message))).toMatchObject({ kind: 'failure', condition: 'malformed-request' })
    expect(journal.asked).toEqual([])
  })

  it('that is not UTF-8 is malformed', async () => {
    const { made } = mechanism('sha-256', KEYS)
    const message = Buffer.concat([Buffer.from('n,,n=us'), Buffer.of(0xff), Buffer.from(`,r=${NONCE}`)])
    expect(await made.start(message)).toMatchObject({ condition: 'malformed-request' })
  })

  it('may have extensions that nobody knows (RFC 5802 §5.1)', async () => {
    expect((await login(`n,,n=user,r=${NONCE},x=1,y=2`)).outcome).toMatchObject({ kind: 'success' })
  })

  it.each([
    ['user', 'user@localhost'],
    ['USER', 'user@localhost'],
    // Clients that take the whole JID for the username.
    ['user@localhost', 'user@localhost'],
    ['user@elsewhere.example', 'no account: user@elsewhere.example'],
    ['user@localhost/phone', 'no account: user@localhost/phone'],
    ['a/b', 'no account: a/b'],
    ['us=2Cer', 'us,er@localhost'],
    ['us=3Der', 'us=er@localhost'],
    ['us=3D2Cer', 'us=2cer@localhost'],
    ['two words', 'no account: two words'],
  ])('with the username %j is about %s', async (username, asked) => {
    const { made, journal } = mechanism('sha-256', KEYS)
    expect(await made.start(Buffer.from(`n,,n=${username},r=${NONCE}`))).toMatchObject({ kind: 'challenge' })
    expect(journal.asked).toEqual([asked])
  })

  it.each([
    ['user@localhost', 'success'],
    ['user', 'success'],
    ['USER@localhost', 'success'],
    ['admin@localhost', 'invalid-authzid'],
    ['user@elsewhere.example', 'invalid-authzid'],
    ['user@localhost/phone', 'invalid-authzid'],
  ])('with the authzid %s: %s (RFC 6120 §6.3.8)', async (authzid, told) => {
    const { outcome } = await login(`n,a=${authzid},n=user,r=${NONCE}`)
    expect(outcome.kind === 'failure' ? outcome.condition : outcome.kind).toBe(told)
  })
})

describe('the final message', () => {
  const bare = `n=user,r=${NONCE}`

  async function respond(change: (final: string) => string) {
    const { made, journal } = mechanism('sha-256', KEYS)
    const challenge = await challengeOf(made.start(Buffer.from(`n,,${bare}`)))
    const final = clientFinal('sha-256', 'pencil', bare, text(challenge), Buffer.from('n,,'))
    return { outcome: await challenge.exchange.respond(Buffer.from(change(final))), journal }
  }

  it('is good as it is', async () => {
    expect((await respond((final) => final)).outcome).toMatchObject({ kind: 'success' })
  })

  it.each([
    ['nothing', () => ''],
    ['no channel binding', (final: string) => final.replace(/^c=[^,]*,/, '')],
    ['a channel binding that is not base64', (final: string) => final.replace('c=biws', 'c=biw')],
    ['no nonce', (final: string) => final.replace(/,r=[^,]*/, '')],
    ['no proof', (final: string) => final.replace(/,p=.*$/, '')],
    ['a proof that is not base64', (final: string) => final.replace(/,p=.*$/, ',p=====')],
    ['something after the proof', (final: string) => `${final},x=1`],
    ['its parts in another order', (final: string) => final.replace(/^(c=[^,]*),(r=[^,]*)/, '$2,$1')],
  ])('with %s is malformed', async (_, change) => {
    const { outcome, journal } = await respond(change)
    expect(outcome).toMatchObject({ kind: 'failure', condition: 'malformed-request' })
    expect(journal.proven).toEqual([])
  })

  it.each([
    ['another nonce', (final: string) => final.replace(',p=', 'x,p=')],
    ['the nonce of the client alone', (final: string) => final.replace(/,r=[^,]*/, `,r=${NONCE}`)],
    ['another header', (final: string) => final.replace('c=biws', 'c=eSws')],
    ['a header that goes on', (final: string) => final.replace('c=biws', 'c=biwsYQ==')],
    ['an extension that was not signed', (final: string) => final.replace(',p=', ',x=1,p=')],
    ['a proof cut short', (final: string) => final.replace(/,p=.*$/, ',p=AAAA')],
    [
      'a proof with more behind it',
      (final: string) =>
        final.replace(/p=(.*)$/, (_, proof) => `p=${Buffer.from(`${atob(proof)}x`, 'latin1').toString('base64')}`),
    ],
  ])('with %s is not authorized, and counts as a failure', async (_, change) => {
    const { outcome, journal } = await respond(change)
    expect(outcome).toMatchObject({ kind: 'failure', condition: 'not-authorized' })
    expect(journal.proven).toEqual([false])
  })

  it('of a name that nobody has fails where a wrong password fails, even with the right proof', async () => {
    const { made, journal } = mechanism('sha-256', KEYS, {}, false)
    const challenge = await challengeOf(made.start(Buffer.from(`n,,${bare}`)))
    const final = clientFinal('sha-256', 'pencil', bare, text(challenge), Buffer.from('n,,'))
    expect(await challenge.exchange.respond(Buffer.from(final))).toMatchObject({ condition: 'not-authorized' })
    expect(journal.proven).toEqual([true])
  })
})

describe('channel binding (RFC 5802 §6)', () => {
  const exporter = Buffer.from('exported')
  const bindings = new Map([
    ['tls-exporter', () => exporter],
    ['tls-server-end-point', () => Buffer.from('certificate')],
    ['tls-unique', () => Buffer.from('finished')],
  ])
  const plus = { bindings, offersPlus: true }

  it('is in the name', () => {
    expect(mechanism('sha-256', KEYS, plus).made).toMatchObject({
      name: 'SCRAM-SHA-256-PLUS',
      bindings: ['tls-exporter', 'tls-server-end-point'],
    })
    expect(mechanism('sha-1', KEYS).made.name).toBe('SCRAM-SHA-1')
    expect(mechanism('sha-512', KEYS).made.name).toBe('SCRAM-SHA-512')
  })

  it.each([
    ['tls-exporter', exporter],
    ['tls-server-end-point', Buffer.from('certificate')],
    ['tls-unique', Buffer.from('finished')],
  ])('by %s', async (type, data) => {
    expect((await login(`p=${type},,n=user,r=${NONCE}`, plus, data)).outcome).toMatchObject({ kind: 'success' })
  })

  it('of another connection is not authorized', async () => {
    const { outcome, journal } = await login(`p=tls-exporter,,n=user,r=${NONCE}`, plus, Buffer.from('exPorted'))
    expect(outcome).toMatchObject({
      condition: 'not-authorized',
      reason: expect.stringContaining('another connection'),
    })
    expect(journal.proven).toEqual([false])
  })

  it('by a type that is not there is not authorized', async () => {
    const { outcome, journal } = await login(`p=tls-server-keys,,n=user,r=${NONCE}`, plus, exporter)
    expect(outcome).toMatchObject({ condition: 'not-authorized' })
    expect(journal.asked).toEqual([])
  })

  it.each([
    ['-PLUS with n', 'n', plus, 'malformed-request'],
    ['-PLUS with y', 'y', plus, 'malformed-request'],
    ['without -PLUS with p', 'p=tls-exporter', { offersPlus: true }, 'malformed-request'],
    ['y although -PLUS was offered: a downgrade', 'y', { offersPlus: true }, 'not-authorized'],
    ['y where there is none', 'y', { offersPlus: false }, 'success'],
    ['n although -PLUS was offered', 'n', { offersPlus: true }, 'success'],
  ] as const)('%s', async (_, flag, given, told) => {
    const { outcome } = await login(`${flag},,n=user,r=${NONCE}`, given)
    expect(outcome.kind === 'failure' ? outcome.condition : outcome.kind).toBe(told)
  })
})
