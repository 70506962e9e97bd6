import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { LineProcess } from '../line-process.ts'
import { type ClientFiles, Service } from '../service.ts'
import { type SlixmppOptions, slixmpp } from './slixmpp.ts'

describe('slixmpp', () => {
  let service: Service
  let alice: ClientFiles
  let phone: ClientFiles
  let bob: ClientFiles
  const started: LineProcess[] = []

  beforeAll(async () => {
    service = await Service.create()
    alice = await service.issue('alice')
    phone = await service.issue('alice', '--device', 'phone')
    bob = await service.issue('bob')
    await service.start()
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((client) => client.stop('SIGKILL')))
  })
  afterAll(() => service?.end())

  function start(options: SlixmppOptions): LineProcess {
    const client = slixmpp(service, options)
    started.push(client)
    return client
  }

  const online = (client: LineProcess) => client.take('stdout', { event: 'online' })

  it.each([
    { way: 'STARTTLS', directTls: false },
    { way: 'direct TLS (XEP-0368)', directTls: true },
  ])('logs in with EXTERNAL over $way, sends a message and receives one', async ({ directTls }) => {
    const a = start({ jid: 'alice@localhost/a', files: alice, directTls })
    const b = start({ jid: 'bob@localhost/b', files: bob, directTls })
    const login = { mechanism: 'EXTERNAL', offered: ['EXTERNAL'], tls: 'TLSv1.3', starttls: !directTls }
    expect(await online(a)).toMatchObject({ ...login, jid: 'alice@localhost/a' })
    expect(await online(b)).toMatchObject({ ...login, jid: 'bob@localhost/b' })
    await service.logged({ msg: 'logged in', account: 'alice@localhost' })

    a.write({ to: 'bob@localhost', body: 'Wherefore art thou? <&> ❤' })
    const asked = { from: 'alice@localhost/a', to: 'bob@localhost', body: 'Wherefore art thou? <&> ❤' }
    expect(await b.take('stdout', { event: 'message' })).toMatchObject(asked)
    b.write({ to: 'alice@localhost/a', body: 'Here' })
    const answered = { from: 'bob@localhost/b', to: 'alice@localhost/a', body: 'Here' }
    expect(await a.take('stdout', { event: 'message' })).toMatchObject(answered)

    for (const client of [a, b]) expect(await client.finish(), client.stderr.text).toEqual({ code: 0, signal: null })
  })

  it('logs in as the program that is printed for it, which shows what it is sent', async () => {
    const address = ['--host', '127.0.0.1', '--port', String(service.port)]
    const program = service.cli.path('bot.py')
    await service.run(
      'config',
      'render',
      'client',
      'slixmpp',
      '--user',
      'bob',
      ...address,
      '--format',
      'settings',
      '--out',
      program,
    )
    const bot = new LineProcess('/usr/bin/python3', [program], {
      env: { PATH: process.env['PATH'], HOME: service.cli.folder, LC_ALL: 'C.UTF-8' },
    })
    started.push(bot)
    const a = start({ jid: 'alice@localhost/a', files: alice })
    await online(a)
    await bot.stdout.take((line) => line.startsWith('logged in as bob@localhost/'), 'a login')
    a.write({ to: 'bob@localhost', body: 'Art thou not Romeo?' })
    await bot.stdout.take((line) => line === 'alice@localhost/a Art thou not Romeo?', 'the message')
  })

  it('logs in with two devices of one user at once, each reachable at its full JID', async () => {
    const desk = start({ jid: 'alice@localhost/desk', files: alice })
    const mobile = start({ jid: 'alice@localhost/mobile', files: phone })
    const b = start({ jid: 'bob@localhost/b', files: bob })
    for (const client of [desk, mobile, b]) expect(await online(client)).toMatchObject({ mechanism: 'EXTERNAL' })

    b.write({ to: 'alice@localhost/desk', body: 'to the desk' })
    b.write({ to: 'alice@localhost/mobile', body: 'to the phone' })
    expect(await desk.take('stdout', { event: 'message' })).toMatchObject({ body: 'to the desk' })
    expect(await mobile.take('stdout', { event: 'message' })).toMatchObject({ body: 'to the phone' })
    mobile.write({ to: 'alice@localhost/desk', body: 'from my phone' })
    expect(await desk.take('stdout', { event: 'message' })).toMatchObject({ from: 'alice@localhost/mobile' })
  })

  it.each([
    { way: 'STARTTLS', directTls: false },
    { way: 'direct TLS', directTls: true },
  ])('without a certificate it is not let in over $way, and ends', async ({ directTls }) => {
    const client = start({ jid: 'alice@localhost/none', directTls })
    const { offered } = await client.take('stdout', { event: 'refused' })
    expect(offered).toEqual([])
    expect(await client.ended).toEqual({ code: 1, signal: null })
  })

  it('with a certificate of another CA it is not let in, and the log says why', async () => {
    const other = await Service.create('--cn', 'another CA')
    try {
      const client = start({ jid: 'alice@localhost/other', files: await other.issue('alice') })
      await client.take('stdout', { event: 'refused' })
      expect(await client.ended).toEqual({ code: 1, signal: null })
      const line = await service.logged({ msg: 'EXTERNAL not offered', check: 'unknown-ca' })
      expect(line).toMatchObject({ subject: 'CN=alice', issuer: 'CN=another CA' })
    } finally {
      await other.end()
    }
  })

  it('refuses a server whose certificate comes from a CA it does not trust', async () => {
    const other = await Service.create('--cn', 'another CA')
    try {
      const client = start({ jid: 'alice@localhost/wary', files: alice, ca: other.rootCertificate })
      const { reason } = await client.take('stdout', { event: 'refused' })
      expect(reason).toMatch(/^server certificate: .*CERTIFICATE_VERIFY_FAILED/)
      expect(await client.ended).toEqual({ code: 1, signal: null })
    } finally {
      await other.end()
    }
  })
})
