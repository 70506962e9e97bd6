import { type Command, Plugin, run } from '@oclif/core'
import { describeError, errorDocument, isQuietExit } from './cli/describe-error.ts'
import { switchOf } from './cli/environment.ts'
import { errorLines, watchOutput } from './cli/output.ts'

/** Every command by its id; evaluated only when a command runs, because help is answered from the manifest. */
export async function loadCommands(): Promise<Readonly<Record<string, typeof Command>>> {
  const { COMMANDS } = await import('./commands/index.ts')
  return COMMANDS
}

/** What oclif itself refuses before a command runs, above all unknown commands. */
async function reportStartError(error: unknown, argv: readonly string[]): Promise<void> {
  const commands = Object.keys(await loadCommands()).map((id) => id.replaceAll(':', ' '))
  const described = describeError(error, { flags: [], commands })
  process.exitCode = described.exitCode
  const asJson = argv.includes('--json') || switchOf(process.env.XMPPKI_JSON) === true
  if (asJson) process.stdout.write(`${JSON.stringify({ error: errorDocument(described) }, null, 2)}\n`)
  else process.stderr.write(`${errorLines(described).join('\n')}\n`)
}

/** Runs one command line; resolves when it is done. The exit code is set, never forced. */
export async function main(argv: string[], root: string): Promise<void> {
  watchOutput()
  try {
    await run(argv, { root })
  } catch (error) {
    if (!isQuietExit(error)) await reportStartError(error, argv)
  }
}

/** What oclif knows of the commands, for the file that spares it finding out at every start. */
export async function commandManifest(root: string): Promise<object> {
  const plugin = new Plugin({ root, isRoot: true, ignoreManifest: true })
  await plugin.load()
  return plugin.manifest
}
