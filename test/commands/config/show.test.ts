import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'

const parse = (text: string) => getStaticTOMLValue(parseTOML(text))

const home = new CliHome()
let file: string
beforeAll(async () => {
  await home.run(['ca', 'init', '--no-passphrase', '--domain', 'example.org'])
  file = join(home.home, 'xmppki.toml')
  writeFileSync(
    file,
    '[general]\nloglevel = "debug"\n\n[listen.c2s]\nport = 15222\nip_address = "::1"\ntls.verify_mode = "peer"\n',
  )
})
afterAll(() => home.remove())

describe('config show', () => {
  it('prints each value with its source: flag before environment before file before default', async () => {
    const { code, stdout } = await home.run(['config', 'show', '--port', '25222', '--log-level', 'warn'], {
      env: { XMPPKI_HOST: '::', XMPPKI_PORT: '1', XMPPKI_SASL_EXTERNAL: 'xmpp_addr' },
    })
    expect(code).toBe(0)
    const sources = Object.fromEntries(
      stdout.split('\n').flatMap((line) => {
        const [, value, source] = /^(\S.*?) +# (?!\w+$)?(.*)$/.exec(line) ?? []
        return value === undefined ? [] : [[value, source]]
      }),
    )
    expect(sources).toMatchObject({
      'loglevel = "warn"': '--log-level',
      'port = 25222': '--port',
      'ip_address = "::"': 'XMPPKI_HOST',
      'sasl_external = ["xmpp_addr"]': 'XMPPKI_SASL_EXTERNAL',
      'verify_mode = "peer"': `${file}:7`,
    })
    expect(stdout).toMatch(/^hosts = \["example\.org"\] +# default$/m)
    expect(stdout).toMatch(/^# certfile +# default$/m)
  })

  it('prints TOML that means the same', async () => {
    const { stdout } = await home.run(['config', 'show'])
    expect(parse(stdout)).toMatchObject({
      general: { hosts: ['example.org'], loglevel: 'debug' },
      listen: { c2s: { port: 15_222, ip_address: '::1' } },
    })
    writeFileSync(home.path('shown.toml'), stdout)
    const again = await home.run(['config', 'show', '--config', 'shown.toml'])
    expect(parse(again.stdout)).toEqual(parse(stdout))
  })

  it('prints no password of a database', async () => {
    writeFileSync(home.path('store.toml'), '[store]\nurl = "postgres://xmppki:sesame@db.example.org/accounts"\n')
    for (const more of [[], ['--json']]) {
      const { code, stdout, stderr } = await home.run(['config', 'show', '--config', 'store.toml', ...more])
      expect(code, stderr).toBe(0)
      expect(stdout).toContain('postgres://xmppki:***@db.example.org/accounts')
      expect(stdout).not.toContain('sesame')
    }
  })

  it('prints the same as JSON', async () => {
    const { stdout } = await home.run(['config', 'show', '--json', '--port', '1'])
    const { file: shown, settings } = JSON.parse(stdout)
    expect(shown).toBe(file)
    expect(settings).toEqual(
      expect.arrayContaining([
        { key: 'general.loglevel', value: 'debug', source: 'file', line: 2, name: null },
        { key: 'listen.c2s.port', value: 1, source: 'flag', line: null, name: '--port' },
        { key: 'auth.methods', value: ['pki'], source: 'default', line: null, name: null },
        { key: 'listen.c2s.tls.certfile', value: null, source: 'default', line: null, name: null },
      ]),
    )
  })

  it('needs neither workspace nor file', async () => {
    const { code, stdout } = await home.run(['config', 'show', '--home', home.path('nowhere')])
    expect(code).toBe(0)
    expect(stdout.match(/^\[\[listen\.c2s\]\]$/gm)).toHaveLength(2)
  })

  it.each([
    ['a flag', ['--host', 'a b'], '--host: listen.c2s.ip_address: "a b" is not an address'],
    [
      'a listener that is not there',
      ['--tls-port', '1'],
      '--tls-port: listen.c2s: there is no listener with direct TLS',
    ],
    ['HTTP without a port', ['--http-host', '::'], 'listen.http.port: is missing'],
  ])('says what is wrong with %s', async (_, args, message) => {
    const { code, stderr } = await home.run(['config', 'show', ...args])
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })
})
