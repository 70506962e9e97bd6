import { resolve } from 'node:path'
import { Args } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { columns } from '../../cli/output.ts'
import type { RestoreResult } from '../../workspace/backup/restore.ts'
import { backupPassphraseFileFlag, readBackupPassphrase } from './backup-passphrase.ts'

export default class CaRestore extends XmppkiCommand<RestoreResult> {
  static override summary = 'Make a workspace from a backup.'

  static override description = [
    'Unpacks what `ca backup` has written into the folder of the workspace, which must not have a CA: exit code 3. Before anything is put in place it is checked: that the file is whole and unchanged, that CA, settings and ledger are there, and that the audit log is unbroken and tells the same as the ledger. When something fails the folder is as it was.',
    'The passphrase is the one that was given to `ca backup`, from --backup-passphrase-file, XMPPKI_BACKUP_PASSPHRASE, or the terminal; exit code 5 when it is wrong, 6 when the file is damaged.',
    'What was revoked after the backup was made is not known to the restored ledger: revoke it again. CRLs that are still published keep their numbers; run `ca crl` to publish one with a larger number.',
    exitCodes({
      EXISTS: 'there is a CA already',
      NOT_FOUND: 'no such file',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'the backup is damaged',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'On a new machine:', command: '<%= config.bin %> ca restore /media/stick/xmppki-2030-01-31.age' },
    {
      description: 'Beside the one that is in use, to look into it:',
      command: '<%= config.bin %> ca restore pki.age --home /tmp/old-pki',
    },
    {
      description: 'In a script:',
      command: '<%= config.bin %> ca restore pki.age --backup-passphrase-file /run/secrets/backup --json',
    },
  ]

  static override args = {
    file: Args.string({ description: 'the backup', required: true, ignoreStdin: true }),
  }

  static override flags = { 'backup-passphrase-file': backupPassphraseFileFlag }

  async run(): Promise<RestoreResult> {
    const { args, flags } = await this.parse(CaRestore)
    const { checkRestoreTarget, restoreWorkspace } = await import('../../workspace/backup/restore.ts')
    const home = resolve(this.homeOf(flags))
    const file = resolve(args.file)
    checkRestoreTarget(home, file)
    const warn = (text: string) => this.sayWarning(text)
    const passphrase = await readBackupPassphrase(flags['backup-passphrase-file'], { confirm: false, warn })
    const result = await restoreWorkspace(home, file, passphrase)
    this.#show(result)
    return result
  }

  #show({ home, domain, files, certificates, outside, hasRootKey, head }: RestoreResult): void {
    const rows = columns([
      ['workspace', home],
      ['domain', domain],
      ['restored', `${files} files, ${certificates} certificates in the ledger`],
      ['audit log', `${head.number} entries, head ${head.hash}`],
    ])
    for (const row of rows) this.log(row)
    if (outside > 0)
      this.sayWarning(`the files of ${outside} certificates were not in the workspace that was backed up`)
    if (!hasRootKey) this.sayWarning('the key of the root CA was not in the backup')
  }
}
