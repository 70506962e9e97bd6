import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { installAll, type WantedInstallation } from '../../../src/workspace/base/install.ts'
import { type BatchClient, type BatchRequest, issueClients } from '../../../src/workspace/clients/issue-clients.ts'
import { checkPasswordList, writePasswordList } from '../../../src/workspace/clients/password-list.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { issuedRecord } from '../../store/ledger-contract.ts'
import { CaFolder, openssl } from '../support.ts'

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const named = (...names: string[]): BatchClient[] =>
  names.map((name) => ({ jid: parseJid(`${name}@localhost`), device: '', days: 30 }))

const issue = (clients: readonly BatchClient[], given: Partial<BatchRequest<BatchClient>> = {}) =>
  issueClients(ca.workspace, {
    clients,
    algorithm: keyAlgorithm('ec:p256'),
    p12Format: 'modern',
    ifMissing: false,
    checkFirst: false,
    issuer: ca.issuer,
    onProgress: () => undefined,
    ...given,
  })

const clientFolder = (...parts: string[]) => join(ca.home, 'clients', 'localhost', ...parts)
const rows = () => ca.workspace.ledger().list('client')

describe('issueClients', () => {
  it('issues for all in several groups, answers in their order, counts up to the end', async () => {
    const names = Array.from({ length: 70 }, (_, index) => `user${index}`)
    const counts: number[] = []
    const { issued, failed, left } = await issue(named(...names), {
      onProgress: ({ settled }) => counts.push(settled),
    })
    expect(issued.map(({ jid }) => jid)).toEqual(names.map((name) => `${name}@localhost`))
    expect([failed, left]).toEqual([[], 0])
    expect(counts).toEqual(names.map((_, index) => index + 1))
    expect(readdirSync(clientFolder()).sort()).toEqual([...names].sort())
    expect(new Set(rows().map(({ serial }) => serial)).size).toBe(70)
    expect(readdirSync(join(ca.home, 'tmp'))).toEqual([])
  })

  it('makes bundles that open with the password beside them, with the rounds that 100 random bits need', async () => {
    const [client] = (await issue(named('alice'))).issued
    const secret = readFileSync(client?.files.p12Password ?? '', 'utf8').trim()
    openssl('pkcs12', '-in', client?.files.p12 ?? '', '-passin', `pass:${secret}`, '-noout')
    const modes = readdirSync(clientFolder('alice')).map((name) => statSync(clientFolder('alice', name)).mode & 0o777)
    expect(modes).toEqual([0o644, 0o644, 0o600, 0o600, 0o600])
  })

  it('goes on after the failure of one', async () => {
    mkdirSync(clientFolder('bob'), { recursive: true })
    writeFileSync(clientFolder('bob', 'precious'), 'x')
    const clients = [...named('alice', 'bob'), { ...named('carol')[0], days: 9999 } as BatchClient, ...named('dora')]
    const { issued, failed } = await issue(clients)
    expect(issued.map(({ jid }) => jid)).toEqual(['alice@localhost', 'dora@localhost'])
    expect(failed.map(({ client, error }) => [client.jid.local, error.code])).toEqual([
      ['bob', 'EXISTS'],
      ['carol', 'BAD_INPUT'],
    ])
    expect(readdirSync(clientFolder('bob'))).toEqual(['precious'])
    expect(rows().map(({ name }) => name)).toEqual(['alice@localhost', 'dora@localhost'])
  })

  it('writes nothing when asked to check first and one cannot be certified', async () => {
    const clients = [...named('alice'), { ...named('carol')[0], days: 9999 } as BatchClient]
    await expect(issue(clients, { checkFirst: true })).rejects.toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
    expect(rows()).toEqual([])
  })

  it('finishes what it has in hand when it is stopped, and the same again does the rest', async () => {
    const clients = named(...Array.from({ length: 40 }, (_, index) => `user${index}`))
    const stop = new AbortController()
    stop.abort()
    const { issued, left } = await issue(clients, { signal: stop.signal })
    expect(issued.length).toBeGreaterThan(0)
    expect(issued.length + left).toBe(40)
    expect(left).toBeGreaterThan(0)
    const again = await issue(clients, { ifMissing: true })
    expect(again.issued.filter(({ created }) => created)).toHaveLength(left)
    expect(rows()).toHaveLength(40)
  })
})

