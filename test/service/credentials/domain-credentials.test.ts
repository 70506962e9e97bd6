import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfiguration } from '../../../src/config/load.ts'
import { listenerCredentials } from '../../../src/service/credentials/domain-credentials.ts'
import { CaFolder } from '../../workspace/support.ts'

let ca: CaFolder
beforeAll(async () => {
  ca = await new CaFolder().init()
})
afterAll(() => ca.remove())

function credentials() {
  const source = { file: undefined, home: ca.home, overrides: [], defaultHost: 'localhost' }
  const { configuration } = readConfiguration(source)
  if (configuration === undefined) throw new Error('not reached')
  return listenerCredentials(ca.workspace, configuration, ca.issuer)
}

describe('the server certificate of the workspace', () => {
  it('is issued where it is missing, one for all listeners', async () => {
    const [first, ...others] = await credentials()
    expect(first?.map(({ domain }) => domain)).toEqual(['localhost'])
    for (const other of others) expect(other).toEqual(first)
    expect(ca.warnings).toEqual([])
  })

  it('is refused with a key that does not fit it, by the names of the files', async () => {
    await credentials()
    const directory = ca.workspace.serverCredentials('localhost')?.directory ?? ''
    const key = `${directory}/server.key`
    const old = readFileSync(key)
    writeFileSync(key, readFileSync(ca.workspace.paths.rootKey))
    await expect(credentials()).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `the key in ${key} is not that of the certificate in ${directory}/chain.crt`,
      hint: `move ${directory} away and run: xmppki server issue localhost`,
    })
    writeFileSync(key, old)
    await credentials()
  })
})
