import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'
import { homeWithCa } from '../client/workspace-checks.ts'

let cli: CliHome
beforeAll(async () => {
  cli = await homeWithCa()
  await cli.run(['server', 'issue', 'localhost', 'conference.localhost', '--days', '42'])
  await cli.run(['server', 'issue', 'example.org'])
})
afterAll(() => cli.remove())

const folder = (domain: string) => join(cli.home, 'server', domain)

describe('server renew', () => {
  it('says that nothing is due, needs no CA key for it, and runs nothing', async () => {
    const args = ['server', 'renew', '--expires-in', '30d', '--exec', 'touch ran']
    expect(await cli.run(args)).toEqual({
      code: 0,
      signal: null,
      stdout: [
        'example.org not due: expires in 396 days',
        'localhost, conference.localhost not due: expires in 41 days',
        '',
      ].join('\n'),
      stderr: '',
    })
    expect(() => readFileSync(cli.path('ran'))).toThrow('ENOENT')
  })

  it('renews what is due and runs the command for it alone, with what it needs and no passphrase', async () => {
    const script = [
      'echo "$XMPPKI_DOMAIN $XMPPKI_SERIAL" >> ran; echo said; echo "$XMPPKI_CA_PASSPHRASE" >> ran',
      'openssl x509 -in "$XMPPKI_CERTIFICATE" -noout -serial >> ran',
      'cat "$XMPPKI_CHAIN" "$XMPPKI_PRIVATE_KEY" > bundle.pem',
    ].join('; ')
    const { code, stdout, stderr } = await cli.run(['server', 'renew', '--expires-in', '60d', '--exec', script], {
      env: { XMPPKI_CA_PASSPHRASE: 'top secret' },
    })
    expect(code, stderr).toBe(0)
    expect(stderr).toBe('said\n')
    expect(stdout).toMatch(
      /^example\.org not due: .*\nlocalhost, conference\.localhost renewed\n {2}folder +.*\/server\/localhost\n {2}valid until .*\n {2}old one +valid until .*, in .*\/server\/localhost~[0-9a-f]{12}\n$/,
    )
    const [line, secret, serial] = readFileSync(cli.path('ran'), 'utf8').split('\n')
    expect(line).toMatch(/^localhost [0-9a-f]{32}$/)
    expect(secret).toBe('')
    expect(`${serial?.replace('serial=', '').toLowerCase()}`).toBe(line?.replace('localhost ', ''))
    const bundle = readFileSync(cli.path('bundle.pem'), 'utf8')
    expect(bundle.match(/-----BEGIN (CERTIFICATE|PRIVATE KEY)-----/g)).toHaveLength(3)
  })

  it.each([
    ['exit 3', 'exit code 3'],
    ['kill -TERM $$', 'signal SIGTERM'],
  ])('keeps the new certificate when `%s` fails, and tells by exit code 9', async (command, why) => {
    const { code, stdout, stderr } = await cli.run(['server', 'renew', 'example.org', '--exec', command, '--json'])
    expect(code).toBe(9)
    expect(stderr).toContain(`the command after the renewal of example.org failed: ${why}`)
    const [{ serial, renewed, exec }] = JSON.parse(stdout).servers
    expect({ renewed, exec }).toEqual({ renewed: true, exec: 'failed' })
    const args = ['x509', '-in', join(folder('example.org'), 'server.crt'), '-noout', '-serial']
    expect(execFileSync('openssl', args, { encoding: 'utf8' }).trim().toLowerCase()).toBe(`serial=${serial}`)
  })

  it('does the others when one fails', async () => {
    const { code, stdout } = await cli.run(['server', 'renew', 'nobody.example', 'example.org', '--json'])
    expect(code).toBe(9)
    const { servers, failed } = JSON.parse(stdout)
    expect(servers).toMatchObject([{ domains: ['example.org'], renewed: true, exec: null }])
    expect(failed).toMatchObject([{ domain: 'nobody.example', error: { code: 'NOT_FOUND' } }])
  })

  it.each([
    [
      'a domain without a certificate',
      ['nobody.example'],
      {},
      4,
      'hint:  make one with: xmppki server issue nobody.ex',
    ],
    ['an IP address', ['192.0.2.1'], {}, 4, 'has no server certificate'],
    ['--key-type without --rekey', ['example.org', '--key-type', 'ec:p384'], {}, 2, 'no effect without --rekey'],
    ['a period that is none', ['--expires-in', '30'], {}, 2, 'is not a period'],
    ['a folder without a CA', [], { XMPPKI_HOME: '/nonexistent/xmppki' }, 4, 'hint:  run: xmppki ca init'],
  ])('refuses %s', async (_case, args, env, exitCode, text) => {
    const { code, stderr } = await cli.run(['server', 'renew', ...args], { env })
    expect(stderr).toContain(text)
    expect(code).toBe(exitCode)
  })

  it('makes a new key of another type', async () => {
    const result = await cli.run(['server', 'renew', 'example.org', '--rekey', '--key-type', 'rsa:2048'])
    expect(result.code, result.stderr).toBe(0)
    const key = join(folder('example.org'), 'server.key')
    expect(execFileSync('openssl', ['pkey', '-in', key, '-noout', '-text'], { encoding: 'utf8' })).toContain('2048 bit')
  })

  it('is taken up by a server that runs, without a session less', async () => {
    const serve = new ServeProcess(['--home', cli.home])
    const { port } = await serve.listening()
    const client = await RawClient.secured({ port })
    const serialAt = async () => {
      const probe = await RawClient.secured({ port })
      const serial = 'getPeerCertificate' in probe.socket ? probe.socket.getPeerCertificate().serialNumber : ''
      probe.destroy()
      return serial.toLowerCase()
    }
    const before = await serialAt()
    const { stdout } = await cli.run(['server', 'renew', 'localhost', '--json'])
    const [{ serial }] = JSON.parse(stdout).servers
    await serve.logged({ msg: 'reloaded' })
    expect(before).not.toBe(serial)
    expect(await serialAt()).toBe(serial)
    expect(client.isClosed).toBe(false)
    client.destroy()
    expect(await serve.stop()).toBe(0)
  })
})
