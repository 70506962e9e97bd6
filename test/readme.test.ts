import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkConfiguration } from '../src/config/load.ts'
import { EXIT_CODES } from '../src/errors.ts'
import { CLIENTS } from '../src/render/client-facts.ts'
import { REFUSALS } from '../src/trust/refusal.ts'
import { environmentRows } from './support/documents/environment-table.ts'
import { consoleSteps, markedBlocks, normalise, readmeText, tableRows } from './support/documents/readme.ts'
import { walkThrough } from './support/documents/walkthrough.ts'
import { everyFeature } from './support/servers/realm.ts'

const text = readmeText()
const blocks = markedBlocks(text)
const root = fileURLToPath(new URL('..', import.meta.url))

function blocksOf(mark: string) {
  const found = blocks.filter((block) => block.mark === mark)
  if (found.length === 0) throw new Error(`the README has no block marked '${mark}'`)
  return found
}

/** A new user's machine: an empty home and `xmppki` on the PATH. */
class NewUser {
  readonly home = mkdtempSync(join(tmpdir(), 'xmppki-readme-'))
  readonly env: NodeJS.ProcessEnv

  constructor() {
    const bin = join(this.home, 'bin')
    mkdirSync(bin)
    symlinkSync(join(root, 'bin', 'xmppki.cjs'), join(bin, 'xmppki'))
    this.env = {
      HOME: this.home,
      PATH: `${bin}:${process.env.PATH}`,
      NO_COLOR: '1',
      COLUMNS: '200',
    }
  }

  /** Runs one line in bash; what it exports holds for the next one. */
  run(command: string): string {
    const exported = /^export (\w+)='([^']*)'$/.exec(command)
    if (exported) {
      this.env[String(exported[1])] = exported[2]
      return ''
    }
    const { stdout, stderr } = spawnSync('bash', ['-c', `(${command}) 2>&1`], {
      env: this.env,
      cwd: this.home,
      encoding: 'utf8',
      timeout: 100_000,
    })
    return normalise(stdout + stderr, this.home)
  }

  leave(): void {
    rmSync(this.home, { recursive: true, force: true })
  }
}

describe('the README', () => {
  it('names the two commands that package.json has', () => {
    expect(text).toContain('npm ci && npm start')
    expect(text).toContain('npm ci && npm test')
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(Object.keys(scripts)).toEqual(
      expect.arrayContaining(['start', 'test', 'bench', 'check', 'fix', 'test:fast', 'test:long']),
    )
  })

  it.each(['x6WmKVBS9jTj', 'zHHTEM0c8iT-', '-abcdefghij_'])('is compared without what is random: %s', (resource) => {
    expect(normalise(`a@localhost/${resource} came`, '/home')).toBe('a@localhost/RESOURCE came')
  })

  it('has no console block that is not run', () => {
    expect(text.match(/```console/g)?.length).toBe(
      blocks.filter(({ mark }) => ['console', 'quickstart', 'serve'].includes(mark)).length,
    )
  })
})

describe('the README, quickstart', () => {
  const user = new NewUser()
  // It prints no ports, but says so when the usual ones are not free here.
  Object.assign(user.env, { XMPPKI_PORT: '0', XMPPKI_TLS_PORT: '0' })
  afterAll(() => user.leave())

  it.each(blocksOf('quickstart').flatMap(consoleSteps))('$command', ({ command, output }) => {
    expect(user.run(command).trimEnd()).toBe(normalise(output.join('\n'), user.home))
  })
})

describe('the README, console', () => {
  const [first, ...rest] = blocksOf('console')
  const user = new NewUser()
  afterAll(() => user.leave())

  it('walks through as printed', () => {
    const walkthrough = new NewUser()
    for (const { command, output } of consoleSteps(first!)) {
      expect(walkthrough.run(command).trimEnd(), command).toBe(normalise(output.join('\n'), walkthrough.home))
    }
    walkthrough.leave()
  })

  it('does the tasks as printed', () => {
    user.env.XMPPKI_CA_PASSPHRASE = 'correct horse battery staple'
    for (const { command, output } of rest.flatMap(consoleSteps)) {
      expect(user.run(command).trimEnd(), command).toBe(normalise(output.join('\n'), user.home))
    }
  })

  it('serves as printed', async () => {
    const [{ command, output }] = blocksOf('serve').flatMap(consoleSteps) as [{ command: string; output: string[] }]
    const child = spawn('bash', ['-c', `exec ${command} --port 0`], { env: user.env, cwd: user.home })
    let printed = ''
    while (printed.split('\n').length <= output.length) printed += (await once(child.stdout, 'data'))[0]
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    expect(normalise(printed, user.home).trimEnd()).toBe(normalise(output.join('\n'), user.home))
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

describe('the README, tables', () => {
  it('lists every feature of the server', () => {
    const claims = everyFeature().flatMap(({ name, claims }) =>
      claims.map(({ spec, scope }) => [name, `${spec} ${scope}`]),
    )
    expect(tableRows(blocksOf('features')[0]!)).toEqual(claims)
  })

  it('lists every client, and what it logs in with', () => {
    const listed = tableRows(blocksOf('clients')[0]!).map(([id, way = '']) => [id, /^\w+/.exec(way)?.[0]])
    expect(listed).toEqual(
      CLIENTS.map(({ id, credentials }) => [`\`${id}\``, credentials === 'password' ? 'password' : 'certificate']),
    )
  })

  it('lists every refusal', () => {
    const meanings = Object.entries(REFUSALS).map(([name, { means }]) => [`\`${name}\``, means])
    expect(tableRows(blocksOf('refusals')[0]!)).toEqual(meanings)
  })

  it('lists every exit code', () => {
    const listed = tableRows(blocksOf('exit codes')[0]!).map(([code]) => Number(code))
    expect(listed).toEqual([...new Set([0, ...Object.values(EXIT_CODES)])])
  })

  it.each(blocksOf('toml').map(({ lines }) => [lines.join('\n')]))('has a good configuration: %s', (document) => {
    const source = { file: undefined, home: undefined, overrides: [], defaultHost: 'example.org' }
    expect(checkConfiguration(document, source).problems).toEqual([])
  })

  it('lists every environment variable', () => {
    expect(tableRows(blocksOf('environment')[0]!)).toEqual(environmentRows())
  })
})
