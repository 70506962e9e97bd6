import { describe, expect, it } from 'vitest'
import { remarkOnKeys } from '../../../src/commands/user/import-remarks.ts'
import { checkConfiguration } from '../../../src/config/load.ts'
import { loginMethods } from '../../../src/config/login-methods.ts'
import type { ScramHash, ScramKeySet } from '../../../src/xmpp/sasl/scram-keys.ts'

const KEYS = { salt: '', iterations: 4096, storedKey: '', serverKey: '' }

function account(jid: string, ...hashes: ScramHash[]) {
  const keys: ScramKeySet = Object.fromEntries(hashes.map((hash) => [hash, KEYS]))
  return { jid, place: 'file', credential: { kind: 'keys' as const, keys } }
}

function authOf(toml: string) {
  const source = { file: undefined, home: undefined, overrides: [], defaultHost: 'localhost' }
  const { configuration } = checkConfiguration(toml, source)
  if (configuration === undefined) throw new Error('cannot be used')
  return configuration.auth
}

const remark = (accounts: readonly ReturnType<typeof account>[], toml = '[auth]\nmethods = ["rdbms", "pki"]') =>
  remarkOnKeys(accounts, authOf(toml))

describe('remarkOnKeys', () => {
  const old = [account('alice@localhost', 'sha-1'), account('bob@localhost', 'sha-1', 'sha-256', 'sha-512')]

  it('says how accounts of SHA-1 alone get in, and what it says works', () => {
    const said = remark(old) ?? ''
    expect(said).toBe(
      '1 account has no keys for sha-256, sha-512: clients that choose SCRAM with it are refused; until all have new passwords, write sasl_mechanisms = ["external", "scram_sha1_plus", "scram_sha1"] in [auth]',
    )
    const [setting = ''] = /sasl_mechanisms = \[.*?\]/.exec(said) ?? []
    const toml = `[auth]\nmethods = ["rdbms", "pki"]\n${setting}`
    expect([...loginMethods(authOf(toml)).passwords]).toEqual(['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'])
    expect(remark(old, toml)).toBeUndefined()
  })

  it.each([
    ['everybody has all keys', [account('bob@localhost', 'sha-1', 'sha-256', 'sha-512')], undefined],
    ['nothing else is offered', old, '[auth]\nmethods = ["rdbms"]\nsasl_mechanisms = ["cyrsasl_scram_sha1"]'],
    ['nothing else is kept', old, '[auth]\nmethods = ["rdbms"]\npassword.hash = ["sha-1"]'],
    ['passwords are sent', old, '[auth]\nmethods = ["rdbms"]\nsasl_mechanisms = ["plain"]'],
  ])('says nothing where %s', (_case, accounts, toml) => expect(remark(accounts, toml)).toBeUndefined())

  it('says so when no hash is for everybody', () => {
    const said = remark([account('alice@localhost', 'sha-1'), account('carol@localhost', 'sha-256')])
    expect(said).toMatch(/^2 accounts have no keys for sha-1, sha-256, sha-512: .*; set new passwords with xmppki user/)
  })
})
