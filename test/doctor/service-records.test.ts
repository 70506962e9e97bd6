import { describe, expect, it } from 'vitest'
import { examineServiceRecords, type SrvSource } from '../../src/doctor/service-records.ts'

type Answer = readonly { readonly name: string; readonly port: number }[] | string

/** DNS with these answers, or these error codes. */
function dns(answers: Readonly<Record<string, Answer>>): SrvSource {
  return {
    resolveSrv: async (name) => {
      const answer = answers[name] ?? 'ENOTFOUND'
      if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer })
      return answer
    },
    cancel: () => undefined,
  }
}

const said = async (domain: string, source: SrvSource) =>
  (await examineServiceRecords(domain, source)).map(({ state, text }) => `${state}: ${text}`)

describe('examineServiceRecords', () => {
  it('tells where clients are sent, internationalised domains in A-labels', async () => {
    const source = dns({
      '_xmpp-client._tcp.xn--bcher-kva.example': [{ name: 'x.example', port: 5222 }],
      '_xmpps-client._tcp.xn--bcher-kva.example': [
        { name: 'x.example', port: 443 },
        { name: 'y.example', port: 5223 },
      ],
    })
    expect(await said('bücher.example', source)).toEqual(['ok: x.example:5222', 'ok: x.example:443, y.example:5223'])
  })

  it('tells what clients do without records', async () => {
    expect(await said('a.example', dns({}))).toEqual([
      'note: no record: clients try a.example:5222',
      'note: no record: clients use STARTTLS',
    ])
  })

  it('warns when a record says that there is no such service (RFC 2782)', async () => {
    const source = dns({ '_xmpp-client._tcp.a.example': [{ name: '', port: 0 }] })
    expect((await said('a.example', source))[0]).toBe('warning: says that a.example has no STARTTLS for clients')
  })

  it.each(['ECONNREFUSED', 'ETIMEOUT', 'ECANCELLED'])(
    'takes it as no failure that DNS cannot be asked: %s',
    async (code) => {
      const source = dns({ '_xmpp-client._tcp.a.example': code, '_xmpps-client._tcp.a.example': code })
      expect(await said('a.example', source)).toEqual(Array(2).fill(`note: DNS could not be asked (${code})`))
    },
  )

  it('does not ask about localhost', async () => {
    expect(await said('localhost', dns({}))).toEqual([expect.stringMatching(/^note: localhost is this machine/)])
  })

  it('gives up after three seconds', async () => {
    let giveUp: (error: Error) => void = () => undefined
    const source: SrvSource = {
      resolveSrv: () => new Promise((_, reject) => (giveUp = reject)),
      cancel: () => giveUp(Object.assign(new Error(), { code: 'ECANCELLED' })),
    }
    // The first of the two questions is answered by an error at once.
    const first = {
      ...source,
      resolveSrv: (name: string) => (name.startsWith('_xmpps') ? source : dns({})).resolveSrv(name),
    }
    expect((await said('a.example', first))[1]).toBe('note: DNS could not be asked (ECANCELLED)')
  })
})
