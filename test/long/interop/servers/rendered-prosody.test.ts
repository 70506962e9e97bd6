import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConfigRenderResult } from '../../../../src/commands/config/render.ts'
import { program } from '../../../interop/program.ts'
import { type RenderedPeer, startRenderedProsody } from '../../../interop/servers/peer-servers.ts'
import { ALICE, EXPIRED, outcome, RenderedRealm, welcome } from '../../../interop/servers/rendered-realm.ts'
import { CliHome } from '../../../support/processes/cli.ts'
import { external, RawClient } from '../../../support/streams/xmpp-client.ts'

const realm = new RenderedRealm()
beforeAll(() => realm.prepare())
afterAll(() => realm.remove())

describe('Prosody with what config render writes', () => {
  let peer: RenderedPeer
  beforeAll(async () => {
    const { text } = await realm.render('prosody')
    const often = text.replace('xmppki_check_interval = 60', 'xmppki_check_interval = 1')
    peer = await startRenderedProsody(realm.emptyFolder('prosody'), often)
  })
  afterAll(() => peer?.stop())

  it.each([
    ['no certificate', undefined, 'there is none'],
    ['an expired one', () => realm.ca.issue({ ...ALICE, validity: EXPIRED }), 'certificate has expired'],
    ['one of another CA', () => realm.otherCa.issue(ALICE), 'unable to get local issuer certificate'],
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
    const copies = join(realm.emptyFolder("o'brien"), 'copies')
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
    const other = await startRenderedProsody(realm.emptyFolder('prosody-copies'), text)
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
    const data = realm.emptyFolder('prosody-passwords')
    mkdirSync(join(data, 'localhost', 'accounts'), { recursive: true })
    writeFileSync(join(data, 'localhost', 'accounts', 'erin.dat'), 'return { password = "secret" }\n')
    const other = await startRenderedProsody(data, text)
    try {
      const { offered } = await realm.logInWithSlixmpp(other, false)
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
    ;({ port, stop } = await startRenderedProsody(realm.emptyFolder('prosody-issuing'), text))
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
