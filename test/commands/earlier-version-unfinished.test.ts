import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { runCli } from '../support/cli.ts'
import { EarlierWorkspace, UNFINISHED, type Unfinished } from '../support/earlier-version.ts'
import { ServeProcess } from '../support/serve.ts'
import { RawClient } from '../support/xmpp-client.ts'

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

/** The CA that has issued in the base of all states, wherever it is now. */
function issuingCertificate(): string {
  const ca = join(workspace.home, 'ca')
  const folders = readdirSync(ca).filter((name) => name.startsWith('issuing'))
  return readFileSync(join(ca, folders[0] ?? '', 'issuing.crt'), 'utf8')
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

  it('does not keep anybody from logging in who sends the whole chain', async () => {
    workspace = EarlierWorkspace.unfinished(state)
    const { key, cert } = workspace.credentials('clients/example.org/alice/alice')
    const credentials = { key, cert: cert + issuingCertificate() }
    const serving = new ServeProcess(['--home', workspace.home])
    try {
      const { port } = await serving.listening()
      const client = await RawClient.online({ port, domain: 'example.org', credentials })
      client.destroy()
    } finally {
      await serving.stop()
    }
  })
})
