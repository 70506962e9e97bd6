import { describe, expect, it } from 'vitest'
import { checkDefaultDomain, firstPermittedDomain } from '../../../src/workspace/base/default-domain.ts'

describe('the domain of a workspace', () => {
  it.each<[domain: string, permitted: readonly string[] | undefined]>([
    ['example.org', undefined],
    ['example.org', ['example.org']],
    ['chat.example.org', ['example.net', 'example.org']],
    ['chat.example.org', ['.example.org']],
    ['bücher.example', ['xn--bcher-kva.example']],
    ['xn--bcher-kva.example', ['bücher.example']],
  ])('may be %s for a CA that is limited to %j', (domain, permitted) => {
    expect(() => checkDefaultDomain(domain, permitted, 'the CA')).not.toThrow()
  })

  it.each<[domain: string, permitted: readonly string[] | undefined, message: string, hint: string]>([
    ['10.1.1.4', undefined, "'10.1.1.4' is an IP address", 'chat.example.org'],
    ['example.org', ['corp.example'], 'the CA may not issue certificates for example.org', '--domain corp.example'],
    ['example.org', ['.example.org'], 'the CA may not issue', '--domain chat.example.org'],
    ['localhost', [], 'the CA may not issue', 'permit no domain at all'],
  ])('cannot be %s for a CA that is limited to %j', (domain, permitted, message, hint) => {
    expect(() => checkDefaultDomain(domain, permitted, 'the CA')).toThrow(
      expect.objectContaining({
        code: 'BAD_NAME',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    )
  })

  it.each([
    [undefined, undefined],
    [[], undefined],
    [['.example.org'], undefined],
    [['.example.org', 'xn--bcher-kva.example', 'example.net'], 'bücher.example'],
  ])('of a CA limited to %j is %s by default', (permitted, expected) => {
    expect(firstPermittedDomain(permitted)).toBe(expected)
  })
})
