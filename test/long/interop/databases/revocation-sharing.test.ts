import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { TwoMachines } from '../../../interop/databases/two-machines.ts'
import { runCli } from '../../../support/processes/cli.ts'
import type { Listening, ServeProcess } from '../../../support/processes/serve.ts'

let machines: TwoMachines
let here: string
let there: string

beforeAll(async () => {
  machines = await TwoMachines.create({ users: ['alice', 'bob', 'carol'] })
})
beforeEach(async () => {
  ;({ here, there } = await machines.renew())
})
afterEach(() => machines.clear())
afterAll(() => machines?.remove())

const revoke = (home: string, ...args: string[]) => runCli(['client', 'revoke', ...args, '--home', home])
const online = (server: Listening, user: string) => machines.online(server, machines.credentials(user))

const hasLogged = ({ stderr }: ServeProcess, message: string) => stderr.includes(message)

const ENDED = /<stream:error><not-authorized[^>]*\/><text[^>]*>certificate revoked/

describe('a certificate that is revoked on another machine', () => {
  it.each([
    ['client revoke', ['client', 'revoke', 'alice']],
    ['client renew', ['client', 'renew', 'alice', '--revoke-old']],
    ['client sign', ['client', 'sign', 'alice.csr', '--name', 'alice', '--renew', '--revoke-old']],
  ])('ends its sessions here, told by %s of a database that is named in the environment', async (_command, args) => {
    const server = await machines.serve(here)
    const alice = await online(server, 'alice')
    const cwd = mkdtempSync(join(machines.folder, 'requests-'))
    await runCli(['client', 'csr', 'alice', '--domain', 'localhost'], { cwd })
    writeFileSync(join(there, 'xmppki.toml'), '')
    const env = { XMPPKI_STORE_URL_FILE: join(there, 'database.url') }
    const { code, stderr } = await runCli([...args, '--home', there], { cwd, env })
    expect(code, stderr).toBe(0)
    await alice.receive(ENDED)
  })

  it('ends its sessions here, told by the server there when the command cannot', async () => {
    const server = await machines.serve(here)
    const teller = await machines.serve(there)
    const alice = await online(server, 'alice')
    const other = join(there, 'other.toml')
    writeFileSync(other, '')
    expect((await revoke(there, 'alice', '--config', other)).code).toBe(0)
    await alice.receive(ENDED)
    await teller.process.stop()
    expect(hasLogged(teller.process, 'revocations learned')).toBe(false)
  })

  it('stays revoked while the database is away, and what is revoked meanwhile is told when it is back', async () => {
    const first = await machines.serve(here)
    await machines.serve(there)
    await revoke(there, 'alice')
    await first.process.until(() => hasLogged(first.process, 'revocations learned from other machines'))
    await machines.server.crash()
    await first.process.until(() => hasLogged(first.process, 'revocations cannot be shared for now'))
    await first.process.stop()
    const second = await machines.serve(here)
    expect(await machines.isLetIn(second, 'alice')).toBe(false)
    const bob = await online(second, 'bob')
    const told = await revoke(there, 'bob')
    expect(told.code).toBe(9)
    expect(told.stderr).toMatch(/servers on other machines have not been told: .*cannot be reached/)
    expect(bob.isClosed).toBe(false)
    await machines.server.start()
    await second.process.until(() => hasLogged(second.process, 'revocations learned from other machines'))
    await bob.receive(ENDED)
    expect(await machines.isLetIn(second, 'carol')).toBe(true)
    await second.process.until(() => hasLogged(second.process, 'revocations are shared again'))
    const { logs } = machines
    expect(logs).not.toContain('w%C3%B6rd')
    expect(logs).not.toContain('wörd')
  })
})
