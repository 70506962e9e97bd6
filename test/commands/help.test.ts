import { describe, expect, it } from 'vitest'
import { runCli } from '../support/processes/cli.ts'

describe('help', () => {
  it.each([
    ['nothing', [], []],
    ['a topic', ['client'], ['client']],
    ['a topic in a topic', ['ca', 'issuing'], ['ca', 'issuing']],
    ['a command', ['client', 'issue'], ['client', 'issue']],
    ['a command in one word', ['client issue'], ['client', 'issue']],
    ['a command that is a topic too', ['config', 'render'], ['config', 'render']],
  ])('of %s is what --help prints', async (_, asked, words) => {
    const [help, flag] = await Promise.all([runCli(['help', ...asked]), runCli([...words, '--help'])])
    expect(help).toEqual(flag)
    expect(help.code).toBe(0)
    expect(help.stdout).toContain('USAGE')
  })

  it.each([
    [['cleint'], 'error: unknown command: cleint\nhint:  did you mean: xmppki client\n'],
    [['clinet', 'issue'], 'error: unknown command: clinet issue\nhint:  did you mean: xmppki client issue\n'],
    [['nonsense'], 'error: unknown command: nonsense\nhint:  see: xmppki --help\n'],
    [['client', 'issue', 'alice'], 'error: too many arguments\nhint:  see --help\n'],
  ])('of %j is an error', async (words, stderr) => {
    expect(await runCli(['help', ...words])).toMatchObject({ code: 2, stdout: '', stderr })
  })
})
