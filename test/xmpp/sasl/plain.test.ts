import { describe, expect, it } from 'vitest'
import { failed } from '../../../src/xmpp/sasl/attempt.ts'
import { plainMechanism } from '../../../src/xmpp/sasl/plain.ts'

function mechanism() {
  const asked: string[] = []
  const made = plainMechanism({
    domain: 'localhost',
    check: async (account, username, password) => {
      asked.push(`${account ?? 'nobody'} ${username} ${password}`)
      return password === 'secret' ? undefined : failed('not-authorized', 'wrong')
    },
  })
  return { made, asked }
}

describe('PLAIN', () => {
  it.each([
    ['\0alice\0secret', 'alice@localhost alice secret'],
    ['alice@localhost\0alice\0secret', 'alice@localhost alice secret'],
    ['\0alice@localhost\0secret', 'alice@localhost alice@localhost secret'],
    ['\0ALICE\0secret', 'alice@localhost ALICE secret'],
  ])('takes %j (RFC 4616 §2)', async (message, asked) => {
    const log = mechanism()
    expect(await log.made.start(Buffer.from(message))).toMatchObject({ kind: 'success' })
    expect(log.asked).toEqual([asked])
  })

  it('asks for the message if there is none (RFC 4422 §5)', async () => {
    const challenge = await mechanism().made.start(undefined)
    if (challenge.kind !== 'challenge') throw new Error(challenge.kind)
    expect(challenge.data).toHaveLength(0)
    expect(await challenge.exchange.respond(Buffer.from('\0alice\0secret'))).toMatchObject({ kind: 'success' })
  })

  it.each([
    ['nothing', ''],
    ['one NUL', 'alice\0secret'],
    ['three NULs', '\0alice\0sec\0ret'],
    ['no username', '\0\0secret'],
    ['no password', '\0alice\0'],
  ])('refuses %s as malformed', async (_, message) => {
    const log = mechanism()
    expect(await log.made.start(Buffer.from(message))).toMatchObject({ condition: 'malformed-request' })
    expect(log.asked).toEqual([])
  })

  it('refuses what is not UTF-8', async () => {
    expect(await mechanism().made.start(Buffer.of(0, 0x61, 0, 0xff))).toMatchObject({ condition: 'malformed-request' })
  })

  it.each(['bob@localhost', 'alice@elsewhere.example', 'alice@localhost/phone'])(
    'does not let alice act as %s',
    async (authzid) => {
      const log = mechanism()
      const outcome = await log.made.start(Buffer.from(`${authzid}\0alice\0secret`))
      expect(outcome).toMatchObject({ condition: 'invalid-authzid' })
      expect(log.asked).toEqual([])
    },
  )

  it('asks about a name that is none of an account, and refuses it whatever the answer', async () => {
    const log = mechanism()
    expect(await log.made.start(Buffer.from('\0two words\0secret'))).toMatchObject({ condition: 'not-authorized' })
    expect(log.asked).toEqual(['nobody two words secret'])
  })
})
