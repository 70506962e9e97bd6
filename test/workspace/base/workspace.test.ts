import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { openWorkspace, type Workspace } from '../../../src/workspace/base/workspace.ts'
import { initCa, type RootRequest } from '../../../src/workspace/ca/init-ca.ts'
import { type ClientRequest, findClient, issueClient } from '../../../src/workspace/clients/issue-client.ts'
import { issueServer } from '../../../src/workspace/servers/issue-server.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'

let folder: string
let count = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-workspace-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const newHome = () => join(folder, String(count++))
const algorithm = keyAlgorithm('ec:p256')
const rootRequest: RootRequest = {
  commonName: 'Test CA',
  algorithm,
  days: 3650,
  permitDomains: [],
  domain: 'localhost',
  passphrase: async () => undefined,
  ifMissing: false,
}

const noPassphrase = () => Promise.reject(new Error('nobody should ask for a passphrase'))

function clientRequest(workspace: Workspace, given: Partial<ClientRequest> = {}): ClientRequest {
  return {
    jid: parseJid('alice@localhost'),
    device: '',
    days: 500,
    algorithm,
    p12Format: 'modern',
    ifMissing: false,
    issuer: () => workspace.unlockCa(noPassphrase),
    ...given,
  }
}

async function madeCa(warnings: string[] = []): Promise<Workspace> {
  const workspace = openWorkspace(newHome(), { create: true, warn: (text) => warnings.push(text) })
  await initCa(workspace, rootRequest)
  return workspace
}

const failure = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) })

describe('openWorkspace', () => {
  it('says how to make a CA where there is no folder', () => {
    const home = newHome()
    expect(() => openWorkspace(home)).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', message: `no CA in ${home}`, hint: 'run: xmppki ca init' }),
    )
  })

  it('says so as well where there is an empty one', () => {
    const workspace = openWorkspace(newHome(), { create: true })
    expect(() => workspace.root()).toThrow(failure('NOT_FOUND', 'no CA in'))
    expect(() => workspace.defaultDomain).toThrow(failure('NOT_FOUND', 'no CA in'))
  })

  it.each([
    ['a file', (path: string) => writeFileSync(path, ''), 'is not a folder'],
    ['below a file', () => writeFileSync(join(folder, 'file'), ''), 'part of the path is not a folder'],
  ])('cannot be made at the place of %s', (name, prepare, text) => {
    const path = name === 'a file' ? newHome() : join(folder, 'file', 'home')
    prepare(path)
    expect(() => openWorkspace(path, { create: true })).toThrow(failure('IO', text))
  })

  it('cannot be made in /proc, and does not try for ever', () => {
    expect(() => openWorkspace('/proc/xmppki/home', { create: true })).toThrow(failure('IO', '/proc/xmppki'))
  })
})

describe('damage', () => {
  it.each([
    ['not JSON', 'not json'],
    ['another kind of JSON', '[1]'],
    ['no domain', '{"version":1}'],
    ['a newer version', '{"version":2,"domain":"localhost"}'],
    ['an empty file', ''],
  ])('workspace.json: %s', async (_case, text) => {
    const workspace = await madeCa()
    writeFileSync(workspace.paths.settings, text)
    expect(() => workspace.defaultDomain).toThrow(failure('CORRUPT', workspace.paths.settings))
    workspace.close()
  })

  it('workspace.json: missing, although there is a CA', async () => {
    const workspace = await madeCa()
    rmSync(workspace.paths.settings)
    expect(() => workspace.defaultDomain).toThrow(failure('CORRUPT', 'is missing'))
    workspace.close()
  })

  it('ledger: missing, although there is a CA: no new one is started', async () => {
    const made = await madeCa()
    made.close()
    rmSync(made.paths.ledger)
    const workspace = openWorkspace(made.paths.home)
    expect(() => workspace.ledger()).toThrow(failure('CORRUPT', made.paths.ledger))
    expect(readdirSync(made.paths.home)).not.toContain('ledger.db')
  })

  it('ledger: emptied, although there is a CA: nobody who was revoked is forgotten', async () => {
    const made = await madeCa()
    made.close()
    writeFileSync(made.paths.ledger, '')
    const workspace = openWorkspace(made.paths.home)
    expect(() => workspace.ledger()).toThrow(failure('CORRUPT', 'is empty, but there is a CA'))
  })

  it('key of the CA: missing', async () => {
    const workspace = await madeCa()
    rmSync(workspace.paths.rootKey)
    await expect(workspace.unlockCa(noPassphrase)).rejects.toThrow(failure('NOT_FOUND', workspace.paths.rootKey))
    await expect(initCa(workspace, rootRequest)).rejects.toThrow(failure('EXISTS', 'there is already a CA'))
    workspace.close()
  })

  it("key of the CA: another CA's", async () => {
    const [one, other] = [await madeCa(), await madeCa()]
    writeFileSync(one.paths.rootKey, readFileSync(other.paths.rootKey))
    await expect(one.unlockCa(noPassphrase)).rejects.toThrow(failure('BAD_INPUT', one.paths.rootCertificate))
    one.close()
    other.close()
  })

  it('key of the CA: readable by others', async () => {
    const warnings: string[] = []
    const workspace = await madeCa(warnings)
    chmodSync(workspace.paths.rootKey, 0o644)
    await workspace.unlockCa(noPassphrase)
    expect(warnings).toEqual([
      `${workspace.paths.rootKey} can be read by others; run: chmod 600 '${workspace.paths.rootKey}'`,
    ])
    workspace.close()
  })
})

