import { describe, expect, it } from 'vitest'
import { type ListDefaults, listedClients } from '../../src/cli/listed-clients.ts'
import { parseUserList } from '../../src/cli/user-list.ts'

const DEFAULTS: ListDefaults = {
  domain: 'example.org',
  explicit: false,
  device: '',
  days: 500,
  source: 'users.csv',
  oneFolder: undefined,
}

function check(lines: readonly string[], given: Partial<ListDefaults> = {}) {
  const found = listedClients(parseUserList(Buffer.from(lines.join('\n')), 'users.csv'), { ...DEFAULTS, ...given })
  return {
    clients: found.clients.map(({ jid, device, days, place }) => [jid.toString(), device, days, place]),
    refused: found.refused.map(({ name, line, error }) => [name, line, error.code, error.message]),
    remarks: found.remarks,
  }
}

describe('listedClients', () => {
  it('takes from the command line what a row does not say', () => {
    const lines = ['name,device,days,domain', 'alice,,,', 'bob,Phone,30,a.example', 'carol@b.example,,,b.example']
    expect(check(lines, { device: 'laptop', days: 7 }).clients).toEqual([
      ['alice@example.org', 'laptop', 7, 'users.csv:2'],
      ['bob@a.example', 'phone', 30, 'users.csv:3'],
      ['carol@b.example', 'laptop', 7, 'users.csv:4'],
    ])
  })

  it.each([
    ['a name that is none', 'a@@b,,,', 'BAD_NAME', 'users.csv:2: "a@@b" cannot be used'],
    ['a device', 'a,../x,,', 'BAD_NAME', "users.csv:2: '../x' cannot be the label of a device"],
    ['days', 'a,,1e3,', 'BAD_INPUT', 'users.csv:2: days must be a whole number'],
    ['a domain', 'a,,,-x-', 'BAD_NAME', "users.csv:2: '-x-' is not a domain"],
    ['two domains', 'a@b.example,,,c.example', 'BAD_INPUT', 'users.csv:2: a@b.example is not at the domain c.example'],
  ])('refuses %s and goes on', (_case, row, code, message) => {
    const { clients, refused } = check(['name,device,days,domain', row, 'alice,,,'])
    expect(refused).toEqual([[expect.any(String), 2, code, expect.stringContaining(message)]])
    expect(clients).toHaveLength(1)
  })

  it('refuses the later one of two rows for one user and device', () => {
    const lines = ['name,device', 'alice,', 'ALICE@example.org,', 'alice,phone', 'alice,Phone', 'alice@b.example,']
    expect(check(lines).refused.map(([, line, , message]) => [line, message])).toEqual([
      [3, 'users.csv:3: the user alice@example.org is on line 2 already'],
      [5, 'users.csv:5: alice@example.org (phone) is on line 4 already'],
    ])
    expect(check(lines, { oneFolder: '--out' }).refused.map(([, line]) => line)).toEqual([3, 5, 6])
  })

  it('says what it made of a name', () => {
    expect(check(['Alice']).remarks).toEqual([expect.stringMatching(/^users\.csv:1: "Alice" is the user alice@/)])
  })
})
