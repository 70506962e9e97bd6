import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { program } from '../../interop/program.ts'
import { Service } from '../../interop/service.ts'

const ADDRESS = ['--host', 'xmpp.example.org', '--port', '15222']

describe('the welcome sheet in a browser', () => {
  let service: Service
  let folder: string
  beforeAll(async () => {
    service = await Service.create('--domain', 'example.org')
    folder = mkdtempSync(join(tmpdir(), 'xmppki-sheet-'))
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service?.end()
  })

  /** How many pages it has on paper. */
  function print(sheet: string): number {
    const pdf = join(folder, 'sheet.pdf')
    const options = ['--headless', '--no-sandbox', '--disable-gpu', '--no-pdf-header-footer', '--no-first-run']
    const args = [...options, `--user-data-dir=${join(folder, 'profile')}`, `--print-to-pdf=${pdf}`]
    const { code, output } = program('chromium', [...args, pathToFileURL(sheet).href], { env: { HOME: folder } })
    expect(code, output).toBe(0)
    const content = readFileSync(pdf, 'latin1')
    rmSync(pdf)
    return content.match(/\/Type \/Page\b/g)?.length ?? 0
  }

  async function issue(name: string, ...args: string[]): Promise<string> {
    const document = JSON.parse(await service.run('client', 'issue', name, '--sheet', '--json', ...args))
    return document.issued[0].sheet
  }

  it.each([
    ['an ordinary user', 'alice', []],
    ['everything that can be on it', 'bob', ['--device', 'phone', '--with-password', ...ADDRESS]],
    [
      'a long and evil name',
      `$(x)[y]\`z.${'n'.repeat(60)}`,
      ['--device', 'd'.repeat(32), '--with-password', ...ADDRESS],
    ],
  ])('is one page for %s', async (_, name, args) => {
    expect(print(await issue(name, ...args))).toBe(1)
  })

  it.each(['conversations', 'poezio', 'tkabber', 'gajim', 'profanity', 'psi'])(
    'is one page for %s alone',
    async (client) => {
      const page = join(folder, `${client}.html`)
      const args = ['--user', 'dora', ...ADDRESS, '--format', 'html', '--out', page]
      await service.run('client', 'issue', 'dora', '--if-missing')
      await service.run('config', 'render', 'client', client, ...args)
      expect(print(page)).toBe(1)
    },
  )
})
