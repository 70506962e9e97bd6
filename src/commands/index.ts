import CaInit from './ca/init.ts'
import ClientIssue from './client/issue.ts'
import Quickstart from './quickstart.ts'
import Serve from './serve.ts'
import ServerIssue from './server/issue.ts'

/** Every command by its id, as oclif's explicit strategy wants it: static imports keep start-up to one file. */
export const COMMANDS = {
  'ca:init': CaInit,
  'client:issue': ClientIssue,
  'server:issue': ServerIssue,
  quickstart: Quickstart,
  serve: Serve,
}
