import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DatabaseSync } from '../../support/documents/sqlite.ts'
import { runCli } from '../../support/processes/cli.ts'
import { CaFolder } from '../../workspace/support.ts'

let ca: CaFolder
beforeAll(async () => {
  ca = await new CaFolder().init()
  await ca.issue('alice')
  await ca.issue('bob', { device: 'phone' })
})
afterAll(() => ca.remove())

const run = (...args: string[]) => runCli(['ca', 'audit', ...args], { env: { XMPPKI_HOME: ca.home } })

describe('ca audit', () => {
  it('prints a table, and the head beside it', async () => {
    const { code, stdout, stderr } = await run()
    expect(code).toBe(0)
    const [heading, ...rows] = stdout.trimEnd().split('\n')
    expect(heading).toMatch(/^TIME +WHO +WHAT +NAME +SERIAL +DETAILS$/)
    expect(rows.map((row) => row.split(/ {2,}/).slice(2, 4).join(' '))).toEqual([
      'log-started -',
      'ca-created Test CA',
      'issued alice@localhost',
      'issued bob@localhost (phone)',
    ])
    expect(stderr).toMatch(/^4 entries, all good, in .*\nhead: [0-9a-f]{64}\n$/)
  })

  it('--json: a line for each entry, the head at the end, which --expect takes', async () => {
    const { stdout } = await run('--json', '--user', 'bob')
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { number: 4, event: 'issued', name: 'bob@localhost', device: 'phone', at: expect.stringMatching(/^20.*Z$/) },
      { head: { number: 4, hash: lines[0].hash } },
    ])
    const good = await run('--expect', lines[0].hash, '--event', 'ca-created')
    expect(good.code).toBe(0)
    const bad = await run('--expect', '0'.repeat(64))
    expect([bad.code, bad.stdout]).toEqual([6, ''])
  })

  it('ends with exit code 6 when something was changed, naming the entry', async () => {
    const broken = await new CaFolder().init()
    broken.workspace.close()
    const database = new DatabaseSync(broken.workspace.paths.ledger)
    database.exec("DROP TRIGGER audit_no_update; UPDATE audit SET entry = replace(entry, 'root', 'roof')")
    database.close()
    const { code, stdout, stderr } = await runCli(['ca', 'audit'], { env: { XMPPKI_HOME: broken.home } })
    expect([code, stdout]).toEqual([6, ''])
    expect(stderr).toContain('entry 2 was changed after it was written')
    broken.remove()
  })

  it('takes a ledger of the version before that several processes complete at once', async () => {
    const old = await new CaFolder().init()
    await old.issue('alice')
    const { id } = old.workspace.root()
    old.workspace.close()
    const database = new DatabaseSync(old.workspace.paths.ledger)
    database.exec("UPDATE issued SET authority = ''")
    const env = { XMPPKI_HOME: old.home }
    const results = await Promise.all(Array.from({ length: 3 }, () => runCli(['ca', 'audit'], { env })))
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(database.prepare('SELECT DISTINCT authority FROM issued').all()).toEqual([{ authority: id }])
    database.close()
    old.remove()
  })

  it('shows the certificates of one CA with --issuer', async () => {
    const { id } = ca.workspace.root()
    const { stdout } = await run('--json', '--issuer', id.slice(0, 8).toUpperCase(), '--user', 'alice')
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ event: 'issued', issuerId: id })
    const other = await run('--issuer', id.startsWith('0') ? '1' : '0')
    expect([other.code, other.stdout]).toEqual([0, ''])
  })

  it.each([
    ['an unknown event', ['--event', 'stolen'], 2],
    ['a time that is none', ['--since', 'yesterday'], 2],
    ['an id that is none', ['--issuer', 'Test CA'], 2],
    ['a hash that is none', ['--expect', 'ff'], 2],
    ['a folder without a CA', ['--home', '/nonexistent'], 4],
  ])('refuses %s', async (_case, args, exitCode) => {
    const { code, stdout } = await run(...args)
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' })
  })
})
