import { spawnSync } from 'node:child_process'
import { documentText, markedBlocks } from './documents.ts'

/** What a person would type: passphrases twice, a name for the CA and for alice, nothing else. */
function answersTo(command: string): string {
  const subject = (name: string) => `.\n.\n.\n.\n.\n${name}\n\n\n\n`
  if (command.includes('-des3')) return 'secret\nsecret\n'
  if (command.includes('-x509 -new')) return `secret\n${subject('root')}`
  if (command.startsWith('openssl req')) return subject('alice')
  if (command.includes('-CAkey')) return 'secret\n'
  return 'export\nexport\n'
}

/**
 * Runs the openssl commands that the README calls the walkthrough, as a person at a terminal: rootCA.crt, rootCA.key with
 * the passphrase `secret`, and key, certificate and bundle (`export`) of alice as client.*.
 * @param bits of the CA key; a short one is made faster
 */
export function walkThrough(folder: string, bits: 2048 | 4096): void {
  const commands = markedBlocks(documentText('README.md')).flatMap(({ mark, lines }) =>
    mark === 'walkthrough' ? lines : [],
  )
  if (commands.length !== 6) throw new Error(`the README has ${commands.length} commands in its walkthrough`)
  for (const command of commands) {
    // Without a controlling terminal openssl reads its prompts from standard input.
    const { status, stderr } = spawnSync('setsid', ['--wait', 'bash', '-c', command.replace('4096', String(bits))], {
      cwd: folder,
      input: answersTo(command),
      encoding: 'utf8',
      timeout: 100_000,
    })
    if (status !== 0) throw new Error(`${command}\n${stderr}`)
  }
}
