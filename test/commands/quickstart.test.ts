import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../support/processes/cli.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'xmppki-quickstart-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const CHECK = ['quickstart', '--check', '--port', '0', '--tls-port', '0']

describe('quickstart', () => {
  it('proves a login for every user, and changes nothing when it is repeated', async () => {
    const first = await runCli([...CHECK, '--home', home, '--json'])
    expect(first.code, first.stderr).toBe(0)
    const result = JSON.parse(first.stdout)
    expect(result.users.map((user: { jid: string; created: boolean }) => [user.jid, user.created])).toEqual([
      ['alice@localhost', true],
      ['bob@localhost', true],
    ])
    expect(result.proof.logins.map(({ mode, tls }: { mode: string; tls: string }) => [mode, tls])).toEqual([
      ['starttls', 'TLSv1.3'],
      ['tls', 'TLSv1.3'],
    ])
    expect(result.proof.message).toMatchObject({
      to: 'bob@localhost',
      body: 'Hello from alice@localhost, without a password',
    })
    const { stdout } = await runCli(['client', 'list', '--home', home, '--json'])
    const today = expect.stringMatching(/^\d{4}-\d\d-\d\dT/)
    expect(JSON.parse(stdout).clients).toMatchObject([{ lastLogin: today }, { lastLogin: today }])
    const before = statSync(join(home, 'clients', 'localhost', 'alice', 'alice.p12')).mtimeMs
    const second = await runCli([...CHECK, '--home', home, '--json'])
    expect(JSON.parse(second.stdout).users.map(({ created }: { created: boolean }) => created)).toEqual([false, false])
    expect(statSync(join(home, 'clients', 'localhost', 'alice', 'alice.p12')).mtimeMs).toBe(before)
  })

  it('says aloud that the key of its CA is not encrypted', async () => {
    const { stdout } = await runCli([...CHECK, '--home', home])
    expect(stdout).toContain('The key of this CA is not encrypted')
  })

  it('does not say so of a CA whose key is encrypted', async () => {
    const locked = mkdtempSync(join(tmpdir(), 'xmppki-quickstart-'))
    const env = { XMPPKI_CA_PASSPHRASE: 'open sesame' }
    await runCli(['ca', 'init', '--home', locked], { env })
    const { code, stdout } = await runCli([...CHECK, '--home', locked], { env })
    expect(code).toBe(0)
    expect(stdout).not.toContain('not encrypted')
    rmSync(locked, { recursive: true })
  })

  it('takes other users, also one alone, who then writes to himself', async () => {
    const { code, stdout } = await runCli([...CHECK, '--home', home, '--user', 'romeo', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).proof.message.to).toBe('romeo@localhost')
  })

  it('refuses names that cannot be usernames before it writes anything', async () => {
    const empty = join(home, 'never-made')
    const { code, stderr } = await runCli([...CHECK, '--home', empty, '--user', '../x'])
    expect(code).toBe(2)
    expect(stderr).toContain('../x')
    expect(statSync(empty, { throwIfNoEntry: false })).toBeUndefined()
  })

  it('reports an explicit port that is taken', async () => {
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    const { port } = blocker.address() as { port: number }
    const { code, stderr } = await runCli([
      'quickstart',
      '--check',
      '--home',
      home,
      '--port',
      String(port),
      '--tls-port',
      '0',
    ])
    expect(code).toBe(7)
    expect(stderr).toContain('is already in use')
    blocker.close()
  })

  it('exits with 8 when a login cannot be proven, and names the step', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'xmppki-quickstart-'))
    await runCli([...CHECK, '--home', broken])
    writeFileSync(join(broken, 'clients', 'localhost', 'alice', 'alice.p12.password'), 'not the password\n')
    const { code, stderr } = await runCli([...CHECK, '--home', broken])
    expect(code).toBe(8)
    expect(stderr).toMatch(/^error: .*(alice|TLS|password)/m)
    expect(stderr).not.toContain('not the password')
    rmSync(broken, { recursive: true })
  })

  it.each(['alice.p12', 'alice.p12.password'])('tells what to do when %s is gone', async (file) => {
    const broken = mkdtempSync(join(tmpdir(), 'xmppki-quickstart-'))
    const folder = join(broken, 'clients', 'localhost', 'alice')
    await runCli([...CHECK, '--home', broken])
    rmSync(join(folder, file))
    const { code, stderr } = await runCli([...CHECK, '--home', broken])
    expect(stderr).toBe(
      `error: ${join(folder, file)} is missing: alice@localhost cannot log in\n` +
        `hint:  name others with --user, or move the folder away to get a new one: mv '${folder}' '${folder}.old'\n`,
    )
    expect(code).toBe(8)
    renameSync(folder, `${folder}.old`)
    expect(await runCli([...CHECK, '--home', broken])).toMatchObject({ code: 0 })
    rmSync(broken, { recursive: true })
  })

  it('prints the settings for every client that can use a certificate', async () => {
    const child = spawn(
      process.execPath,
      ['bin/xmppki.cjs', 'quickstart', '--home', home, '--port', '0', '--tls-port', '0'],
      {
        env: { PATH: process.env.PATH, HOME: '/nonexistent', NO_COLOR: '1' },
      },
    )
    let screen = ''
    const ended = once(child, 'exit')
    while (!screen.includes('Ctrl-C') && child.exitCode === null)
      screen += (await Promise.race([once(child.stdout, 'data'), ended]))[0]
    child.kill('SIGINT')
    const [code] = await ended
    expect(code).toBe(0)
    for (const client of [
      'Poezio',
      'Tkabber',
      'slixmpp',
      'gloox',
      'libstrophe',
      'Conversations',
      'Gajim',
      'Dino',
      'Profanity',
    ]) {
      expect(screen).toContain(client)
    }
    expect(screen).toContain(join(home, 'clients', 'localhost', 'alice', 'alice.p12.password'))
    expect(screen).toContain(`\ncertfile = ${join(home, 'clients', 'localhost', 'alice', 'alice.crt')}\n`)
    const { groups } = /^ +xmppki (?<command>config render client .*)$/m.exec(screen) ?? {}
    const words = (groups?.['command'] ?? '').split(' ').map((word) => word.replaceAll("'", ''))
    const { code: rendered, stdout } = await runCli(words)
    expect(rendered).toBe(0)
    expect(screen).toContain(stdout)
    // One screen of an ordinary terminal window, wide ones included.
    expect(screen.split('\n').length).toBeLessThanOrEqual(50)
  })
})
