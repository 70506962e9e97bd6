import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../support/processes/cli.ts'
import type { Listening } from '../../support/processes/serve.ts'
import { TwoMachines } from './two-machines.ts'

let machines: TwoMachines
let here: string
let there: string

beforeAll(async () => {
  machines = await TwoMachines.create({ users: ['alice', 'bob'] })
})
beforeEach(async () => {
  ;({ here, there } = await machines.renew())
})
afterEach(() => machines.clear())
afterAll(() => machines?.remove())

const revoke = (home: string, ...args: string[]) => runCli(['client', 'revoke', ...args, '--home', home])
const online = (server: Listening, user: string) => machines.online(server, machines.credentials(user))

const ENDED = /<stream:error><not-authorized[^>]*\/><text[^>]*>certificate revoked/

describe('a certificate that is revoked on another machine', () => {
  it('ends its sessions here, told by the command alone', async () => {
    const server = await machines.serve(here)
    const alice = await online(server, 'alice')
    const bob = await online(server, 'bob')
    const { code, stderr } = await revoke(there, 'alice')
    expect(code, stderr).toBe(0)
    await alice.receive(ENDED)
    expect(await machines.isLetIn(server, 'alice')).toBe(false)
    expect(await machines.isLetIn(server, 'bob')).toBe(true)
    expect(bob.isClosed).toBe(false)
  })

  it('is told to a machine that comes later', async () => {
    await revoke(there, 'alice')
    const server = await machines.serve(here)
    expect(await machines.isLetIn(server, 'alice')).toBe(false)
    expect(await machines.isLetIn(server, 'bob')).toBe(true)
  })
})
