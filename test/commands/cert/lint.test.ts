import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { CliHome } from '../../support/processes/cli.ts'

describe('cert lint', () => {
  const cli = new CliHome()
  const ca = new OpensslCa()
  beforeAll(() => {
    writeFileSync(cli.path('guide.crt'), ca.issueAsInTheGuide('alice').cert)
    writeFileSync(
      cli.path('warned.crt'),
      ca.issue({
        subject: '/CN=bob',
        xmppAddrs: ['alice@example.org'],
        extendedKeyUsage: 'clientAuth',
        extensions: ['authorityKeyIdentifier=keyid:always,issuer:always', 'subjectKeyIdentifier=hash'],
      }).cert,
    )
  })
  afterAll(() => {
    cli.remove()
    ca.remove()
  })

  it('finds what the guide forgets, with exit code 2', async () => {
    const args = ['cert', 'lint', cli.path('guide.crt')]
    const [words, json] = await Promise.all([cli.run(args), cli.run([...args, '--json'])])
    expect(words.code).toBe(2)
    expect(words.stdout).toMatch(/^CN=alice \(client, serial [0-9a-f]+\): \d found\n/)
    expect(words.stdout).toMatch(/^ {2}error {4}version 1: .* \[version-3, RFC 5280 §4\.1\.2\.1\]$/m)
    expect(words.stderr).toBe(`error: ${cli.path('guide.crt')} breaks version-3, client-purpose\n`)
    expect(json.code).toBe(2)
    const { clean, certificates } = JSON.parse(json.stdout)
    expect(clean).toBe(false)
    expect(certificates[0].findings).toContainEqual(
      expect.objectContaining({ rule: 'client-purpose', severity: 'error', citation: 'house, RFC 5280 §4.2.1.12' }),
    )
  })

  it('lets warnings pass, but not with --strict', async () => {
    const args = ['cert', 'lint', cli.path('warned.crt')]
    const [lenient, strict] = await Promise.all([cli.run(args), cli.run([...args, '--strict'])])
    expect(lenient).toMatchObject({ code: 0, stderr: '' })
    expect(lenient.stdout).toContain('[common-name-fits-jid, house]')
    expect(strict.code).toBe(2)
  })

  it('finds what a login would be refused for, by the name that it is logged with', async () => {
    const expired = ca.issue({
      subject: '/CN=carol',
      xmppAddrs: ['carol@example.org'],
      validity: ['20200101000000Z', '20210101000000Z'],
    })
    writeFileSync(cli.path('expired.crt'), expired.cert)
    const { code, stdout, stderr } = await cli.run(['cert', 'lint', cli.path('expired.crt')])
    expect(code).toBe(2)
    expect(stdout).toMatch(/^ {2}error {4}it is refused: expired on .* \[expired, RFC 5280 §6\.1\.3\]$/m)
    expect(stderr).toMatch(/breaks .*expired\n$/)
  })

  it('refuses what is not a certificate', async () => {
    const { code, stderr } = await cli.run(['cert', 'lint', '-'], { stdin: 'hello' })
    expect({ code, stderr }).toMatchObject({ code: 2 })
    expect(stderr).toContain('standard input holds no CERTIFICATE in PEM form')
  })
})
