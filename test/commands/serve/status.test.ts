import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'

let cli: CliHome
beforeAll(async () => {
  cli = new CliHome()
  await cli.run(['ca', 'init', '--no-passphrase'])
})
afterAll(() => cli.remove())

const status = async () => {
  const { code, stdout } = await cli.run(['serve', 'status', '--json'])
  return { code, document: JSON.parse(stdout) }
}

describe('serve status', () => {
  it('tells of the running server, not of a second one, and that none runs', async () => {
    expect(await status()).toMatchObject({ code: 4, document: { error: { code: 'NOT_FOUND' } } })
    const first = new ServeProcess(['--home', cli.home])
    const { pid, port, tlsPort } = await first.listening()
    const second = new ServeProcess(['--home', cli.home])
    await second.listening()
    expect(await second.stop()).toBe(0)
    expect(second.logLines).toContainEqual(
      expect.objectContaining({ msg: 'no admin socket: another server of this workspace has it' }),
    )
    expect(await status()).toEqual({
      code: 0,
      document: {
        pid,
        versions: { xmppki: expect.any(String), node: process.versions.node },
        startedAt: expect.any(String),
        uptimeSeconds: expect.any(Number),
        domains: ['localhost'],
        listeners: [
          { mode: 'starttls', host: '127.0.0.1', port },
          { mode: 'tls', host: '127.0.0.1', port: tlsPort },
        ],
        sessions: 0,
      },
    })
    expect(await first.stop()).toBe(0)
    expect(existsSync(join(cli.home, 'serve.sock'))).toBe(false)
  })

  it('takes over from a server that was killed', async () => {
    const killed = new ServeProcess(['--home', cli.home])
    await killed.listening()
    await killed.stop('SIGKILL')
    expect((await status()).code).toBe(4)
    const next = new ServeProcess(['--home', cli.home])
    const { pid } = await next.listening()
    expect((await status()).document).toMatchObject({ pid })
    await next.stop()
  })
})
