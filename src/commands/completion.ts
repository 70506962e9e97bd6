import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Args } from '@oclif/core'
import { XmppkiCommand } from '../cli/base-command.ts'
import type { Offers } from '../cli/completion/command-tree.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { KEY_TYPES } from '../pki/keys/algorithms.ts'
import { renderTemplate } from '../render/template.ts'
import { EXTERNAL_SOURCES } from '../xmpp/sasl/external.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

type Shell = (typeof SHELLS)[number]

export default class Completion extends XmppkiCommand<void> {
  static override summary = 'Print the completion script for bash, zsh or fish.'

  static override description = [
    'With it TAB completes commands, flags, their values, files, and the names of users who have a certificate or an account. The script knows all commands by itself and starts xmppki only to look up names.',
    'To have it in every session: for bash write it to /etc/bash_completion.d/xmppki or source it in ~/.bashrc; for zsh write it to a file _xmppki in a folder of $fpath; for fish write it to ~/.config/fish/completions/xmppki.fish. Make it anew after an update.',
    exitCodes({ DONE: 'printed' }),
  ].join('\n\n')

  static override examples = [
    { description: 'For this session of bash:', command: 'source <(<%= config.bin %> completion bash)' },
    {
      description: 'For zsh, on every start, where $fpath has such a folder:',
      command: '<%= config.bin %> completion zsh > ~/.zfunc/_xmppki',
    },
    {
      description: 'For fish, on every start:',
      command: '<%= config.bin %> completion fish > ~/.config/fish/completions/xmppki.fish',
    },
  ]

  static override enableJsonFlag = false

  // There is neither a workspace nor a result here.
  static override baseFlags = {} as typeof XmppkiCommand.baseFlags

  static override args = {
    shell: Args.string({ description: 'the shell', required: true, options: SHELLS, ignoreStdin: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Completion)
    const { commandTree } = await import('../cli/completion/command-tree.ts')
    const { REVOCATION_REASONS } = await import('../pki/revocation/revocation-reason.ts')
    const offers: Offers = {
      values: {
        FILE: 'files',
        PATH: 'files',
        TYPE: KEY_TYPES,
        'TYPE,…': KEY_TYPES,
        REASON: REVOCATION_REASONS,
        SOURCE: EXTERNAL_SOURCES,
        USER: 'clients',
      },
      args: { cert: 'files', file: 'files', key: 'files' },
      users: {
        'client:export': 'clients',
        'client:renew': 'clients',
        'client:revoke': 'clients',
        'client:show': 'clients',
        'user:delete': 'accounts',
        'user:passwd': 'accounts',
      },
    }
    const parts = await partsFor(args.shell as Shell)
    const source = join(this.config.root, 'templates', 'completion', args.shell)
    process.stdout.write(renderTemplate(readFileSync(source, 'utf8'), parts(commandTree(this.config, offers)), source))
  }
}

async function partsFor(shell: Shell) {
  if (shell === 'bash') return (await import('../cli/completion/bash.ts')).bashParts
  if (shell === 'zsh') return (await import('../cli/completion/zsh.ts')).zshParts
  return (await import('../cli/completion/fish.ts')).fishParts
}
