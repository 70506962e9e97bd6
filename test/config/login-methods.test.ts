import { describe, expect, it } from 'vitest'
import { loginMethods, MECHANISMS } from '../../src/config/login-methods.ts'
import { SCRAM_HASHES } from '../../src/xmpp/sasl/scram-keys.ts'

const ALL = [
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-1',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-512-PLUS',
  'SCRAM-SHA-512',
]
const every = { methods: ['pki', 'rdbms'], sasl_mechanisms: MECHANISMS, password: { hash: SCRAM_HASHES } } as const

describe('mechanisms', () => {
  it.each([
    { name: 'everything', given: {}, certificates: true, passwords: [...ALL, 'PLAIN'] },
    { name: 'methods pki alone', given: { methods: ['pki'] }, certificates: true, passwords: [] },
    { name: 'methods rdbms alone', given: { methods: ['rdbms'] }, certificates: false, passwords: [...ALL, 'PLAIN'] },
    { name: 'the default', given: { sasl_mechanisms: ['external', 'scram'] }, certificates: true, passwords: ALL },
    {
      name: 'one kind, which is without channel binding',
      given: { sasl_mechanisms: ['scram_sha256'] },
      certificates: false,
      passwords: ['SCRAM-SHA-256'],
    },
    {
      name: 'one kind with channel binding',
      given: { sasl_mechanisms: ['scram_sha1_plus', 'external'] },
      certificates: true,
      passwords: ['SCRAM-SHA-1-PLUS'],
    },
    {
      name: 'keys for one hash',
      given: { password: { hash: ['sha-256'] } },
      certificates: true,
      passwords: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN'],
    },
  ] as const)('of $name', ({ given, certificates, passwords }) => {
    expect(loginMethods({ ...every, ...given })).toEqual({ certificates, passwords: new Set(passwords) })
  })
})
