import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { type Credentials, idBy, OpensslCa } from '../../support/certificates/certificates.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'

const cli = new CliHome()
/** Both number their certificates from the same beginning, as CAs of `openssl ca` do. */
const ours = new OpensslCa('Our CA')
const partner = new OpensslCa('Partner CA')
const client = (ca: OpensslCa, name: string): Credentials =>
  ca.issue({ subject: `/CN=${name}`, xmppAddrs: [`${name}@localhost`], extendedKeyUsage: 'clientAuth' })
const alice = client(ours, 'alice')
const bob = client(partner, 'bob')
const { serial } = idBy(ours.credentials, alice)
const partnerFile = join(cli.folder, 'partner.crt')

let serving: ServeProcess | undefined
beforeAll(async () => {
  const { key, cert } = ours.credentials
  const issued = join(cli.folder, 'issued')
  mkdirSync(issued)
  writeFileSync(join(cli.folder, 'ca.key'), key)
  writeFileSync(join(cli.folder, 'ca.crt'), cert)
  writeFileSync(join(issued, 'alice.crt'), alice.cert)
  writeFileSync(partnerFile, partner.credentials.cert)
  const files = [join(cli.folder, 'ca.crt'), join(cli.folder, 'ca.key')]
  const made = await cli.run(['ca', 'import', ...files, '--issued', issued, '--no-passphrase'])
  expect(made.code, made.stderr).toBe(0)
})
afterEach(() => serving?.stop())
afterAll(() => {
  cli.remove()
  ours.remove()
  partner.remove()
})

async function isLetIn(port: number, credentials: Credentials): Promise<boolean> {
  const login = await RawClient.secured({ port, credentials })
  login.send(external())
  const answer = await login.receive(/<success[^>]*>|<failure.*<\/failure>/)
  login.destroy()
  return answer.includes('<success')
}

describe('client revoke --serial, when a partner CA has given the number as well', () => {
  it('ends the session of its own certificate alone', async () => {
    expect(idBy(partner.credentials, bob).serial).toBe(serial)
    serving = new ServeProcess(['--home', cli.home, '--client-ca', partnerFile])
    const { port } = await serving.listening()
    const victim = await RawClient.online({ port, credentials: alice })
    const other = await RawClient.online({ port, credentials: bob })
    const { code, stdout, stderr } = await cli.run(['client', 'revoke', '--serial', serial])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`alice@localhost revoked: unspecified, serial ${serial}`)
    await victim.ended()
    other.send("<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>")
    await other.receive(/<iq [^>]*id="p1"/)
    expect([await isLetIn(port, alice), await isLetIn(port, bob)]).toEqual([false, true])
    other.destroy()
  })

  it('names both where the ledger has both, and takes --issuer', async () => {
    const ledger = new SqliteLedger(join(cli.home, 'ledger.db'))
    const [record] = ledger.list('client')
    if (record === undefined) throw new Error('there is no client')
    ledger.transaction((insert) =>
      insert({ ...record, ...idBy(partner.credentials, bob), name: 'bob@localhost', fingerprint: 'ff' }),
    )
    ledger.close()
    const refused = await cli.run(['client', 'revoke', '--serial', serial])
    expect(refused.code).toBe(2)
    const [, id = ''] =
      /--issuer ([0-9a-f]+) for alice@localhost, --issuer [0-9a-f]+ for bob/.exec(refused.stderr) ?? []
    expect(record.authority.startsWith(id)).toBe(true)
    const { code, stdout } = await cli.run(['client', 'revoke', '--serial', serial, '--issuer', id, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).revoked).toMatchObject([{ jid: 'alice@localhost', alreadyRevoked: true }])
    const listed = JSON.parse((await cli.run(['client', 'list', '--json'])).stdout).clients
    expect(listed).toMatchObject([
      { jid: 'alice@localhost', issuerId: record.authority, state: 'revoked' },
      { jid: 'bob@localhost', issuerId: idBy(partner.credentials, bob).authority },
    ])
  })

  it.each([
    ['--issuer without --serial', ['alice', '--issuer', 'ab'], 2],
    ['what is not an id', ['--serial', 'ab', '--issuer', 'our CA'], 2],
  ])('refuses %s', async (_name, args, expected) => {
    expect((await cli.run(['client', 'revoke', ...args])).code).toBe(expected)
  })
})
