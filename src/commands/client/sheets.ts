import { basename, join } from 'node:path'
import { addressOf } from '../../cli/client-address.ts'
import { ClientGuides, setupOnPaper } from '../../cli/client-guides.ts'
import { isGiven } from '../../cli/environment.ts'
import { XmppkiError } from '../../errors.ts'
import { clientFolderName } from '../../workspace/base/paths.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'
import type { IssuedClient } from '../../workspace/clients/issue-client.ts'
import { type UserFile, writeUserFiles } from '../../workspace/clients/user-files.ts'
import { exists, makePrivateFolder, type NewFile, readTextIfAny, SECRET_FILE } from '../../workspace/disk/files.ts'
import { parseJid } from '../../xmpp/address/jid.ts'
import type { SheetFlagValues } from './sheet-flags.ts'

interface SheetContext {
  /** Folder of the program. */
  readonly root: string
  readonly argv: readonly string[]
  readonly workspace: Workspace
  /** The password of all bundles that are made now; undefined: each gets its own. */
  readonly p12Password?: string
}

/** Undefined where no sheets are wanted. @throws {XmppkiError} USAGE for flags that only a sheet would heed, IO */
export function sheetsOf(flags: SheetFlagValues, context: SheetContext): Sheets | undefined {
  // A folder that cannot be made should be known before anything is issued.
  if (flags.sheets !== undefined) makePrivateFolder(flags.sheets)
  if (flags.sheet || flags.sheets !== undefined) return new Sheets(flags, context)
  // A variable may be set for other commands.
  const idle = ['with-password', 'host', 'port'].find((flag) => isGiven(flag, context.argv))
  if (idle === undefined) return undefined
  throw new XmppkiError('USAGE', `--${idle} is about welcome sheets`, { hint: 'add --sheet or --sheets FOLDER' })
}

/** The welcome sheets of a run of `client issue`. */
export class Sheets {
  readonly #flags: SheetFlagValues
  readonly #context: SheetContext
  readonly #guides: ClientGuides
  #root: { readonly file: string; readonly fingerprint: string } | undefined

  constructor(flags: SheetFlagValues, context: SheetContext) {
    this.#flags = flags
    this.#context = context
    this.#guides = new ClientGuides(context.root)
  }

  /** Where the sheet of this client is. */
  pathOf({ jid, device, directory, files }: IssuedClient): string {
    const { sheets } = this.#flags
    if (sheets === undefined) return join(directory, `${basename(files.p12, '.p12')}.html`)
    return join(sheets, `${clientFolderName(parseJid(jid).local ?? '', device)}.html`)
  }

  /** The sheet beside the bundle, to appear together with it. */
  enclose(client: IssuedClient): readonly NewFile[] {
    if (this.#flags.sheets !== undefined) return []
    return [{ name: basename(this.pathOf(client)), content: this.#render(client), mode: SECRET_FILE }]
  }

  /**
   * Writes the sheets that did not come with the bundles, also those that an earlier run was to write.
   * @throws {XmppkiError} IO
   */
  async complete(clients: readonly IssuedClient[]): Promise<void> {
    const late = clients.filter(({ created }) => this.#flags.sheets !== undefined || !created)
    const files = late.flatMap((client): UserFile[] => {
      if (exists(client.files.p12)) return [{ path: this.pathOf(client), content: this.#render(client) }]
      this.#warn(`there is no bundle of ${client.jid} here, so there is no sheet`)
      return []
    })
    for (const path of await writeUserFiles(this.#context.workspace.ledger(), files)) {
      this.#warn(`the sheet ${path} says something else and stays; move it away for a new one`)
    }
  }

  #render(client: IssuedClient): string {
    const { device, notAfter, directory, files } = client
    const jid = parseJid(client.jid)
    const { file, fingerprint } = this.#ca()
    const setup = setupOnPaper({
      jid,
      device,
      address: addressOf(this.#flags, jid.domain),
      ca: file,
      files: { ...files, passwordFile: undefined, password: undefined, compat: undefined },
    })
    return this.#guides.sheet({
      jid: client.jid,
      address: setup.address,
      certificate: { device, notAfter, bundle: basename(files.p12), directory, password: this.#passwordOf(client) },
      caFingerprint: fingerprint,
      guides: this.#guides.allGuides(setup),
    })
  }

  #ca(): { readonly file: string; readonly fingerprint: string } {
    if (this.#root === undefined) {
      const { files, fingerprint } = this.#context.workspace.root()
      this.#root = { file: files.certificate, fingerprint }
    }
    return this.#root
  }

  #passwordOf({ jid, created, files, generatedPassword }: IssuedClient): string | undefined {
    if (!this.#flags['with-password']) return undefined
    // A bundle of an earlier run need not have the password that is given now.
    const given = created ? (this.#context.p12Password ?? generatedPassword) : undefined
    const kept = files.p12Password === undefined ? undefined : readTextIfAny(files.p12Password)?.trim()
    const password = given ?? kept
    if (password === undefined) this.#warn(`the password of ${jid}'s bundle is not known here, so no sheet has it`)
    return password
  }

  #warn(text: string): void {
    this.#context.workspace.warn(text)
  }
}
