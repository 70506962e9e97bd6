import { Args, loadHelpClass } from '@oclif/core'
import { XmppkiCommand } from '../cli/base-command.ts'
import { unknownCommand } from '../cli/describe-error.ts'
import { exitCodes } from '../cli/exit-codes.ts'

export default class Help extends XmppkiCommand<void> {
  static override summary = 'Show the help of a command or of a topic.'

  static override description = [
    'Shows what --help shows: of a command its usage, arguments, flags, exit codes and examples, of a topic such as client its commands. Without a COMMAND it lists all topics, and the commands outside of them.',
    'The manual page, man xmppki, has all commands on one page.',
    exitCodes({ DONE: 'shown', USAGE: 'there is no such command or topic' }),
  ].join('\n\n')

  static override examples = [
    { description: 'What is there?', command: '<%= config.bin %> help' },
    { description: 'The commands of a topic:', command: '<%= config.bin %> help client' },
    { description: 'All about one command:', command: '<%= config.bin %> help client issue' },
  ]

  static override enableJsonFlag = false

  // There is neither a workspace nor a result here.
  static override baseFlags = {} as typeof XmppkiCommand.baseFlags

  static override args = {
    command: Args.string({ description: 'words of a command or topic', multiple: true, ignoreStdin: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Help)
    const words = (args.command ?? []).flatMap((word) => word.split(' '))
    const id = words.join(':')
    const isKnown = id === '' || this.config.findCommand(id) !== undefined || this.config.findTopic(id) !== undefined
    if (!isKnown) {
      throw unknownCommand(
        words.join(' '),
        this.config.commands.map((command) => command.id.replaceAll(':', ' ')),
      )
    }
    const HelpOfOclif = await loadHelpClass(this.config)
    await new HelpOfOclif(this.config, this.config.pjson.oclif.helpOptions).showHelp([...words])
  }
}
