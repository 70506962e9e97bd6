import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { slixmpp } from '../../../interop/clients/slixmpp.ts'
import type { LineProcess } from '../../../interop/line-process.ts'
import { Service } from '../../../interop/service.ts'
import { startPoezio } from './poezio.ts'
import type { Terminal } from './terminal.ts'

describe('Poezio', () => {
  let service: Service
  let poezio: Terminal
  let alice: LineProcess

  beforeAll(async () => {
    service = await Service.create()
    const files = await service.issue('alice')
    const bob = await service.issue('bob')
    await service.start()
    alice = slixmpp(service, { jid: 'alice@localhost/a', files })
    await alice.take('stdout', { event: 'online' })
    poezio = await startPoezio(service, bob)
  })
  afterAll(async () => {
    poezio?.end()
    await alice?.stop('SIGKILL')
    await service?.end()
  })

  it('verifies the server and logs in with EXTERNAL over STARTTLS', async () => {
    await service.logged({ msg: 'logged in', account: 'bob@localhost' })
    await poezio.shows('log', /RECV: <success /)
    expect(poezio.log.match(/SEND: <auth [^>]*>[^<]*/g)).toEqual([
      expect.stringMatching(/^SEND: <auth (?=.*mechanism="EXTERNAL").*>=$/),
    ])
    await poezio.shows('screen', 'bob@localhost')
    // Messages to its bare address find it once the server has heard its presence, which comes back (RFC 6121 §4.2.2).
    await poezio.shows('log', /RECV: <presence [^>]*from="bob@localhost\//)
  })

  it('shows a message that another client sends', async () => {
    alice.write({ to: 'bob@localhost', body: 'Soft! what light?' })
    await poezio.shows('log', /RECV: <message .*Soft! what light\?/)
    await poezio.shows('screen', /^ *1\.alice/m)
    // The next tab.
    poezio.press('C-n')
    await poezio.shows('screen', 'Soft! what light?')
  })

  it('sends a message that arrives', async () => {
    await poezio.type('It is the east & Juliet is the sun')
    expect(await alice.take('stdout', { event: 'message' })).toMatchObject({
      from: expect.stringMatching(/^bob@localhost\/poezio-/),
      body: 'It is the east & Juliet is the sun',
    })
  })
})
