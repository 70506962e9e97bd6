import { describe, expect, it } from 'vitest'
import { settingLines } from '../../../src/commands/config/listing.ts'

describe('settingLines', () => {
  it('aligns what follows in each table, as a terminal shows it', async () => {
    const origin = { from: 'default' } as const
    const settings = [
      { key: 'server.home', value: '/srv/証書', origin },
      { key: 'server.port', value: 5222, origin },
      { key: 'listen.c2s[0].address', value: undefined, origin },
    ]
    expect(await settingLines(settings)).toEqual([
      { text: '[server]' },
      { text: 'home = "/srv/証書"', origin },
      { text: 'port = 5222       ', origin },
      { text: '' },
      { text: '[[listen.c2s]]' },
      { text: '# address', origin },
    ])
  })
})