describe('installAll', () => {
  const member = (serial: string, name: string): WantedInstallation => ({
    installation: {
      record: issuedRecord({ serial, name, directory: clientFolder(name) }),
      files: [{ name: 'x.crt', content: 'certificate', mode: 0o644 }],
      certificateFile: 'x.crt',
    },
    wanted: () => true,
  })
  const install = (...members: WantedInstallation[]) => installAll(ca.workspace.ledger(), join(ca.home, 'tmp'), members)

  it('leaves out who is not wanted and who is in the way, and installs the others', async () => {
    mkdirSync(clientFolder('b'), { recursive: true })
    const outcomes = await install(member('a1', 'a'), member('b2', 'b'), { ...member('c3', 'c'), wanted: () => false })
    expect(outcomes).toEqual(['installed', expect.any(XmppkiError), 'unwanted'])
    expect(readdirSync(clientFolder()).sort()).toEqual(['a', 'b'])
    expect(rows().map(({ serial }) => serial)).toEqual(['a1'])
  })

  it('installs none of them when the ledger refuses a row', async () => {
    await install(member('a1', 'a'))
    await expect(install(member('b2', 'b'), member('a1', 'c'))).rejects.toThrow(
      expect.objectContaining({ code: 'CORRUPT' }),
    )
    expect(readdirSync(clientFolder())).toEqual(['a'])
    expect(rows().map(({ serial }) => serial)).toEqual(['a1'])
  })

  it('killed among the renames: the next one adds the rows of those that are visible, and removes the others', async () => {
    const { issued } = await issue(named('alice', 'bob'))
    const journal = rows().map((record, index) => ({
      record: { ...record, serial: `f${index}` },
      certificateFile: `${record.name.split('@')[0]}.crt`,
      actor: { user: 'x', host: 'y', pid: 1 },
      staging: clientFolder(`.xmppki-${index}`),
    }))
    writeFileSync(join(ca.home, 'tmp', '.xmppki-x.json'), JSON.stringify(journal))
    renameSync(issued[1]?.directory ?? '', clientFolder('.xmppki-1'))
    await install(member('c3', 'carol'))
    expect(readdirSync(clientFolder()).sort()).toEqual(['alice', 'carol'])
    expect(ca.workspace.ledger().listBySerial('f0')[0]).toBeDefined()
    expect(ca.workspace.ledger().listBySerial('f1')[0]).toBeUndefined()
    expect(readdirSync(join(ca.home, 'tmp'))).toEqual([])
  })
})

describe('the list of passwords', () => {
  it('has those of this run and of earlier ones, for the owner alone, and replaces nothing', async () => {
    await issue(named('alice'))
    const { issued } = await issue(named('alice', 'a,b'), { ifMissing: true })
    const path = ca.path('passwords.csv')
    checkPasswordList(path)
    expect(writePasswordList(path, issued)).toBe(2)
    const secrets = issued.map(({ files }) => readFileSync(files.p12Password ?? '', 'utf8').trim())
    expect(readFileSync(path, 'utf8').split('\r\n')).toEqual([
      'jid,device,bundle,password',
      `alice@localhost,,${issued[0]?.files.p12},${secrets[0]}`,
      `"a,b@localhost",,${issued[1]?.files.p12},${secrets[1]}`,
      '',
    ])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(() => checkPasswordList(path)).toThrow(expect.objectContaining({ code: 'EXISTS' }))
    expect(() => writePasswordList(path, [])).toThrow(expect.objectContaining({ code: 'IO' }))
    expect(readFileSync(path, 'utf8')).toContain('alice')
    expect(existsSync(ca.path('.xmppki'))).toBe(false)
  })
})
