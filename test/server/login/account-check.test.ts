import { describe, expect, it } from 'vitest'
import type { MaybePromise } from '../../../src/maybe-promise.ts'
import { gated } from '../../../src/server/login/account-check.ts'
import { type Jid, parseJid } from '../../../src/xmpp/address/jid.ts'
import { failed } from '../../../src/xmpp/sasl/attempt.ts'
import type { SaslFailure, SaslMechanism, SaslOutcome } from '../../../src/xmpp/sasl/mechanism.ts'
import { gate } from '../../support/streams/gate.ts'

const success: SaslOutcome = {
  kind: 'success',
  account: parseJid('alice@localhost'),
  credential: { mechanism: 'X-TEST' },
}
const WRONG = failed('not-authorized', 'the wrong one')
const NO_ACCOUNT = failed('not-authorized', 'there is no account')
const REVOKED = failed('not-authorized', 'revoked meanwhile')

/** A mechanism that comes to these outcomes, one at each question. */
function mechanism(...outcomes: readonly MaybePromise<SaslOutcome>[]): SaslMechanism {
  let questions = 0
  return { name: 'X-TEST', bindings: ['tls-exporter'], start: () => outcomes[questions++] ?? WRONG }
}

type Admit = (account: Jid) => MaybePromise<SaslFailure | undefined>

/** Through one challenge where there is one. */
async function outcomeOf(given: SaslMechanism, admit: Admit): Promise<SaslOutcome> {
  const outcome = await gated(given, admit).start(undefined)
  return outcome.kind === 'challenge' ? outcome.exchange.respond(Buffer.from('data')) : outcome
}

/** One that asks before it comes to these outcomes. */
function asking(...outcomes: readonly MaybePromise<SaslOutcome>[]): SaslMechanism {
  const { start } = mechanism(...outcomes)
  return { name: 'X-TEST', start: () => ({ kind: 'challenge', data: Buffer.of(), exchange: { respond: start } }) }
}

describe('what has to be so besides what a mechanism finds', () => {
  it('changes nothing of how the mechanism is offered', () => {
    expect(gated(mechanism(), () => undefined)).toMatchObject({ name: 'X-TEST', bindings: ['tls-exporter'] })
  })

  describe.each([
    { name: 'at once', made: mechanism },
    { name: 'after a challenge', made: asking },
  ])('$name', ({ made }) => {
    it.each<{ name: string; outcomes: readonly MaybePromise<SaslOutcome>[]; admit: Admit; outcome: SaslOutcome }>([
      { name: 'admitted', outcomes: [success], admit: () => undefined, outcome: success },
      { name: 'refused', outcomes: [success], admit: () => NO_ACCOUNT, outcome: NO_ACCOUNT },
      { name: 'admitted, late', outcomes: [Promise.resolve(success)], admit: () => undefined, outcome: success },
      { name: 'refused, late', outcomes: [Promise.resolve(success)], admit: () => NO_ACCOUNT, outcome: NO_ACCOUNT },
      { name: 'admitted by a store', outcomes: [success, success], admit: async () => undefined, outcome: success },
      { name: 'refused by a store', outcomes: [success], admit: async () => NO_ACCOUNT, outcome: NO_ACCOUNT },
      // Whatever the mechanism rests on may have gone while the store was asked.
      { name: 'gone in the wait', outcomes: [success, REVOKED], admit: async () => undefined, outcome: REVOKED },
    ])('$name', async ({ outcomes, admit, outcome }) => {
      expect(await outcomeOf(made(...outcomes), admit)).toBe(outcome)
    })

    it('is not asked about whoever has failed already', async () => {
      const asked: Jid[] = []
      const admit = (account: Jid) => {
        asked.push(account)
        return undefined
      }
      expect(await outcomeOf(made(WRONG), admit)).toBe(WRONG)
      expect(await outcomeOf(made(success), admit)).toBe(success)
      expect(asked.map(String)).toEqual(['alice@localhost'])
    })
  })

  it('is known at once where nobody has to wait', () => {
    expect(gated(mechanism(success), () => undefined).start(undefined)).toBe(success)
  })

  it('is asked before the mechanism is asked again', async () => {
    const { open, passed } = gate()
    let isRevoked = false
    const given: SaslMechanism = { name: 'X-TEST', start: () => (isRevoked ? REVOKED : success) }
    const outcome = gated(given, () => passed.then(() => undefined)).start(undefined)
    isRevoked = true
    open()
    expect(await outcome).toBe(REVOKED)
  })
})
