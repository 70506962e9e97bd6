import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { ConfigRenderResult } from '../../../src/commands/config/render.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { issuedCredentials } from '../../support/certificates/issued-credentials.ts'
import { documentText, markedBlocks, tableRows } from '../../support/documents/documents.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { external, RawClient, streamHeader } from '../../support/streams/xmpp-client.ts'
import { slixmpp } from '../clients/slixmpp.ts'
import type { RenderedPeer } from './peer-servers.ts'

export const ALICE = { subject: '/CN=alice', xmppAddrs: ['alice@localhost'], extendedKeyUsage: 'clientAuth' }
export const EXPIRED = ['20200101000000Z', '20210101000000Z'] as const

/** What a client presents and says, by what the table of the manual calls it. */
const CASES: readonly {
  readonly name: string
  readonly present: (realm: RenderedRealm) => Credentials
  readonly authzid?: string
}[] = [
  { name: 'a good certificate', present: (realm) => realm.issued('alice') },
  {
    name: 'a good one, asking for its own account',
    present: (realm) => realm.issued('alice'),
    authzid: 'alice@localhost',
  },
  {
    name: 'a good one, asking for the account of bob',
    present: (realm) => realm.issued('alice'),
    authzid: 'bob@localhost',
  },
  { name: 'expired', present: (realm) => realm.ca.issue({ ...ALICE, validity: EXPIRED }), authzid: 'alice@localhost' },
  { name: 'self-signed', present: (realm) => realm.ca.selfSigned(ALICE), authzid: 'alice@localhost' },
  { name: 'from another CA', present: (realm) => realm.otherCa.issue(ALICE), authzid: 'alice@localhost' },
  { name: 'revoked', present: (realm) => realm.issued('carol'), authzid: 'carol@localhost' },
  {
    name: 'for alice@other.example, asking for that',
    present: (realm) => realm.ca.issue({ ...ALICE, xmppAddrs: ['alice@other.example'] }),
    authzid: 'alice@other.example',
  },
  {
    name: 'that of the server, asking for the account of alice',
    present: (realm) => realm.serverCertificate,
    authzid: 'alice@localhost',
  },
  { name: 'that of the walkthrough: Common Name alice', present: (realm) => realm.ca.issueAsInTheGuide('alice') },
  {
    name: 'the same, asking for the account of bob',
    present: (realm) => realm.ca.issueAsInTheGuide('alice'),
    authzid: 'bob@localhost',
  },
]

/** A workspace whose CA is openssl's as well, for certificates that xmppki would never issue. */
export class RenderedRealm {
  readonly cli = new CliHome()
  readonly ca = new OpensslCa('Realm CA')
  readonly otherCa = new OpensslCa('Other CA')
  readonly #folder = mkdtempSync(join(tmpdir(), 'xmppki-rendered-'))
  readonly #rootCertificate = join(this.cli.home, 'ca', 'root.crt')

  async prepare(): Promise<void> {
    writeFileSync(this.cli.path('root.crt'), this.ca.credentials.cert)
    writeFileSync(this.cli.path('root.key'), this.ca.credentials.key)
    await this.run('ca', 'import', 'root.crt', 'root.key', '--no-passphrase', '--domain', 'localhost')
    await this.run('server', 'issue', 'localhost')
    await this.run('client', 'issue', 'alice', 'carol', 'dave')
    await this.run('client', 'revoke', 'carol')
  }

  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.cli.run(args)
    expect(code, `xmppki ${args.join(' ')}: ${stderr}`).toBe(0)
    return stdout
  }

  async render(...args: string[]): Promise<ConfigRenderResult> {
    return JSON.parse(await this.run('config', 'render', ...args, '--json')) as ConfigRenderResult
  }

  issued(name: string): Credentials {
    return issuedCredentials(this.cli.home, name)
  }

  get serverCertificate(): Credentials {
    const file = (name: string) => readFileSync(join(this.cli.home, 'server', 'localhost', name), 'utf8')
    return { key: file('server.key'), cert: file('server.crt') }
  }

  /** Who gets in at a server, and as whom: a column of the table in the manual. */
  async outcomes(port: number): Promise<string[]> {
    const found: string[] = []
    for (const { present, authzid } of CASES) found.push(await outcome(port, present(this), authzid))
    return found
  }

  /** What slixmpp says of its login, with the certificate of alice. */
  async logInWithSlixmpp(peer: RenderedPeer, directTls: boolean): Promise<Record<string, unknown>> {
    const files = join(this.cli.home, 'clients', 'localhost', 'alice')
    const client = slixmpp(
      { ...peer, rootCertificate: this.#rootCertificate },
      {
        jid: 'alice@localhost/slixmpp',
        files: { certificate: join(files, 'alice.crt'), key: join(files, 'alice.key') },
        directTls,
      },
    )
    const online = await client.take('stdout', { event: 'online' })
    expect(await client.finish(), client.stderr.text).toEqual({ code: 0, signal: null })
    return online
  }

  emptyFolder(name: string): string {
    const path = join(this.#folder, name)
    mkdirSync(path)
    return path
  }

  remove(): void {
    this.ca.remove()
    this.otherCa.remove()
    this.cli.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** What the server says after STARTTLS: its features, or why it closes the stream. */
export async function welcome(client: RawClient): Promise<string> {
  await client.open()
  await client.startTls()
  client.send(streamHeader({ to: 'localhost' }))
  return client.receive(/<stream:features>.*<\/stream:features>|<stream:error>.*<\/stream:error>/s)
}

/** Whether somebody gets in, and as whom. */
export async function outcome(port: number, credentials: Credentials, authzid: string | undefined): Promise<string> {
  const client = await RawClient.plain({ port, credentials })
  try {
    if ((await welcome(client)).startsWith('<stream:error>')) return 'refused'
    client.send(external(authzid))
    const answer = await client.receive(/<(success|failure)[^>]*>/)
    if (answer.startsWith('<failure')) return 'refused'
    await client.open()
    return `in as ${(await client.bind('here')).replace(/@localhost\/.*/, '')}`
  } finally {
    client.destroy()
  }
}

/** What the manual says of {@link RenderedRealm.outcomes}: its table has a column for each server. */
export function claimed(column: 1 | 2 | 3): string[] {
  const [table] = markedBlocks(documentText('docs/other-servers.md')).filter(({ mark }) => mark === 'other servers')
  const rows = table === undefined ? [] : tableRows(table)
  expect(rows.map(([name]) => name)).toEqual(CASES.map(({ name }) => name))
  return rows.map((row) => row[column] ?? '')
}

const WAYS = [
  { way: 'STARTTLS', directTls: false },
  { way: 'direct TLS', directTls: true },
]

/** Tests of a server of others with what config render has written for it. @param column as for {@link claimed} */
export function itLogsIn(realm: RenderedRealm, peer: () => RenderedPeer, column: 2 | 3): void {
  it('lets in whom the manual says', async () => {
    expect(await realm.outcomes(peer().port)).toEqual(claimed(column))
  })

  it.each(WAYS)('logs slixmpp in over $way, and offers nothing but EXTERNAL', async ({ directTls }) => {
    expect(await realm.logInWithSlixmpp(peer(), directTls)).toMatchObject({
      mechanism: 'EXTERNAL',
      offered: ['EXTERNAL'],
    })
  })
}
