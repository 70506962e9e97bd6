import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const LOADER = fileURLToPath(new URL('../../bin/load.cjs', import.meta.url))

/** Runs a command line, and prints on standard error which bundles it has loaded. */
const SCRIPT = `
const { loaded, bundle, root } = require(process.argv[1])
bundle.main(process.argv.slice(2), root).then(() => console.error('loaded', ...loaded.keys()))
`

const home = mkdtempSync(join(tmpdir(), 'xmppki-loaded-'))
afterAll(() => rmSync(home, { recursive: true }))

function bundlesOf(...args: string[]): string | undefined {
  const output = execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', process.execPath, '-e', SCRIPT, LOADER, ...args], {
    env: { ...process.env, XMPPKI_HOME: home },
    encoding: 'utf8',
  })
  return /^loaded (.*)$/m.exec(output)?.[1]
}

describe('a command line loads no bundle that it does not need', () => {
  it.each([
    ['start', ['--help']],
    ['start', ['client', 'list', '--help']],
    ['start xmppki signing rest', ['ca', 'init', '--no-passphrase']],
    ['start xmppki signing', ['client', 'issue', 'alice']],
    ['start xmppki signing', ['client', 'revoke', 'alice']],
    ['start xmppki', ['client', 'list']],
    ['start xmppki', ['user', 'add', 'alice', '--generate']],
  ])('%s: %j', (bundles, args) => {
    expect(bundlesOf(...args)).toBe(bundles)
  })
})
