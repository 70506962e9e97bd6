import { describe, expect, it } from 'vitest'
import { describeAnswer, featureOf, Realm } from '../../support/servers/realm.ts'

describe('handlers of stages', () => {
  it.each(['message', 'presence'] as const)('a %s handler that throws costs the stanza, not the session', (kind) => {
    const realm = new Realm([
      featureOf((host) =>
        host.onStanza('sent', kind, () => {
          throw new Error('secret')
        }),
      ),
    ])
    const alice = realm.enter('alice@localhost/a', 0)
    expect(realm.send(alice, `<${kind} to='alice@localhost' id='1'/>`)).toBeUndefined()
    expect(
      realm
        .arrivals()
        .map((line) => line.slice('alice@localhost/a: '.length))
        .map(describeAnswer),
    ).toEqual([`${kind} error internal-server-error`])
    expect(realm.log.find('a feature failed')).toMatchObject({ level: 'error', jid: 'alice@localhost/a' })
  })

  it.each([
    { verdict: 'pass' as const, arrives: true, answer: [] },
    { verdict: 'done' as const, arrives: false, answer: [] },
    { verdict: { condition: 'forbidden' } as const, arrives: false, answer: ['message error forbidden'] },
  ])('what sent and received decide: $verdict', async ({ verdict, arrives, answer }) => {
    for (const stage of ['sent', 'received'] as const) {
      for (const decision of [verdict, Promise.resolve(verdict)]) {
        let isSeen = false
        const realm = new Realm([
          featureOf((host) => {
            host.onStanza(stage, 'message', () => decision)
            host.onStanza(stage, 'message', () => {
              isSeen = true
              return 'pass'
            })
          }),
        ])
        const alice = realm.enter('alice@localhost/a')
        const bob = realm.enter('bob@localhost/b', 0)
        realm.send(alice, "<message to='bob@localhost' id='1'/>")
        await new Promise(setImmediate)
        expect(bob.take().length > 0).toBe(arrives)
        expect(alice.take().map(describeAnswer)).toEqual(answer)
        expect(isSeen).toBe(arrives)
      }
    }
  })
})
