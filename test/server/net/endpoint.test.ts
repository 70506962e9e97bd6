import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import { plainTrust } from '../../../src/server/net/client-trust.ts'
import { ALL_METHODS, type Endpoint, listenerOptions, methodsByListener } from '../../../src/server/net/endpoint.ts'
import { DEFAULT_TLS } from '../../../src/server/net/listener.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { madeRoot } from '../../support/certificates/small-pki.ts'

const anchors = new TrustAnchors([madeRoot().pem])
const common = { credentials: [], startTls: 'required', limits: DEFAULT_LIMITS, login: { anchors } } as const
const of = (...endpoints: readonly Endpoint[]) => ({ ...common, endpoints })

const STARTTLS = { host: '192.0.2.1', port: 5222, mode: 'starttls' } as const
const DIRECT = { ...STARTTLS, port: 5223, mode: 'tls' } as const

describe('what holds for an endpoint', () => {
  it('is what holds for the server, where it says nothing else', () => {
    const { credentials, startTls, limits } = common
    expect(listenerOptions(of(STARTTLS))).toEqual([
      {
        ...STARTTLS,
        name: '192.0.2.1:5222',
        credentials,
        startTls,
        limits,
        tls: DEFAULT_TLS,
        trust: plainTrust(anchors),
      },
    ])
    expect(plainTrust(anchors)).toEqual({
      anchors,
      verifyMode: 'peer',
      disconnectOnFailure: false,
      revocation: undefined,
    })
  })

  it('is what it says itself', () => {
    const own = {
      credentials: [{ domain: 'example.org', key: '', chain: '' }],
      startTls: 'offered',
      tls: { ...DEFAULT_TLS, minVersion: 'TLSv1.3' },
      trust: { ...plainTrust(anchors), verifyMode: 'none' },
      limits: { ...DEFAULT_LIMITS, maxConnections: 1 },
      methods: ['password'],
    } as const
    expect(listenerOptions(of({ ...STARTTLS, ...own }, DIRECT))).toMatchObject([own, { startTls: 'required' }])
  })
})

describe('the name of a listener', () => {
  const ANY = { ...STARTTLS, port: 0 }

  it.each([
    { endpoints: [STARTTLS, DIRECT], names: ['192.0.2.1:5222', '192.0.2.1:5223'] },
    {
      endpoints: [ANY, DIRECT, ANY, ANY],
      names: ['192.0.2.1:0', '192.0.2.1:5223', '192.0.2.1:0 no. 2', '192.0.2.1:0 no. 3'],
    },
  ])('is its place, and never that of another one: $names', ({ endpoints, names }) => {
    expect(listenerOptions(of(...endpoints)).map(({ name }) => name)).toEqual(names)
  })

  it('is the same after an update, whatever else has changed', () => {
    const names = (...endpoints: readonly Endpoint[]) => listenerOptions(of(...endpoints)).map(({ name }) => name)
    expect(names(DIRECT, { ...STARTTLS, mode: 'tls' }).toSorted()).toEqual(names(STARTTLS, DIRECT))
  })

  it('leads to what can be logged in with there', () => {
    const methods = methodsByListener(of(STARTTLS, { ...DIRECT, methods: ['password'] }))
    expect([...methods]).toEqual([
      ['192.0.2.1:5222', ALL_METHODS],
      ['192.0.2.1:5223', ['password']],
    ])
    expect(ALL_METHODS).toEqual(['certificate', 'password'])
  })
})
