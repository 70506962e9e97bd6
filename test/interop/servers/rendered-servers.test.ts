import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConfigRenderResult } from '../../../src/commands/config/render.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { issuedCredentials } from '../../support/certificates/issued-credentials.ts'
import { documentText, markedBlocks, tableRows } from '../../support/documents/documents.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { external, RawClient, streamHeader } from '../../support/streams/xmpp-client.ts'
import { slixmpp } from '../clients/slixmpp.ts'
import { program } from '../program.ts'
import { type RenderedPeer, startRenderedEjabberd, startRenderedProsody } from './peer-servers.ts'

/** A workspace whose CA is openssl's as well, for certificates that xmppki would never issue. */
class Realm {
  readonly cli = new CliHome()
  readonly ca = new OpensslCa('Realm CA')
  readonly rootCertificate = join(this.cli.home, 'ca', 'root.crt')

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

  remove(): void {
    this.ca.remove()
    this.cli.remove()
  }
}

const realm = new Realm()
const otherCa = new OpensslCa('Other CA')
const folder = mkdtempSync(join(tmpdir(), 'xmppki-rendered-'))

const ALICE = { subject: '/CN=alice', xmppAddrs: ['alice@localhost'], extendedKeyUsage: 'clientAuth' }
const EXPIRED = ['20200101000000Z', '20210101000000Z'] as const

/** What a client presents and says, by what the table of the manual calls it. */
const CASES: readonly { readonly name: string; readonly present: () => Credentials; readonly authzid?: string }[] = [
  { name: 'a good certificate', present: () => realm.issued('alice') },
  { name: 'a good one, asking for its own account', present: () => realm.issued('alice'), authzid: 'alice@localhost' },
  { name: 'a good one, asking for the account of bob', present: () => realm.issued('alice'), authzid: 'bob@localhost' },
  { name: 'expired', present: () => realm.ca.issue({ ...ALICE, validity: EXPIRED }), authzid: 'alice@localhost' },
  { name: 'self-signed', present: () => realm.ca.selfSigned(ALICE), authzid: 'alice@localhost' },
  { name: 'from another CA', present: () => otherCa.issue(ALICE), authzid: 'alice@localhost' },
  { name: 'revoked', present: () => realm.issued('carol'), authzid: 'carol@localhost' },
  {
    name: 'for alice@other.example, asking for that',
    present: () => realm.ca.issue({ ...ALICE, xmppAddrs: ['alice@other.example'] }),
    authzid: 'alice@other.example',
  },
  {
    name: 'that of the server, asking for the account of alice',
    present: () => realm.serverCertificate,
    authzid: 'alice@localhost',
  },
  { name: 'that of the walkthrough: Common Name alice', present: () => realm.ca.issueAsInTheGuide('alice') },
  {
    name: 'the same, asking for the account of bob',
    present: () => realm.ca.issueAsInTheGuide('alice'),
    authzid: 'bob@localhost',
  },
]

/** What the server says after STARTTLS: its features, or why it closes the stream. */
async function welcome(client: RawClient): Promise<string> {
  await client.open()
  await client.startTls()
  client.send(streamHeader({ to: 'localhost' }))
  return client.receive(/<stream:features>.*<\/stream:features>|<stream:error>.*<\/stream:error>/s)
}

