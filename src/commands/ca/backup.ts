import { Args } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { parsePath } from '../../cli/flags.ts'
import { columns } from '../../cli/output.ts'
import type { BackupResult } from '../../workspace/backup/backup.ts'
import { backupPassphraseFileFlag, readBackupPassphrase } from './backup-passphrase.ts'

export default class CaBackup extends XmppkiCommand<BackupResult> {
  static override summary = 'Write everything of the workspace to one encrypted file.'

  static override description = [
    'FILE gets the CA with its keys (encrypted as they are), the ledger with the audit log, the settings, and all server and client folders in the workspace: what `ca restore` needs on an empty machine. It appears when it is complete, with mode 0600, and never replaces a file: exit code 3. Others can go on issuing and revoking afterwards; meanwhile they wait.',
    'Certificates whose folders are elsewhere (--out, imports) are in the ledger, but their files are not in the backup: how many is said. Keys in a PKCS#11 token stay there.',
    'The passphrase of the backup comes from --backup-passphrase-file, XMPPKI_BACKUP_PASSPHRASE, or the terminal, and has nothing to do with that of the CA key. Without it the backup is worth nothing.',
    'The file is a tar archive in the format of age (https://age-encryption.org), so it can be opened without xmppki too: age --decrypt FILE | tar -x',
    exitCodes({
      EXISTS: 'the file is there already',
      NOT_FOUND: 'there is no CA',
      PASSPHRASE: 'no passphrase',
      CORRUPT: 'files and ledger disagree',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'Onto a stick:', command: '<%= config.bin %> ca backup /media/stick/xmppki-2030-01-31.age' },
    {
      description: 'Every night from cron:',
      command:
        '<%= config.bin %> ca backup /var/backups/xmppki-$(date +%F).age --backup-passphrase-file /run/secrets/backup',
    },
    {
      description: 'The checksum, for another place:',
      command: '<%= config.bin %> ca backup pki.age --json | jq -r .sha256',
    },
  ]

  static override args = {
    file: Args.string({ description: 'the file to write', required: true, ignoreStdin: true }),
  }

  static override flags = { 'backup-passphrase-file': backupPassphraseFileFlag }

  async run(): Promise<BackupResult> {
    const { args, flags } = await this.parse(CaBackup)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { backupWorkspace, checkBackupTarget } = await import('../../workspace/backup/backup.ts')
    const warn = (text: string) => this.sayWarning(text)
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const file = parsePath(args.file)
      checkBackupTarget(workspace, file)
      const passphrase = await readBackupPassphrase(flags['backup-passphrase-file'], { confirm: true, warn })
      const result = await backupWorkspace(workspace, file, passphrase)
      this.#show(result)
      return result
    } finally {
      workspace.close()
    }
  }

  #show({ file, bytes, sha256, files, outside, skipped }: BackupResult): void {
    const rows = columns([
      ['backup', file],
      ['size', `${bytes} bytes, ${files} files`],
      ['SHA-256', sha256],
    ])
    for (const row of rows) this.log(row)
    if (outside > 0) {
      this.sayWarning(
        `the files of ${outside} certificates are not in the backup, because they are not in the workspace`,
      )
    }
    if (skipped.length > 0) this.sayWarning(`not in the backup: ${skipped.join(', ')}`)
  }
}
