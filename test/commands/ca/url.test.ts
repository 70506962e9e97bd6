import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../support/processes/cli.ts'
import { homeWithCa, openssl } from '../client/workspace-checks.ts'

let cli: CliHome
beforeAll(async () => {
  cli = await homeWithCa()
})
afterAll(() => cli.remove())

const shown = (name: string) =>
  openssl('x509', '-in', cli.path(`home/clients/localhost/${name}/${name}.crt`), '-noout', '-text')

describe('ca url', () => {
  it('is not set at first', async () => {
    const { code, stdout } = await cli.run(['ca', 'url', '--json'])
    expect({ code, result: JSON.parse(stdout) }).toEqual({ code: 0, result: { url: null, publications: [] } })
  })

  it('stands in what is issued from then on, and goes again with --none', async () => {
    const { code, stdout } = await cli.run(['ca', 'url', 'http://pki.example.org/'])
    expect({ code, first: stdout.split('\n')[0] }).toEqual({ code: 0, first: 'http://pki.example.org' })
    await cli.run(['client', 'issue', 'alice'])
    for (const url of ['root.crl', 'ocsp', 'root.crt'])
      expect(shown('alice')).toContain(`URI:http://pki.example.org/${url}`)
    expect((await cli.run(['ca', 'url', '--none'])).code).toBe(0)
    await cli.run(['client', 'issue', 'bob'])
    expect(shown('bob')).not.toContain('URI:http')
  })

  it.each([
    ['no URL', ['pki.example.org']],
    ['another scheme', ['ldap://pki.example.org']],
    ['a password in it', ['http://a:b@pki.example.org']],
    ['a query', ['http://pki.example.org/?crl']],
    ['both', ['http://pki.example.org', '--none']],
  ])('refuses %s', async (_case, args) => {
    const { code, stderr } = await cli.run(['ca', 'url', ...args])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('error: ') })
    expect(JSON.parse((await cli.run(['ca', 'url', '--json'])).stdout).url).toBeNull()
  })
})