/** Whether somebody gets in, and as whom. */
async function outcome(port: number, credentials: Credentials, authzid: string | undefined): Promise<string> {
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

async function outcomes(port: number): Promise<string[]> {
  const found: string[] = []
  for (const { present, authzid } of CASES) found.push(await outcome(port, present(), authzid))
  return found
}

/** The column of the table in the manual. */
function claimed(column: 1 | 2 | 3): string[] {
  const [table] = markedBlocks(documentText('docs/other-servers.md')).filter(({ mark }) => mark === 'other servers')
  const rows = table === undefined ? [] : tableRows(table)
  expect(rows.map(([name]) => name)).toEqual(CASES.map(({ name }) => name))
  return rows.map((row) => row[column] ?? '')
}

function emptyFolder(name: string): string {
  const path = join(folder, name)
  mkdirSync(path)
  return path
}

async function logInWithSlixmpp(peer: RenderedPeer, directTls: boolean): Promise<Record<string, unknown>> {
  const files = join(realm.cli.home, 'clients', 'localhost', 'alice')
  const client = slixmpp(
    { ...peer, rootCertificate: realm.rootCertificate },
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

const WAYS = [
  { way: 'STARTTLS', directTls: false },
  { way: 'direct TLS', directTls: true },
]

beforeAll(() => realm.prepare())
afterAll(() => {
  otherCa.remove()
  realm.remove()
  rmSync(folder, { recursive: true, force: true })
})

describe('xmppki serve', () => {
  it('lets in whom the manual says', async () => {
    const serve = new ServeProcess(['--home', realm.cli.home])
    const { port } = await serve.listening()
    expect(await outcomes(port)).toEqual(claimed(1))
    expect(await serve.stop()).toBe(0)
  })
})

describe('ejabberd with what config render writes', () => {
  let peer: RenderedPeer
  beforeAll(async () => {
    const { text } = await realm.render('ejabberd')
    peer = await startRenderedEjabberd(emptyFolder('ejabberd'), text)
  })
  afterAll(() => peer?.stop())

  it('lets in whom the manual says', async () => expect(await outcomes(peer.port)).toEqual(claimed(2)))

  it.each(WAYS)('logs slixmpp in over $way, and offers nothing but EXTERNAL', async ({ directTls }) => {
    expect(await logInWithSlixmpp(peer, directTls)).toMatchObject({ mechanism: 'EXTERNAL', offered: ['EXTERNAL'] })
  })

  it('has nothing to complain about the configuration', () => {
    expect(peer.output()).not.toMatch(/\[(?:error|critical)\]|unknown option/)
  })

  it('takes the one with passwords, and logs certificates in while the database is away', async () => {
    const { text } = await realm.render('ejabberd', '--auth', 'rdbms+pki')
    const other = await startRenderedEjabberd(emptyFolder('ejabberd-sql'), text)
    try {
      const { offered } = await logInWithSlixmpp(other, false)
      expect(offered).toEqual(['EXTERNAL', 'PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS'])
    } finally {
      await other.stop()
    }
  })
})

describe('Prosody with what config render writes', () => {
  let peer: RenderedPeer
  beforeAll(async () => {
    const { text } = await realm.render('prosody')
    const often = text.replace('xmppki_check_interval = 60', 'xmppki_check_interval = 1')
    peer = await startRenderedProsody(emptyFolder('prosody'), often)
  })
  afterAll(() => peer?.stop())

  it('lets in whom the manual says', async () => expect(await outcomes(peer.port)).toEqual(claimed(3)))

  it.each(WAYS)('logs slixmpp in over $way, and offers nothing but EXTERNAL', async ({ directTls }) => {
    expect(await logInWithSlixmpp(peer, directTls)).toMatchObject({ mechanism: 'EXTERNAL', offered: ['EXTERNAL'] })
  })

  it.each([
    ['no certificate', undefined, 'there is none'],
    ['an expired one', () => realm.ca.issue({ ...ALICE, validity: EXPIRED }), 'certificate has expired'],
    ['one of another CA', () => otherCa.issue(ALICE), 'unable to get local issuer certificate'],
    ['a revoked one', () => realm.issued('carol'), 'it is revoked'],
    ['that of a server', () => realm.serverCertificate, 'unsuitable certificate purpose'],
  ])('says why it does not go on with %s', async (_case, present, reason) => {
    const client = await RawClient.plain({
      port: peer.port,
      ...(present === undefined ? {} : { credentials: present() }),
    })
    const error = await welcome(client)
    expect(error).toContain('<not-authorized ')
    expect(error).toContain(`the client certificate does not count: ${reason}`)
    client.destroy()
  })

  it.each([
    ['an empty element', "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>", ALICE, '<success'],
    ['a lone =', external(), ALICE, '<success'],
    ['an address in another spelling', external('ALICE@LocalHost'), ALICE, '<success'],
    ['no address at all', external('@'), ALICE, '<invalid-authzid'],
    ['a full address', external('alice@localhost/phone'), ALICE, '<invalid-authzid'],
    [
      'two addresses and none that is asked for',
      external(),
      { ...ALICE, xmppAddrs: ['alice@localhost', 'bob@localhost'] },
      '<invalid-authzid',
    ],
    [
      'two addresses and the second one',
      external('bob@localhost'),
      { ...ALICE, xmppAddrs: ['alice@localhost', 'bob@localhost'] },
      '<success',
    ],
    ['a full address in it', external(), { ...ALICE, xmppAddrs: ['alice@localhost/x'] }, '<not-authorized'],
    [
      'an address of another domain beside the Common Name',
      external(),
      { ...ALICE, xmppAddrs: ['alice@other.example'] },
      '<not-authorized',
    ],
    ['a Common Name that is an address here', external(), { subject: '/CN=alice@localhost' }, '<success'],
    ['a Common Name that is one elsewhere', external(), { subject: '/CN=alice@other.example' }, '<not-authorized'],
    ['two Common Names', external(), { subject: '/CN=alice/CN=bob' }, '<not-authorized'],
    ['no name', external(), { subject: '/O=alice' }, '<not-authorized'],
    ['a localpart that is none', external(), { subject: '/CN=a b' }, '<not-authorized'],
  ])('answers %s', async (_case, auth, request, answer) => {
    const client = await RawClient.secured({ port: peer.port, credentials: realm.ca.issue(request) })
    client.send(auth)
    expect(await client.receive(/<success|<failure[^>]*><[a-z-]+/)).toContain(answer)
    client.destroy()
  })

  it('notices a revocation without a restart, and ends the session', async () => {
    const dave = await RawClient.online({ port: peer.port, credentials: realm.issued('dave') })
    const alice = await RawClient.online({ port: peer.port, credentials: realm.issued('alice') })
    await realm.run('client', 'revoke', 'dave')
    expect(await dave.receive(/<stream:error>.*<\/stream:error>/s)).toMatch(/<not-authorized .*any more: it is revoked/)
    expect(await outcome(peer.port, realm.issued('dave'), undefined)).toBe('refused')
    expect(alice.isClosed).toBe(false)
    for (const client of [dave, alice]) client.destroy()
  })

  it('runs on copies that are made as the file says', async () => {
    const copies = join(emptyFolder("o'brien"), 'copies')
    const { text } = await realm.render('prosody', '--files', copies)
    const commands = text.match(/(?<=^-- {3})install .*$/gm) ?? []
    expect(commands).toHaveLength(5)
    for (const command of commands) {
      const own = command.replace('-o prosody ', `-o ${userInfo().username} `)
      const { code, output } = program('/bin/sh', ['-c', own])
      expect(code, output).toBe(0)
    }
    expect(statSync(join(copies, 'server.key')).mode & 0o777).toBe(0o600)
    expect(text.split('local clients')[1]).not.toContain(realm.cli.home)
    const other = await startRenderedProsody(emptyFolder('prosody-copies'), text)
    try {
      expect(await outcome(other.port, realm.issued('alice'), undefined)).toBe('in as alice')
      expect(await outcome(other.port, realm.issued('carol'), undefined)).toBe('refused')
    } finally {
      await other.stop()
    }
  })

  it('has nothing to complain about the configuration', () => {
    const complaints = peer.output().match(/^\S+ +(?:error|warn)\s.*$/gm) ?? []
    // Debian has this folder in /etc/prosody; and mod_c2s says the other thing of every stream that ends at once.
    const known = /Error indexing certificate directory|No stream features to offer on insecure session/
    expect(complaints.filter((line) => !known.test(line))).toEqual([])
  })

  it('lets passwords in as well, and certificates still', async () => {
    const { text } = await realm.render('prosody', '--auth', 'rdbms+pki')
    const data = emptyFolder('prosody-passwords')
    mkdirSync(join(data, 'localhost', 'accounts'), { recursive: true })
    writeFileSync(join(data, 'localhost', 'accounts', 'erin.dat'), 'return { password = "secret" }\n')
    const other = await startRenderedProsody(data, text)
    try {
      const { offered } = await logInWithSlixmpp(other, false)
      expect(offered).toEqual(expect.arrayContaining(['EXTERNAL', 'PLAIN', 'SCRAM-SHA-1']))
      const erin = await RawClient.plain({ port: other.port })
      expect(await welcome(erin)).not.toContain('EXTERNAL')
      for (const [password, answer] of [
        ['wrong', '<failure'],
        ['secret', '<success'],
      ]) {
        const plain = Buffer.from(`\0erin\0${password}`).toString('base64')
        erin.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`)
        expect(await erin.receive(/<success|<failure.*<\/failure>/s)).toContain(answer)
      }
      erin.destroy()
    } finally {
      await other.stop()
    }
  })
})

describe('below an issuing CA', () => {
  const below = new CliHome()
  let port: number
  let stop: () => Promise<void>
  beforeAll(async () => {
    for (const line of [
      'ca init --no-passphrase --domain localhost',
      'ca issuing init --no-passphrase',
      'server issue localhost',
      'client issue alice bob',
      'client revoke bob',
      'client export alice --format chain --out alice.pem',
    ]) {
      const { code, stderr } = await below.run(line.split(' '))
      expect(code, `${line}: ${stderr}`).toBe(0)
    }
    const { stdout } = await below.run(['config', 'render', 'prosody', '--json'])
    const { text } = JSON.parse(stdout) as ConfigRenderResult
    ;({ port, stop } = await startRenderedProsody(emptyFolder('prosody-issuing'), text))
  })
  afterAll(async () => {
    await stop?.()
    below.remove()
  })

  const chain = (): string => readFileSync(below.path('alice.pem'), 'utf8')
  const file = (user: string, ending: string) =>
    readFileSync(join(below.home, 'clients', 'localhost', user, `${user}.${ending}`), 'utf8')

  it('Prosody lets in who sends the certificate of that CA along', async () => {
    expect(await outcome(port, { key: file('alice', 'key'), cert: chain() }, undefined)).toBe('in as alice')
    expect(await outcome(port, { key: file('alice', 'key'), cert: file('alice', 'crt') }, undefined)).toBe('refused')
  })

  it('Prosody heeds the CRL of that CA', async () => {
    const issuing = chain().slice(chain().indexOf('-----BEGIN CERTIFICATE-----', 10))
    const bob = { key: file('bob', 'key'), cert: file('bob', 'crt') + issuing }
    expect(await outcome(port, bob, undefined)).toBe('refused')
  })
})
