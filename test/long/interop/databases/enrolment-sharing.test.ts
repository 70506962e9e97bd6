import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SqliteLedger } from '../../../../src/store/sqlite/ledger.ts'
import { TwoMachines } from '../../../interop/databases/two-machines.ts'
import { type Credentials, OpensslCa } from '../../../support/certificates/certificates.ts'
import { runCli } from '../../../support/processes/cli.ts'
import type { Listening } from '../../../support/processes/serve.ts'
import { external, type RawClient } from '../../../support/streams/xmpp-client.ts'

const NS = 'urn:xmpp:saslcert:1'
const ALICE = 'alice@localhost'

const openssl = new OpensslCa()
const phone = openssl.selfSigned({ subject: '/CN=phone' })
const laptop = openssl.selfSigned({ subject: '/CN=laptop' })

let machines: TwoMachines
let database: string
let here: string
let there: string

beforeAll(async () => {
  const settings = '[auth]\nmethods = ["pki", "rdbms"]\ncertificate_enrolment = true\n'
  machines = await TwoMachines.create({ users: ['alice', 'bob'], settings })
})
beforeEach(async () => {
  ;({ here, there, database } = await machines.renew())
})
afterEach(() => machines.clear())
afterAll(async () => {
  await machines?.remove()
  openssl.remove()
})

/** The mechanisms that are offered, and the answer to EXTERNAL. */
async function attempt(server: Listening, own: Credentials): Promise<string> {
  const client = await machines.direct(server, own)
  const offered = (await client.open()).includes('EXTERNAL') ? 'offered' : 'not offered'
  client.send(external())
  const answer = await client.receive(/<success|<failure[^>]*><[^/]*/)
  return `${offered}, ${answer.replace(/.*</, '')}`
}
const IN = 'offered, success'
const OUT = 'not offered, not-authorized'

const base64 = ({ cert }: Credentials) => new X509Certificate(cert).raw.toString('base64')
const fingerprint = ({ cert }: Credentials) =>
  new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase()

let count = 0
/** The type of the answer, or the condition of an error. */
async function ask(client: RawClient, type: 'get' | 'set', payload: string): Promise<string> {
  const id = `q${count++}`
  client.send(`<iq type='${type}' id='${id}'>${payload}</iq>`)
  const answer = await client.receive(new RegExp(`<iq type="[a-z]*" id="${id}"[^>]*?(?:/>|>.*?</iq>)`, 's'))
  return answer
    .replace(/^<iq type="error".*?<error type="[a-z]*"><([a-z-]*).*/s, '$1')
    .replace(/^<iq type="result".*?>/, 'done')
}
const enrol = (client: RawClient, name: string, certificate: Credentials) =>
  ask(client, 'set', `<append xmlns='${NS}'><name>${name}</name><x509cert>${base64(certificate)}</x509cert></append>`)
const end = (client: RawClient, how: 'disable' | 'revoke', name: string) =>
  ask(client, 'set', `<${how} xmlns='${NS}'><name>${name}</name></${how}>`)
const names = async (client: RawClient) =>
  [...(await ask(client, 'get', `<items xmlns='${NS}'/>`)).matchAll(/<name>(.*?)<\/name>/g)].map(([, name]) => name)

/** Until another machine has learned of it: there is nothing that says so. */
async function eventually(probe: () => Promise<string>, wanted: string): Promise<void> {
  const deadline = Date.now() + 60_000
  for (let told = await probe(); told !== wanted; told = await probe()) {
    if (Date.now() > deadline) throw new Error(`still ${told}, not ${wanted}`)
  }
}

/** The entries about enrolments, one a line. */
const audit = async (home: string) => {
  const lines = (await machines.run(['ca', 'audit', '--json'], home)).stdout.split('\n').filter((line) => line !== '')
  const entries = lines.map((line) => JSON.parse(line) as { event?: string; details?: { label?: string } })
  return entries.flatMap(({ event, details }) => (event?.startsWith('enrol') ? [`${event} ${details?.label}`] : []))
}

const ENDED = /<stream:error><not-authorized[^>]*\/><text[^>]*>certificate revoked/

