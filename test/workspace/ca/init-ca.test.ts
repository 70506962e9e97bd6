import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { openWorkspace, type Workspace } from '../../../src/workspace/base/workspace.ts'
import { initCa } from '../../../src/workspace/ca/init-ca.ts'

let folder: string
let workspace: Workspace
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-init-'))
  workspace = openWorkspace(folder, { create: true })
})
afterEach(() => {
  workspace.close()
  rmSync(folder, { recursive: true })
})

describe('initCa', () => {
  it.each<[domain: string, permitDomains: readonly string[], message: string]>([
    ['10.1.1.4', [], "'10.1.1.4' is an IP address"],
    ['example.org', ['corp.example'], 'the new CA may not issue certificates for example.org'],
  ])('makes no CA that could issue nothing for %s, limited to %j', async (domain, permitDomains, message) => {
    const request = {
      commonName: 'CA',
      algorithm: keyAlgorithm('ec:p256'),
      days: 10,
      permitDomains,
      domain,
      passphrase: () => Promise.reject(new Error('asked')),
      ifMissing: false,
    }
    await expect(initCa(workspace, request)).rejects.toMatchObject({
      code: 'BAD_NAME',
      message: expect.stringContaining(message),
    })
    expect(workspace.hasCa).toBe(false)
  })
})
