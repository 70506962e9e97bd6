import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadIssuer } from '../../../src/pki/issue/issuer.ts'
import { decodePrivateKey } from '../../../src/pki/keys/keys.ts'
import { softwareKey } from '../../../src/pki/keys/signature.ts'
import { createCrl } from '../../../src/pki/revocation/crl.ts'
import { CliHome } from '../../support/processes/cli.ts'

describe('cert verify', () => {
  const cli = new CliHome()
  let certificate = ''
  beforeAll(async () => {
    await cli.run(['ca', 'init', '--domain', 'example.org', '--no-passphrase'])
    const made = await cli.run(['client', 'issue', 'alice', '--json', '--out', cli.path('out')])
    certificate = JSON.parse(made.stdout).issued[0].files.certificate
  })
  afterAll(() => cli.remove())

  it('accepts what the workspace issued', async () => {
    const { code, stdout, stderr } = await cli.run(['cert', 'verify', certificate])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^CN=alice \(serial [0-9a-f]{32}\): valid\n/)
    expect(stdout).toContain('ok: not revoked, says the ledger')
  })

  it('says what is wrong, with exit code 2', async () => {
    const args = ['cert', 'verify', certificate, '--purpose', 'server']
    const [words, json] = await Promise.all([cli.run(args), cli.run([...args, '--json'])])
    expect(words).toMatchObject({ code: 2 })
    expect(words.stdout).toContain('FAILED: extended key usage without serverAuth')
    expect(words.stderr).toBe(`error: ${certificate} is not accepted: purpose\n`)
    expect(json.code).toBe(2)
    expect(JSON.parse(json.stdout)).toMatchObject({ file: certificate, valid: false, serial: expect.any(String) })
  })

  it('asks a CRL, PEM or DER', async () => {
    const ca = cli.path('home', 'ca', 'root.crt')
    const { privateKey } = decodePrivateKey(readFileSync(cli.path('home', 'ca', 'root.key')), { source: 'root.key' })
    const issuer = loadIssuer(readFileSync(ca, 'utf8'), softwareKey(privateKey))
    const serial = new X509Certificate(readFileSync(certificate)).serialNumber.toLowerCase()
    const now = Date.now()
    const { pem, der } = await createCrl({
      issuer,
      entries: [{ serial, revokedAt: new Date(now), reason: 'keyCompromise' }],
      number: 1n,
      thisUpdate: new Date(now - 60_000),
      nextUpdate: new Date(now + 3_600_000),
    })
    writeFileSync(cli.path('list.pem'), pem)
    writeFileSync(cli.path('list.der'), der)
    const args = ['cert', 'verify', certificate, '--ca', ca, '--crl']
    const found = await Promise.all(['list.pem', 'list.der'].map((name) => cli.run([...args, cli.path(name)])))
    for (const { code, stdout } of found) {
      expect(code).toBe(2)
      expect(stdout).toMatch(/FAILED: revoked on .* \(keyCompromise\), says the CRL/)
    }
  })

  it('needs no workspace when it is told the CA', async () => {
    const root = cli.path('home', 'ca', 'root.crt')
    const nowhere = { env: { XMPPKI_HOME: cli.path('nowhere') } }
    const [without, told] = await Promise.all([
      cli.run(['cert', 'verify', certificate], nowhere),
      cli.run(['cert', 'verify', certificate, '--ca', root], nowhere),
    ])
    expect(without).toMatchObject({ code: 4, stdout: '' })
    expect(told).toMatchObject({ code: 0 })
  })
})
