import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { walkThrough } from '../../support/documents/walkthrough.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'

const GUIDE = new URL('../../config/mongooseim/fixtures/guide-certificate.cfg', import.meta.url)

describe('the server of the guide, imported', () => {
  const cli = new CliHome()
  afterAll(() => cli.remove())
  beforeAll(async () => {
    walkThrough(cli.folder, 2048)
    writeFileSync(cli.path('mongooseim.cfg'), readFileSync(GUIDE, 'utf8').replace('/path/to/ca.pem', 'rootCA.crt'))
    await cli.run(['ca', 'init', '--domain', 'localhost', '--no-passphrase'])
  })

  it.each([
    ['lets the client of the guide in, by its Common Name', (toml: string) => toml, '<success'],
    [
      'does not when only addresses count, as in later releases',
      (toml: string) => toml.replace(', "common_name"', ''),
      '<failure',
    ],
  ])('%s', async (_, edit, answer) => {
    const { code, stdout } = await cli.run(['config', 'import', 'mongooseim.cfg'])
    expect(code).toBe(0)
    writeFileSync(cli.path('imported.toml'), edit(stdout))
    const args = ['--home', cli.home, '--config', cli.path('imported.toml'), '--host', '127.0.0.1']
    const serve = new ServeProcess(args)
    const { port } = await serve.listening()
    const credentials = {
      cert: readFileSync(cli.path('client.crt'), 'utf8'),
      key: readFileSync(cli.path('client.key'), 'utf8'),
    }
    const client = await RawClient.secured({ port, credentials })
    client.send(external())
    expect(await client.receive(/<(success|failure)[^>]*>/)).toContain(answer)
    client.destroy()
    expect(await serve.stop()).toBe(0)
  })
})