describe('initCa', () => {
  it('asks for nothing and changes nothing when there is a CA', async () => {
    const workspace = await madeCa()
    const before = readFileSync(workspace.paths.rootKey, 'utf8')
    const again = { ...rootRequest, passphrase: noPassphrase, domain: 'other.example' }
    await expect(initCa(workspace, again)).rejects.toThrow(failure('EXISTS', workspace.paths.home))
    expect(await initCa(workspace, { ...again, ifMissing: true })).toMatchObject({
      created: false,
      domain: 'localhost',
    })
    expect(readFileSync(workspace.paths.rootKey, 'utf8')).toBe(before)
    workspace.close()
  })

  it('leaves nothing behind when the passphrase is not given', async () => {
    const workspace = openWorkspace(newHome(), { create: true })
    await expect(initCa(workspace, { ...rootRequest, passphrase: noPassphrase })).rejects.toThrow('nobody should ask')
    expect(readdirSync(workspace.paths.home)).toEqual([])
  })

  it('encrypts the key; the wrong passphrase is refused', async () => {
    const workspace = openWorkspace(newHome(), { create: true })
    await initCa(workspace, { ...rootRequest, passphrase: async () => 'open sesame' })
    expect(readFileSync(workspace.paths.rootKey, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
    await expect(workspace.unlockCa(async () => 'wrong')).rejects.toThrow(
      failure('PASSPHRASE', workspace.paths.rootKey),
    )
    expect((await workspace.unlockCa(async () => 'open sesame')).certificate.subject).toContain('Test CA')
    workspace.close()
  })
})

describe('issueClient', () => {
  it('records what it wrote', async () => {
    const workspace = await madeCa()
    const issued = await issueClient(workspace, clientRequest(workspace))
    expect(issued.created).toBe(true)
    expect(issued.generatedPassword).toMatch(/^[a-km-np-z2-9]{20}$/)
    expect(readFileSync(issued.files.p12Password ?? '', 'utf8')).toBe(`${issued.generatedPassword}\n`)
    expect(workspace.ledger().listBySerial(issued.serial)[0]).toMatchObject({
      kind: 'client',
      name: 'alice@localhost',
      fingerprint: issued.fingerprint,
      directory: issued.directory,
    })
    const { generatedPassword: _, ...rest } = issued
    expect(findClient(workspace, { jid: parseJid('alice@localhost'), device: '' })).toEqual({ ...rest, created: false })
    workspace.close()
  })

  it('needs no CA key for what is there', async () => {
    const workspace = await madeCa()
    await issueClient(workspace, clientRequest(workspace))
    const again = clientRequest(workspace, { issuer: () => Promise.reject(new Error('not needed')) })
    await expect(issueClient(workspace, again)).rejects.toThrow(failure('EXISTS', 'alice@localhost'))
    expect(await issueClient(workspace, { ...again, ifMissing: true })).toMatchObject({ created: false })
    workspace.close()
  })

  it('issues again for a folder that was moved away, and says that the old certificate stays valid', async () => {
    const warnings: string[] = []
    const workspace = await madeCa(warnings)
    const first = await issueClient(workspace, clientRequest(workspace))
    renameSync(first.directory, `${first.directory}.old`)
    const second = await issueClient(workspace, clientRequest(workspace, { ifMissing: true }))
    expect(second).toMatchObject({ created: true, directory: first.directory })
    expect(second.serial).not.toBe(first.serial)
    expect(warnings).toEqual([expect.stringContaining(`(serial ${first.serial})`)])
    workspace.close()
  })

  it('warns about an expired certificate that it accepts', async () => {
    const warnings: string[] = []
    const workspace = await madeCa(warnings)
    await issueClient(workspace, clientRequest(workspace, { days: 10 }))
    const later = clientRequest(workspace, { ifMissing: true, now: new Date(Date.now() + 11 * 86_400_000) })
    expect(await issueClient(workspace, later)).toMatchObject({ created: false })
    expect(warnings).toEqual([expect.stringMatching(/expired on .*; get a new one with: xmppki client renew alice@/)])
    workspace.close()
  })

  it('sends whoever wants to replace an expired certificate to the renewal', async () => {
    const workspace = await madeCa()
    await issueClient(workspace, clientRequest(workspace, { days: 10, device: 'phone' }))
    const later = clientRequest(workspace, { device: 'phone', now: new Date(Date.now() + 11 * 86_400_000) })
    await expect(issueClient(workspace, later)).rejects.toThrow(
      expect.objectContaining({
        code: 'EXISTS',
        message: expect.stringMatching(/^alice@localhost \(phone\) already has a certificate, which expired on /),
        hint: 'get a new one with: xmppki client renew alice@localhost --device phone',
      }),
    )
    workspace.close()
  })

  it('makes exactly one of several that run at once for one name', async () => {
    const workspace = await madeCa()
    const tries = await Promise.allSettled(
      Array.from({ length: 4 }, () => issueClient(workspace, clientRequest(workspace))),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(workspace.ledger().list('client')).toHaveLength(1)
    workspace.close()
  })

  it('does not take over a folder of somebody else', async () => {
    const workspace = await madeCa()
    const directory = join(workspace.paths.clients('localhost'), 'alice')
    mkdirSync(directory, { recursive: true })
    await expect(issueClient(workspace, clientRequest(workspace))).rejects.toThrow(failure('EXISTS', directory))
    expect(readdirSync(directory)).toEqual([])
    expect(workspace.ledger().list('client')).toEqual([])
    workspace.close()
  })
})

describe('issueServer and serverCredentials', () => {
  it('finds the newest certificate that names the domain', async () => {
    const workspace = await madeCa()
    const common = { days: 100, algorithm, ifMissing: false, issuer: () => workspace.unlockCa(noPassphrase) }
    expect(workspace.serverCredentials('localhost')).toBeUndefined()
    const issued = await issueServer(workspace, { ...common, domains: ['localhost', 'chat.localhost'] })
    expect(workspace.serverCredentials('chat.localhost')).toMatchObject({ serial: issued.serial })
    const newer = await issueServer(workspace, {
      ...common,
      domains: ['chat.localhost'],
      now: new Date(Date.now() + 1000),
    })
    expect(workspace.serverCredentials('chat.localhost')?.serial).toBe(newer.serial)
    expect(workspace.serverCredentials('localhost')?.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(workspace.serverCredentials('other.localhost')).toBeUndefined()
    expect(workspace.serverFolders()).toEqual(
      new Map([
        ['localhost', issued.directory],
        ['chat.localhost', newer.directory],
      ]),
    )
    workspace.close()
  })

  it('still finds it when the workspace was moved', async () => {
    const workspace = await madeCa()
    const issuer = () => workspace.unlockCa(noPassphrase)
    const issued = await issueServer(workspace, {
      days: 100,
      algorithm,
      ifMissing: false,
      issuer,
      domains: ['localhost'],
    })
    workspace.close()
    const home = newHome()
    renameSync(workspace.paths.home, home)
    const moved = openWorkspace(home)
    expect(moved.serverCredentials('localhost')).toMatchObject({
      serial: issued.serial,
      directory: join(home, 'server', 'localhost'),
    })
    moved.close()
  })

  it('does not accept a certificate that lacks one of the domains', async () => {
    const workspace = await madeCa()
    const common = { days: 100, algorithm, ifMissing: true, issuer: () => workspace.unlockCa(noPassphrase) }
    await issueServer(workspace, { ...common, domains: ['localhost'] })
    await expect(issueServer(workspace, { ...common, domains: ['localhost', 'b.localhost'] })).rejects.toThrow(
      failure('EXISTS', 'does not name b.localhost'),
    )
    workspace.close()
  })
})
