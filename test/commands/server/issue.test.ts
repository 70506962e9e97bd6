import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'

const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' })

describe('server issue', () => {
  const cli = new CliHome()
  const folder = join(cli.home, 'server/example.org')
  const certificate = join(folder, 'server.crt')
  beforeAll(async () => {
    expect(await cli.run(['ca', 'init', '--no-passphrase', '--days', '400'])).toMatchObject({ code: 0 })
    const result = await cli.run(['server', 'issue', 'Example.org', 'conference.example.org', 'example.org.'])
    const end = new Date(openssl('x509', '-in', certificate, '-noout', '-enddate').replace('notAfter=', ''))
    expect(result).toEqual({
      code: 0,
      signal: null,
      stderr: '',
      stdout: [
        'example.org, conference.example.org',
        `  certificate  ${certificate}`,
        `  with the CA  ${join(folder, 'chain.crt')}`,
        `  private key  ${join(folder, 'server.key')}`,
        `  valid until  ${end.toISOString().slice(0, 10)}`,
        '',
      ].join('\n'),
    })
  })
  afterAll(() => cli.remove())

  it('writes key, certificate and chain', () => {
    expect(readdirSync(folder).sort()).toEqual(['chain.crt', 'server.crt', 'server.key'])
    const modes = ['chain.crt', 'server.crt', 'server.key'].map((name) => statSync(join(folder, name)).mode & 0o777)
    expect(modes).toEqual([0o644, 0o644, 0o600])
    const root = readFileSync(join(cli.home, 'ca/root.crt'), 'utf8')
    expect(readFileSync(join(folder, 'chain.crt'), 'utf8')).toBe(readFileSync(certificate, 'utf8') + root)
  })

  it.each(['example.org', 'conference.example.org'])('names %s (RFC 6120 §13.7.1.2)', (domain) => {
    const ca = join(cli.home, 'ca/root.crt')
    openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', domain, '-CAfile', ca, certificate)
    expect(openssl('x509', '-in', certificate, '-noout', '-text')).toContain(`DNS:${domain}`)
  })

  it('is valid for 397 days unless told otherwise', () => {
    openssl('x509', '-in', certificate, '-noout', '-checkend', String(396 * 86_400))
    expect(() => openssl('x509', '-in', certificate, '-noout', '-checkend', String(398 * 86_400))).toThrow()
  })

  it.each([
    ['a certificate that is there', ['example.org'], 3, 'EXISTS'],
    ['one that lacks a domain, even with --if-missing', ['example.org', 'b.example.org', '--if-missing'], 3, 'EXISTS'],
    ['an IP address', ['192.0.2.1'], 2, 'BAD_NAME'],
    ['an IPv6 address', ['[::1]'], 2, 'BAD_NAME'],
    ['a wildcard', ['*.example.org'], 2, 'BAD_NAME'],
    ['a number that URL parsers take for an address', ['0x7f.1'], 2, 'BAD_NAME'],
    ['more days than the CA has', ['c.example.org', '--days', '401'], 2, 'BAD_INPUT'],
    ['nothing', [], 2, 'USAGE'],
  ])('refuses %s', async (_case, args, exitCode, code) => {
    const before = readdirSync(join(cli.home, 'server'))
    const result = await cli.run(['server', 'issue', '--json', ...args])
    expect(result.code).toBe(exitCode)
    expect(JSON.parse(result.stdout).error.code).toBe(code)
    expect(readdirSync(join(cli.home, 'server'))).toEqual(before)
  })

  it('accepts what is there with --if-missing', async () => {
    const result = await cli.run(['server', 'issue', 'example.org', '--if-missing', '--json'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(result.stdout)).toMatchObject({
      created: false,
      domains: ['example.org', 'conference.example.org'],
    })
  })

  it('says what is missing where there is no CA', async () => {
    const result = await cli.run(['server', 'issue', 'example.org'], { env: { XMPPKI_HOME: cli.path('empty') } })
    expect(result).toMatchObject({
      code: 4,
      stderr: `error: no CA in ${cli.path('empty')}\nhint:  run: xmppki ca init\n`,
    })
    expect(existsSync(cli.path('empty'))).toBe(false)
  })
})
