import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LineProcess } from '../../../interop/line-process.ts'
import { program } from '../../../interop/program.ts'
import { type ClientFiles, Service } from '../../../interop/service.ts'

const source = (name: string) => fileURLToPath(new URL(name, import.meta.url))

describe('what is printed for a library, compiled', () => {
  let service: Service
  let bob: ClientFiles
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'xmppki-compiled-'))
    service = await Service.create()
    bob = await service.issue('bob')
    await service.start()
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service?.end()
  })

  it.each([
    { client: 'libstrophe', file: 'libstrophe-client.c', compiler: 'gcc', library: '-lstrophe' },
    { client: 'gloox', file: 'gloox-client.cc', compiler: 'g++', library: '-lgloox' },
  ])('logs in with $client', async ({ client, file, compiler, library }) => {
    const address = ['--host', '127.0.0.1', '--port', String(service.port), '--format', 'markdown']
    const steps = await service.run('config', 'render', 'client', client, '--user', 'bob', ...address)
    const [, lines = ''] = /^ {3}```c\w*\n([\s\S]*?)^ {3}```$/m.exec(steps) ?? []
    writeFileSync(join(folder, 'settings.h'), lines)
    const binary = join(folder, client)
    const made = program(compiler, ['-Wall', `-I${folder}`, '-o', binary, source(file), library])
    expect(made).toMatchObject({ code: 0, output: '' })
    const started = new LineProcess('timeout', ['100', binary], {
      env: { BUNDLE_PASSWORD: readFileSync(bob.p12Password, 'utf8').trim() },
    })
    expect(await started.ended, started.stderr.text).toEqual({ code: 0, signal: null })
    await service.logged({ msg: 'logged in', account: 'bob@localhost' })
  })
})
