import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodePrivateKey } from '../../../src/pki/keys/keys.ts'
import { loadCaKey } from '../../../src/workspace/base/ca-key.ts'
import { testKeys } from '../../pki/support.ts'

let folder: string
let warnings: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-key-'))
  warnings = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const place = () => ({ keyFile: join(folder, 'root.key'), tokenFile: join(folder, 'root.pkcs11.json') })
const nobodyAsks = () => Promise.reject(new Error('nobody should ask'))
const load = (passphrase: () => Promise<string> = nobodyAsks) =>
  loadCaKey(place(), passphrase, (text) => warnings.push(text))

async function writeKey(passphrase?: string) {
  const { privateKey, publicKey } = await testKeys('ec:p256')
  writeFileSync(place().keyFile, await encodePrivateKey(privateKey, passphrase), { mode: 0o600 })
  return publicKey
}

function writeToken(content: unknown): void {
  writeFileSync(place().tokenFile, typeof content === 'string' ? content : JSON.stringify(content))
}

const TOKEN = {
  version: 1,
  module: '/nowhere/module.so',
  token: { label: 'ca', serial: '86c872ed95aae951' },
  key: { label: 'root', id: '0a' },
}

describe('loadCaKey', () => {
  it('reads a key file, asking for nothing when it is not encrypted', async () => {
    const publicKey = await writeKey()
    expect((await load()).publicKey.equals(publicKey)).toBe(true)
    expect(warnings).toEqual([])
  })

  it('asks for the passphrase of an encrypted one', async () => {
    const publicKey = await writeKey('open sesame')
    expect((await load(async () => 'open sesame')).publicKey.equals(publicKey)).toBe(true)
    await expect(load(async () => 'wrong')).rejects.toMatchObject({ code: 'PASSPHRASE' })
  })

  it('warns when others may read it', async () => {
    await writeKey()
    chmodSync(place().keyFile, 0o640)
    await load()
    expect(warnings).toEqual([`${place().keyFile} can be read by others; run: chmod 600 '${place().keyFile}'`])
  })

  it('names the key file when there is neither key nor token', async () => {
    await expect(load()).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `the key of the CA is missing: ${place().keyFile}`,
    })
  })

  it('says which module of a token is missing, before it asks for the PIN', async () => {
    expect(existsSync(TOKEN.module)).toBe(false)
    writeToken(TOKEN)
    await expect(load()).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'the PKCS#11 module /nowhere/module.so is missing',
    })
  })

  it.each([
    ['no JSON', 'hello'],
    ['no object', [1]],
    ['of an unknown version', { ...TOKEN, version: 2 }],
    ['without a module', { ...TOKEN, module: undefined }],
    ['without a token', { ...TOKEN, token: 'ca' }],
    ['with half a key', { ...TOKEN, key: { label: 'root' } }],
  ])('refuses a token file that is %s', async (_, content) => {
    writeToken(content)
    await expect(load()).rejects.toMatchObject({ code: 'CORRUPT' })
  })
})
