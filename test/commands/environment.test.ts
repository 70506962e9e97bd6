import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../support/processes/cli.ts'

const home = new CliHome()

beforeAll(async () => {
  // A boolean, a number of days, a list, a type and plain text, all at once.
  const env = {
    XMPPKI_NO_PASSPHRASE: 'yes',
    XMPPKI_CA_DAYS: '1000',
    XMPPKI_PERMIT_DOMAIN: 'example.org, example.com',
    XMPPKI_KEY_TYPE: 'ec:p384',
    XMPPKI_CA_CN: 'Test root',
    XMPPKI_DOMAIN: 'example.org',
  }
  const { code, stderr } = await home.run(['ca', 'init'], { env })
  expect(code, stderr).toBe(0)
})
afterAll(() => home.remove())

describe('the environment', () => {
  it('sets flags of every kind', async () => {
    const { stdout } = await home.run(['cert', 'inspect', `${home.home}/ca/root.crt`], { env: { XMPPKI_JSON: '1' } })
    const { items } = JSON.parse(stdout)
    expect(items[0]).toMatchObject({ subject: 'CN=Test root', key: { label: 'ECDSA P-384' } })
    const days = (Date.parse(items[0].notAfter) - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(1000)
  })

  it('sets a list, all of it', async () => {
    const issue = (jid: string) => home.run(['client', 'issue', jid], { env: { XMPPKI_ISSUE_OUT: home.path('out') } })
    expect((await issue('alice@example.com')).code).toBe(0)
    expect(existsSync(home.path('out', 'alice', 'alice.p12'))).toBe(true)
    expect((await issue('alice@example.net')).code).not.toBe(0)
  })

  it('gives way to a flag that contradicts it', async () => {
    const passphrase = home.path('missing')
    const env = { XMPPKI_CA_PASSPHRASE_FILE: passphrase, XMPPKI_HOME: home.path('other') }
    const { code, stderr } = await home.run(['ca', 'init', '--no-passphrase'], { env })
    expect(code, stderr).toBe(0)
    expect(readFileSync(home.path('other', 'ca', 'root.key'), 'utf8')).toContain('BEGIN PRIVATE KEY')
  })

  it('switches off as well as on', async () => {
    const env = { XMPPKI_JSON: 'no', XMPPKI_LIST_STATE: 'revoked,expired' }
    expect(await home.run(['client', 'list'], { env })).toMatchObject({ code: 0, stdout: '', stderr: 'none of them\n' })
  })

  it('is named where its value is wrong, in JSON too when it asks for that', async () => {
    const env = { XMPPKI_CLIENT_DAYS: 'soon', XMPPKI_JSON: 'true' }
    const { code, stdout } = await home.run(['client', 'issue', 'bob'], { env })
    expect(code).toBe(2)
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/^XMPPKI_CLIENT_DAYS: /),
    })
  })

  it('asks for JSON also where the command is not known', async () => {
    const { code, stdout } = await home.run(['no', 'such'], { env: { XMPPKI_JSON: '1' } })
    expect(code).toBe(2)
    expect(JSON.parse(stdout).error.code).toBe('USAGE')
  })

  it('does not disturb the completion script', async () => {
    const { code, stdout } = await home.run(['completion', 'bash'], { env: { XMPPKI_JSON: '1' } })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^# bash completion/)
  })
})

describe('--help', () => {
  it('shows the variables and the exit codes', async () => {
    const { stdout } = await home.run(['client', 'list', '--help'])
    expect(stdout).toContain('[env: XMPPKI_EXPIRING]')
    expect(stdout).toContain('[env: XMPPKI_JSON]')
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/Exit codes: 0 done, .*10 --expiring has found some\./)
  })
})
