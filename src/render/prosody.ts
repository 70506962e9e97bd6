import { accessFor } from './access.ts'
import { fill } from './fill.ts'
import { quoted, quotedFiles, quotedList } from './quote.ts'
import type { ReadTemplate, ServerRequest } from './rendered-server.ts'

/** The module that the configuration needs, below `templates`. */
export const PROSODY_MODULE = 'prosody/mod_auth_xmppki.lua'

/**
 * The `prosody.cfg.lua` of Prosody 0.12.
 * @param plugins the folder that {@link PROSODY_MODULE} lies in
 * @throws {XmppkiError} BAD_INPUT
 */
export function renderProsody(request: ServerRequest, plugins: string, read: ReadTemplate): string {
  const { passwords, command } = request
  const reader = { name: 'Prosody', user: 'prosody', reload: 'prosodyctl reload', comment: '--' }
  const { files, note: access } = accessFor(request, reader)
  const { crls } = files
  return fill(read, 'prosody/prosody.cfg.lua', {
    command,
    access,
    plugins: quoted(plugins),
    ...quotedFiles(files),
    crls: quotedList(crls),
    passwords: fill(read, `prosody/${passwords ? 'passwords' : 'certificates'}.lua`, {}).trimEnd(),
  })
}
