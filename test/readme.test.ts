import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentText, ROOT } from './support/documents/documents.ts'
import { followConsole } from './support/documents/manual-console.ts'
import { walkThrough } from './support/documents/walkthrough.ts'

const text = documentText('README.md')

describe('the README', () => {
  it('names the two commands that package.json has, and other scripts of it', () => {
    expect(text).toContain('npm ci && npm start')
    expect(text).toContain('npm ci && npm test')
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name)
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test', ...named]))
  })

  it('prints what stands there', () => followConsole('README.md'))

  it('is the front door, and not the house', () => {
    expect(text.split('\n').length).toBeLessThanOrEqual(351)
  })
})

describe('the README, the walkthrough it replaces', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'xmppki-walkthrough-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('still works with the real openssl, and makes an X.509 v1 certificate', () => {
    walkThrough(folder, 2048)
    writeFileSync(join(folder, 'password'), 'export')
    const dump = execFileSync('openssl', ['x509', '-in', 'client.crt', '-noout', '-text'], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect(dump).toContain('Version: 1 (0x0)')
    expect(dump).toContain('Subject: CN = alice')
    execFileSync('openssl', ['pkcs12', '-in', 'client.p12', '-passin', 'file:password', '-noout'], { cwd: folder })
  })
})