describe('a certificate that is enrolled on one machine', () => {
  it('logs in on the other, and its session there ends when it is revoked here', async () => {
    const [a, b] = [await machines.serve(here), await machines.serve(there)]
    const alice = await machines.online(a, machines.credentials('alice'))
    expect(await attempt(b, phone)).toBe(OUT)
    expect(await enrol(alice, 'Phone', phone)).toBe('done')
    expect(await attempt(a, phone)).toBe(IN)
    await eventually(() => attempt(b, phone), IN)
    const session = await machines.online(b, phone)
    expect(await names(session)).toEqual(['Phone'])
    expect(await enrol(session, 'Phone', laptop)).toBe('conflict')
    expect(await enrol(await machines.online(b, machines.credentials('bob')), 'Mine', phone)).toBe('conflict')
    expect(await end(alice, 'revoke', 'Phone')).toBe('done')
    await session.receive(ENDED)
    expect([await attempt(a, phone), await attempt(b, phone)]).toEqual([OUT, OUT])
    expect(await enrol(await machines.online(b, machines.credentials('alice')), 'Again', phone)).toBe('not-acceptable')
    expect([await audit(here), await audit(there)]).toEqual([['enrolled Phone', 'enrolment-revoked Phone'], []])
  })

  it('is ended everywhere by commands', async () => {
    const [a, b] = [await machines.serve(here), await machines.serve(there)]
    const password = join(machines.folder, 'password')
    writeFileSync(password, 'open sesame\n', { mode: 0o600 })
    await machines.run(['user', 'add', 'bob', '--password-file', password], here)
    await enrol(await machines.online(a, machines.credentials('alice')), 'Phone', phone)
    await enrol(await machines.online(b, machines.credentials('bob')), 'Laptop', laptop)
    await eventually(() => attempt(b, phone), IN)
    const sessions = [await machines.online(a, phone), await machines.online(b, phone)]
    expect((await machines.run(['client', 'revoke', 'alice'], there)).stderr).toContain(
      'has enrolled certificates (XEP-0257): Phone;',
    )
    const { stdout } = await machines.run(['client', 'revoke', 'alice', '--all-devices', '--json'], there)
    expect(JSON.parse(stdout).enrolled).toEqual([{ jid: ALICE, label: 'Phone', fingerprint: fingerprint(phone) }])
    for (const session of sessions) await session.receive(ENDED)
    const deleted = await machines.run(['user', 'delete', 'bob', '--json'], here)
    expect(JSON.parse(deleted.stdout).enrolled).toMatchObject([{ label: 'Laptop' }])
    await eventually(() => attempt(b, laptop), OUT)
    expect([await audit(here), await audit(there)]).toEqual([
      ['enrolled Phone', 'enrolment-revoked Laptop'],
      ['enrolled Laptop', 'enrolment-revoked Phone'],
    ])
  })
})

describe('while the database is away', () => {
  it('known ones log in, also at a server that starts, and nothing is changed; then it goes on', async () => {
    const [a, b] = [await machines.serve(here), await machines.serve(there)]
    const alice = await machines.online(a, machines.credentials('alice'))
    await enrol(alice, 'Phone', phone)
    await eventually(() => attempt(b, phone), IN)
    await enrol(alice, 'Lost', laptop)
    await end(alice, 'revoke', 'Lost')
    await machines.server.crash()
    expect(await attempt(a, phone)).toBe(IN)
    expect(await end(alice, 'disable', 'Phone')).toBe('resource-constraint')
    expect(await names(alice)).toEqual(['Phone'])
    const gone = await runCli(['client', 'revoke', 'bob', '--all-devices', '--home', here])
    expect([gone.code, gone.stderr]).toEqual([9, expect.stringContaining('enrolled themselves still log in')])
    await b.process.stop('SIGKILL')
    const again = await machines.serve(there)
    expect([await attempt(again, phone), await attempt(again, laptop)]).toEqual([IN, OUT])
    await machines.server.start()
    await again.process.logged({ msg: 'enrolled certificates are shared again' })
    await eventually(() => end(alice, 'revoke', 'Phone'), 'done')
    await eventually(() => attempt(again, phone), OUT)
    expect(machines.logs).not.toMatch(/w%C3%B6rd|wörd/)
  })
})

