import { fill } from './fill.ts'
import { quotedPapers } from './quote.ts'
import type { ReadTemplate, ServerRequest } from './server.ts'

/** The `ejabberd.yml` of ejabberd 23. It has no use for CRLs. @throws {XmppkiError} BAD_INPUT */
export function renderEjabberd({ papers, passwords, command }: ServerRequest, read: ReadTemplate): string {
  return fill(read, 'ejabberd/ejabberd.yml', {
    command,
    ...quotedPapers(papers),
    authentication: fill(read, `ejabberd/${passwords ? 'passwords' : 'certificates'}.yml`, {}).trimEnd(),
  })
}
