import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { SqliteLedger } from '../../src/store/sqlite/ledger.ts'
import { EarlierWorkspace, UNFINISHED, type Unfinished } from '../support/documents/earlier-version.ts'
import { runCli } from '../support/processes/cli.ts'
import { ServeProcess } from '../support/processes/serve.ts'
import { RawClient } from '../support/streams/xmpp-client.ts'

let workspace: EarlierWorkspace
afterEach(() => workspace.remove())

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli([...args, '--home', workspace.home])
  expect(code, `${args.join(' ')}: ${stdout}${stderr}`).toBe(0)
  return stdout
}

interface Listed {
  readonly jid: string
  readonly state: string
  readonly directory: string
}

/** User and state of every client. */
async function clients(): Promise<string[]> {
  const listed: Listed[] = JSON.parse(await run('client', 'list', '--json')).clients
  return listed.map(({ jid, state }) => `${jid.replace(/@.*/, '')} ${state}`)
}

/** What is there after the next command that writes, beside alice, and gina for whom it was run. */
const OUTCOMES: Readonly<Record<Unfinished, readonly string[]>> = {
  'journal-cut': ['bob valid'],
  'issue-staged': ['bob valid'],
  'issue-revealed': ['bob valid', 'carol valid'],
  'issue-committed': ['bob valid', 'carol valid'],
  'group-half-revealed': ['bob valid', 'carol valid', 'erik valid'],
  'renewal-staged': ['bob valid'],
  'renewal-moved-away': ['bob valid'],
  'renewal-revealed': ['bob valid', 'bob revoked'],
  'signature-revealed': ['bob valid', 'dora valid'],
  'server-revealed': ['bob valid'],
  'issuing-moved-away': ['bob valid'],
}

/** Every folder of certificates, archived ones without the serial number. */
function folders(): string[] {
  return ['ca', 'clients/example.org', 'server'].flatMap((folder) =>
    readdirSync(join(workspace.home, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name.replace(/~.*/, '~')),
  )
}

const ARCHIVES: Partial<Record<Unfinished, readonly string[]>> = {
  'renewal-revealed': ['bob~'],
  'server-revealed': ['example.org~'],
}

describe.each(UNFINISHED)('what `kill -9` of version 0.1 has left: %s', (state) => {
  it('is finished or undone by the next command that writes', async () => {
    workspace = EarlierWorkspace.unfinished(state)
    await run('client', 'issue', 'gina')
    expect((await clients()).sort()).toEqual(['alice valid', 'gina valid', ...OUTCOMES[state]].sort())
    expect(readdirSync(join(workspace.home, 'tmp'))).toEqual([])
    const users = new Set(['alice', 'gina', ...OUTCOMES[state].map((text) => text.replace(/ .*/, ''))])
    const expected = ['issuing', 'example.org', ...users, ...(ARCHIVES[state] ?? [])]
    expect(folders().sort()).toEqual(expected.sort())
    await run('ca', 'audit')
  })

  it('does not keep anybody from logging in: it is finished or undone when `serve` starts', async () => {
    workspace = EarlierWorkspace.unfinished(state)
    const credentials = workspace.credentials('clients/example.org/alice/alice')
    const serving = new ServeProcess(['--home', workspace.home])
    try {
      const { port } = await serving.listening()
      const client = await RawClient.online({ port, domain: 'example.org', credentials })
      client.destroy()
      expect(readdirSync(join(workspace.home, 'tmp'))).toEqual([])
    } finally {
      await serving.stop()
    }
  })
})

describe('`serve` that cannot settle what is unfinished, because another process writes', () => {
  it('starts all the same, and does it at the next reload', async () => {
    workspace = EarlierWorkspace.unfinished('renewal-moved-away')
    const writer = new SqliteLedger(join(workspace.home, 'ledger.db'))
    const serving = new ServeProcess(['--home', workspace.home])
    let pid = 0
    try {
      await writer.longTransaction(async () => {
        pid = (await serving.listening()).pid
        await serving.logged({ msg: 'what a killed command has left half done stays so for now' })
        expect(readdirSync(join(workspace.home, 'tmp'))).toHaveLength(1)
      })
      process.kill(pid, 'SIGHUP')
      await serving.logged({ msg: 'finished or undone what a killed command had left half done' })
      expect(readdirSync(join(workspace.home, 'tmp'))).toEqual([])
      expect(folders()).toContain('bob')
    } finally {
      await serving.stop()
      writer.close()
    }
  })
})
