import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkConfiguration } from '../../src/config/load.ts'
import { examinePorts } from '../../src/doctor/ports.ts'
import { CaFolder } from '../workspace/support.ts'

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

async function examine(toml: string) {
  const source = { file: undefined, home: undefined, overrides: [], defaultHost: 'localhost' }
  const { configuration } = checkConfiguration(toml, source)
  if (configuration === undefined) throw new Error('cannot be used')
  return examinePorts(ca.workspace, configuration)
}

describe('examinePorts', () => {
  it.each(['127.0.0.1', '0.0.0.0', '::'])(
    'sees that another program has the port, where %s is meant',
    async (address) => {
      const other = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      const { port } = other.address() as AddressInfo
      const toml = `[[listen.c2s]]\nport = 0\n[[listen.c2s]]\nport = ${port}\nip_address = "${address}"\n`
      const [first, ...others] = await examine(toml)
      other.close()
      expect(first).toEqual({
        check: 'ports',
        state: 'failed',
        text: `serve does not run, and another program has port ${port} of ${address}`,
        hint: `find it with: ss -ltnp 'sport = :${port}'`,
      })
      expect(others).toEqual([])
      await once(other, 'close')
      expect(await examine(toml)).toMatchObject([{ state: 'note', text: expect.stringContaining('nobody else') }])
    },
  )
})
