import { accessFor } from './access.ts'
import { fill } from './fill.ts'
import { quotedFiles } from './quote.ts'
import type { ReadTemplate, ServerRequest } from './rendered-server.ts'

/** The `ejabberd.yml` of ejabberd 23. It has no use for CRLs. @throws {XmppkiError} BAD_INPUT */
export function renderEjabberd(request: ServerRequest, read: ReadTemplate): string {
  const { passwords, command } = request
  const reader = { name: 'ejabberd', user: 'ejabberd', reload: 'ejabberdctl reload_config', comment: '#' }
  const { files, note: access } = accessFor({ ...request, files: { ...request.files, crls: [] } }, reader)
  return fill(read, 'ejabberd/ejabberd.yml', {
    command,
    access,
    ...quotedFiles(files),
    authentication: fill(read, `ejabberd/${passwords ? 'passwords' : 'certificates'}.yml`, {}).trimEnd(),
  })
}
