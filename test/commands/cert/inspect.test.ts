import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'

describe('cert inspect', () => {
  const cli = new CliHome()
  afterAll(() => cli.remove())
  beforeAll(async () => {
    await cli.run(['ca', 'init', '--domain', 'example.org', '--no-passphrase'])
    const made = await cli.run(['client', 'issue', 'alice', '--json', '--out', cli.path('out')])
    files = JSON.parse(made.stdout).issued[0].files
  })
  let files: { certificate: string; key: string; p12: string; p12Password: string }

  it('shows a certificate in words', async () => {
    const { code, stdout, stderr } = await cli.run(['cert', 'inspect', files.certificate])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^certificate\n {2}subject +CN=alice\n/)
    expect(stdout).toMatch(/^ {2}xmppAddr +alice@example\.org$/m)
    expect(stdout).toMatch(/^ {2}purposes +clientAuth$/m)
  })

  it('shows a bundle with its password, and in JSON; the key itself in neither', async () => {
    const args = ['cert', 'inspect', files.p12, '--password-file', files.p12Password]
    const [words, json] = await Promise.all([cli.run(args), cli.run([...args, '--json'])])
    expect(words).toMatchObject({ code: 0 })
    expect(words.stdout).toMatch(
      /^PKCS #12 bundle\n[\s\S]*^certificate\n[\s\S]*^CA certificate\n[\s\S]*^private key\n/m,
    )
    const [bundle] = JSON.parse(json.stdout).items
    expect(bundle).toMatchObject({ kind: 'pkcs12', opened: true })
    expect(Object.keys(bundle.contents[2])).toEqual(['kind', 'encryption', 'key', 'friendlyName'])
  })

  it('tells exit codes apart', async () => {
    writeFileSync(cli.path('junk'), 'junk')
    writeFileSync(cli.path('wrong'), 'wrong')
    const [junk, missing, wrong, stdin] = await Promise.all([
      cli.run(['cert', 'inspect', cli.path('junk')]),
      cli.run(['cert', 'inspect', cli.path('missing')]),
      cli.run(['cert', 'inspect', files.p12, '--password-file', cli.path('wrong')]),
      cli.run(['cert', 'inspect', '-'], { stdin: '' }),
    ])
    expect([junk, missing, wrong, stdin].map(({ code }) => code)).toEqual([2, 4, 5, 2])
    expect(junk?.stderr).toContain('is neither PEM nor DER')
    expect(stdin?.stderr).toContain('standard input is neither PEM nor DER')
  })
})