describe('a server that is killed between the database and its ledger', () => {
  it('has the audit entry after the next start', async () => {
    const a = await machines.serve(here)
    const alice = await machines.online(a, machines.credentials('alice'))
    const ledger = new SqliteLedger(join(here, 'ledger.db'))
    await ledger.longTransaction(async () => {
      // The entry has to wait for the lock, and the change does not.
      expect(await enrol(alice, 'Phone', phone)).toBe('done')
      await a.process.stop('SIGKILL')
    })
    expect([...ledger.auditTrail()].some(({ text }) => text.includes('"enrolled"'))).toBe(false)
    ledger.close()
    const again = await machines.serve(here)
    expect(await attempt(again, phone)).toBe(IN)
    expect(await audit(here)).toEqual(['enrolled Phone'])
    await again.process.stop()
    await machines.serve(here)
    expect(await audit(here)).toEqual(['enrolled Phone'])
  })
})

describe('what was enrolled before the database was shared', () => {
  /** As a server leaves it that shares nothing. */
  function enrolInLedger(home: string, given: { label: string; certificate: Credentials; account?: string }): void {
    const { label, certificate, account = ALICE } = given
    const ledger = new SqliteLedger(join(home, 'ledger.db'))
    const more = { certificate: base64(certificate), mayManage: true, enrolledAt: 1, notAfter: Date.now() + 1_000_000 }
    ledger.transaction((_insert, changes) =>
      changes.enrol({ account, label, fingerprint: fingerprint(certificate), ...more }),
    )
    ledger.close()
  }
  const labelsIn = (home: string) => {
    const ledger = new SqliteLedger(join(home, 'ledger.db'))
    const labels = ledger.enrolments.all().map(({ label }) => label)
    ledger.close()
    return labels
  }

  it('moves once, from two servers that start at the same time', async () => {
    enrolInLedger(here, { label: 'Phone', certificate: phone })
    enrolInLedger(there, { label: 'Phone', certificate: phone })
    enrolInLedger(there, { label: 'Laptop', certificate: laptop, account: 'bob@localhost' })
    const [a, b] = await Promise.all([machines.serve(here), machines.serve(there)])
    await eventually(() => attempt(a, laptop), IN)
    expect([await attempt(a, phone), await attempt(b, phone), await attempt(b, laptop)]).toEqual([IN, IN, IN])
    for (const home of [here, there]) await eventually(async () => labelsIn(home).join(), '')
    expect(await machines.server.sql(database, 'SELECT label FROM xmppki_enrolment ORDER BY label')).toEqual([
      { label: 'Laptop' },
      { label: 'Phone' },
    ])
  })

  it('counts while the database cannot be reached yet', async () => {
    enrolInLedger(here, { label: 'Phone', certificate: phone })
    await machines.server.stop()
    const a = await machines.serve(here)
    expect(await attempt(a, phone)).toBe(IN)
    expect(labelsIn(here)).toEqual(['Phone'])
    await machines.server.start()
    await a.process.logged({ msg: 'enrolled certificates moved from the ledger to the shared database' })
    await a.process.logged({ msg: 'enrolled certificates are shared again' })
    await eventually(async () => labelsIn(here).join(), '')
    expect(await attempt(a, phone)).toBe(IN)
  })

  it('moves when a database is named while the server runs: who is logged in stays', async () => {
    const shared = readFileSync(join(here, 'xmppki.toml'), 'utf8')
    writeFileSync(join(here, 'xmppki.toml'), shared.replace(/\[store\][^[]*/, ''))
    const [a, b] = [await machines.serve(here), await machines.serve(there)]
    const alice = await machines.online(a, machines.credentials('alice'))
    expect(await enrol(alice, 'Phone', phone)).toBe('done')
    const session = await machines.online(a, phone)
    writeFileSync(join(here, 'xmppki.toml'), shared)
    await eventually(() => attempt(b, phone), IN)
    expect(await attempt(a, phone)).toBe(IN)
    await eventually(async () => labelsIn(here).join(), '')
    expect(await names(session)).toEqual(['Phone'])
    await eventually(async () => end(await machines.online(b, phone), 'revoke', 'Phone'), 'done')
    await session.receive(ENDED)
  })
})
