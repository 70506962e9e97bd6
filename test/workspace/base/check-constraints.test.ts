import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { type RawCertificate, readRawCertificate } from '../../../src/pki/x509/certificate-der.ts'
import { checkConstraints } from '../../../src/workspace/base/check-constraints.ts'
import { openWorkspace } from '../../../src/workspace/base/workspace.ts'
import { importCa } from '../../../src/workspace/ca/import-ca.ts'
import { issueClient } from '../../../src/workspace/clients/issue-client.ts'
import { issueServer } from '../../../src/workspace/servers/issue-server.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { type Folder, opensslCertificate, temporaryFolder, testClient, testRoot } from '../../pki/support.ts'

let folder: Folder
let unsigned: RawCertificate
beforeAll(async () => {
  folder = temporaryFolder()
  unsigned = readRawCertificate((await testClient(await testRoot(), 'alice@example.org')).der)
})
afterAll(() => folder.remove())

function check(constraints: readonly string[], account: string | undefined = 'alice@example.org'): void {
  const chain = constraints.map((text) => {
    const extensions = `basicConstraints=CA:TRUE\n${text === '' ? '' : `nameConstraints=critical,${text}`}\n[d]\nO=Example`
    return opensslCertificate(folder, { subject: 'CN=Limited', extensions }).pem
  })
  checkConstraints(unsigned, { chain }, account === '' ? undefined : parseJid(account))
}

describe('a certificate that is about to be signed', () => {
  it.each<[constraints: string[]]>([
    [['']],
    [['', 'permitted;DNS:example.org']],
    [['permitted;email:example.org', 'permitted;DNS:org']],
    [['permitted;email:alice@example.org']],
    [['excluded;DNS:chat.example.org']],
  ])('may be signed below %j', (constraints) => {
    expect(() => check(constraints)).not.toThrow()
  })

  it.each<[constraints: string[], account: string | undefined, message: string]>([
    [['permitted;DNS:corp.example'], undefined, 'does not permit the account "alice@example.org"'],
    [['', 'permitted;DNS:corp.example'], undefined, 'does not permit the account'],
    [['excluded;DNS:example.org'], undefined, 'excludes the account'],
    [['permitted;email:bob@example.org'], undefined, 'does not permit the account'],
    [['excluded;email:alice@example.org'], undefined, 'excludes the account'],
    [['permitted;dirName:d'], undefined, 'does not permit the directory name "CN=alice"'],
    [['permitted;email:corp.example'], '', 'does not permit the mail address "alice@example.org"'],
  ])('is not signed below %j', (constraints, account, message) => {
    expect(() => check(constraints, account)).toThrow(
      expect.objectContaining({ code: 'BAD_NAME', message: expect.stringContaining(`the CA CN=Limited ${message}`) }),
    )
  })

  it('is not signed below a CA whose constraints cannot be read', () => {
    expect(() => check(['excluded;DNS:*.example.org'])).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining('CN=Limited cannot be read') }),
    )
  })
})

describe('a CA that excludes the domain of its workspace', () => {
  it('signs neither for clients nor for servers, and the ledger stays empty', async () => {
    const usage = 'keyUsage=critical,keyCertSign,cRLSign\nbasicConstraints=critical,CA:TRUE'
    const extensions = `${usage}\nnameConstraints=critical,excluded;DNS:example.org`
    folder.write('ca.crt', opensslCertificate(folder, { subject: 'CN=Limited', extensions }).pem)
    const workspace = openWorkspace(join(folder.path, 'home'), { create: true })
    await importCa(workspace, {
      certificate: join(folder.path, 'ca.crt'),
      key: join(folder.path, 'made.key'),
      domain: 'example.org',
      oldPassphrase: () => Promise.reject(new Error('nobody should ask')),
      passphrase: async () => undefined,
    })
    const issuer = () => workspace.unlockCa(() => Promise.reject(new Error('nobody should ask')))
    const common = { days: 10, algorithm: keyAlgorithm('ec:p256'), ifMissing: false, issuer }
    const client = { jid: parseJid('alice@example.org'), device: '', p12Format: 'modern' } as const
    await expect(issueClient(workspace, { ...common, ...client })).rejects.toMatchObject({
      code: 'BAD_NAME',
      message: 'the CA CN=Limited excludes the account "alice@example.org"',
    })
    await expect(issueServer(workspace, { ...common, domains: ['example.org'] })).rejects.toMatchObject({
      code: 'BAD_NAME',
      message: 'the CA CN=Limited excludes the dNSName "example.org"',
    })
    expect(workspace.ledger().list('client')).toEqual([])
    workspace.close()
  })
})
