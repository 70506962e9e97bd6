import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { slixmpp } from '../../../interop/clients/slixmpp.ts'
import type { LineProcess } from '../../../interop/line-process.ts'
import { type ClientFiles, Service } from '../../../interop/service.ts'
import { startPoezio } from './poezio.ts'
import type { Terminal } from './terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'xk-'))
// Poezio runs as somebody else and reads a certificate that it is to enrol.
chmodSync(folder, 0o755)
afterAll(() => rmSync(folder, { recursive: true }))

type SelfSigned = Pick<ClientFiles, 'certificate' | 'key'>

/** A key and a certificate of nobody but the user, as openssl makes them. */
function selfSigned(name: string): SelfSigned {
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  const type = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const args = ['req', '-x509', '-noenc', ...type, '-subj', `/CN=${name}`, '-keyout', key, '-out', certificate]
  execFileSync('openssl', args, { stdio: 'ignore', timeout: 100_000 })
  chmodSync(certificate, 0o644)
  return { certificate, key }
}

const base64 = ({ certificate }: SelfSigned) =>
  new X509Certificate(readFileSync(certificate, 'utf8')).raw.toString('base64')

/** A command on Poezio's first tab, where a slash has to come first. */
async function command(poezio: Terminal, text: string): Promise<void> {
  poezio.press('/')
  await poezio.shows('screen', /│\/ *$/m)
  await poezio.type(text)
}

describe('XEP-0257', () => {
  let service: Service
  let alice: ClientFiles
  const started: LineProcess[] = []

  beforeAll(async () => {
    service = await Service.create()
    writeFileSync(join(service.cli.home, 'xmppki.toml'), '[auth]\ncertificate_enrolment = true\n')
    alice = await service.issue('alice')
    await service.start()
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((client) => client.stop('SIGKILL')))
  })
  afterAll(() => service?.end())

  async function online(resource: string, files: SelfSigned): Promise<LineProcess> {
    const client = slixmpp(service, { jid: `alice@localhost/${resource}`, files: { ...alice, ...files } })
    started.push(client)
    expect(await client.take('stdout', { event: 'online' })).toMatchObject({ mechanism: 'EXTERNAL' })
    return client
  }

  async function refused(files: SelfSigned): Promise<void> {
    const client = slixmpp(service, { jid: 'alice@localhost/no', files: { ...alice, ...files } })
    started.push(client)
    await client.take('stdout', { event: 'refused' })
    expect(await client.ended).toEqual({ code: 1, signal: null })
  }

  function certs(client: LineProcess, command: Record<string, unknown>): Promise<Record<string, unknown>> {
    client.write(command)
    return client.take('stdout', { event: 'certs' })
  }

  it('slixmpp adds a certificate, logs in with it, and is thrown out when it is revoked', async () => {
    const bot = selfSigned('bot')
    await refused(bot)
    const desk = await online('desk', alice)
    const add = { certs: 'add', name: 'Bot', cert: base64(bot), manage: false }
    expect(await certs(desk, add)).toMatchObject({ done: 'add' })
    expect(await certs(desk, add)).toMatchObject({ error: 'conflict' })
    const client = await online('bot', bot)
    expect(await certs(desk, { certs: 'get' })).toMatchObject({
      certs: [{ name: 'Bot', cert: base64(bot), users: ['bot'] }],
    })
    expect(await certs(client, { certs: 'revoke', name: 'Bot' })).toMatchObject({ error: 'forbidden' })
    expect(await certs(desk, { certs: 'revoke', name: 'Bot' })).toMatchObject({ done: 'revoke' })
    expect(await client.take('stdout', { event: 'closed' })).toMatchObject({ condition: 'not-authorized' })
    await client.ended
    await refused(bot)
    expect(await certs(desk, { certs: 'get' })).toMatchObject({ certs: [] })
    expect(await desk.finish()).toEqual({ code: 0, signal: null })
  })

  it('slixmpp disables a certificate: who is logged in with it stays, and nobody comes back', async () => {
    const tablet = selfSigned('tablet')
    const desk = await online('desk', alice)
    await certs(desk, { certs: 'add', name: 'Tablet', cert: base64(tablet), manage: true })
    const client = await online('tablet', tablet)
    expect(await certs(desk, { certs: 'disable', name: 'Tablet' })).toMatchObject({ done: 'disable' })
    await refused(tablet)
    expect(await certs(client, { certs: 'get' })).toMatchObject({ certs: [] })
    expect(await client.finish()).toEqual({ code: 0, signal: null })
  })

  it('a certificate goes when the CA revokes the one that it was enrolled with', async () => {
    const stolen = await service.issue('alice', '--device', 'stolen')
    const [thief, hidden] = [await online('thief', stolen), selfSigned('hidden')]
    await certs(thief, { certs: 'add', name: 'Hidden', cert: base64(hidden), manage: true })
    const client = await online('hidden', hidden)
    await service.run('client', 'revoke', 'alice', '--device', 'stolen', '--reason', 'keyCompromise')
    for (const one of [thief, client]) {
      expect(await one.take('stdout', { event: 'closed' })).toMatchObject({ condition: 'not-authorized' })
    }
    await refused(hidden)
    expect(await service.run('ca', 'audit', '--event', 'enrolled', '--user', 'alice')).toMatch(/ label=Hidden$/m)
  })

  it('is not there unless the configuration says so', async () => {
    const other = await Service.create()
    try {
      const files = await other.issue('alice')
      await other.start()
      const client = slixmpp(other, { jid: 'alice@localhost/desk', files })
      started.push(client)
      await client.take('stdout', { event: 'online' })
      const add = { certs: 'add', name: 'Bot', cert: base64(selfSigned('unwanted')), manage: true }
      expect(await certs(client, add)).toMatchObject({ error: 'service-unavailable' })
      await client.finish()
    } finally {
      await other.end()
    }
  })

  it('Poezio: /cert_add, /certs, /cert_disable, /cert_revoke', async () => {
    const [first, second] = [selfSigned('first'), selfSigned('second')]
    const poezio = await startPoezio(service, alice)
    try {
      await poezio.shows('screen', 'alice@localhost')
      await poezio.shows('log', /urn:xmpp:saslcert:1/)
      await command(poezio, `cert_add first ${first.certificate}`)
      await poezio.shows('screen', 'Certificate added.')
      const client = await online('first', first)
      await command(poezio, `cert_add second ${second.certificate} false`)
      await poezio.shows('screen', /Certificate added\.[\s\S]*Certificate added\./)
      await poezio.shows('log', /<no-cert-management/)
      await online('second', second)
      await command(poezio, 'certs')
      await poezio.shows('screen', /first: first/)
      await poezio.shows('screen', /second: second/)
      await command(poezio, 'cert_disable second')
      await poezio.shows('log', /<disable /)
      await command(poezio, 'cert_revoke first')
      expect(await client.take('stdout', { event: 'closed' })).toMatchObject({ condition: 'not-authorized' })
      await refused(first)
      await refused(second)
    } finally {
      poezio.end()
    }
  })
})
