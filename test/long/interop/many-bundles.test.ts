import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Issuer } from '../../../src/pki/issue/issuer.ts'
import { encodePkcs12 } from '../../../src/pki/pkcs12/pkcs12.ts'
import { program } from '../../interop/program.ts'
import { testClient, testKeys, testRoot } from '../../pki/support.ts'

const SCRIPT = fileURLToPath(new URL('./open-bundles.py', import.meta.url))
const PASSWORD = 'open sesame'
const BUNDLES = 700

let folder: string
let root: Issuer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-bundles-'))
  root = await testRoot()
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('GLib (GIO)', () => {
  // It tries the blank password first, and takes what happens to come out well for the content: once in 256 bundles.
  it.each(['modern', 'compat'] as const)(`opens ${BUNDLES} of ${BUNDLES} %s bundles`, async (format) => {
    const keys = await testKeys('ec:p256')
    const client = await testClient(root, 'alice@example.org', { keys })
    const made = mkdtempSync(join(folder, format))
    const common = { key: keys.privateKey, certificate: client.pem, chain: [root.certificate.der], format }
    for (let index = 0; index < BUNDLES; index++) {
      const password = { password: PASSWORD, isRandomPassword: true }
      writeFileSync(join(made, `${index}.p12`), await encodePkcs12({ ...common, ...password, friendlyName: 'alice' }))
    }
    expect(program('/usr/bin/python3', [SCRIPT, made, PASSWORD])).toMatchObject({ code: 0, stdout: '' })
  })
})
