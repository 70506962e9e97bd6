import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleScript, type Script } from '../support/processes/bundle-script.ts'

const MIB = 1024 * 1024

const folder = mkdtempSync(join(tmpdir(), 'xmppki-young-'))
afterAll(() => rmSync(folder, { recursive: true }))
let script: Script
beforeAll(async () => {
  script = await bundleScript('test/service/young-generation-process.ts', folder)
})

/** Bytes that V8 has for new objects when many have been made and lived for a while. */
function bytesFor(...args: string[]): number {
  const output = execFileSync(process.execPath, [script.path, ...args], { env: script.env, encoding: 'utf8' })
  return JSON.parse(output).bytes
}

describe('the young generation of V8', () => {
  it('grows by itself', () => {
    expect(bytesFor()).toBeGreaterThan(8 * MIB)
  })

  it('does not grow in a process that asks for it', () => {
    expect(bytesFor('small')).toBeLessThanOrEqual(4 * MIB)
  })
})
