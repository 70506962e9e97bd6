import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CLIENTS, type ClientFacts } from '../render/client-facts.ts'
import { type Guide, parseGuide } from '../render/guide.ts'
import { otherClients, renderWelcomeSheet, type WelcomeSheet } from '../render/welcome-sheet.ts'
import type { Jid } from '../xmpp/address/jid.ts'

/** What a client is set up with. Paths are as they are to stand in the settings. */
export interface ClientSetup {
  /** Bare, with a localpart. */
  readonly jid: Jid
  /** The empty string is the main device. */
  readonly device: string
  /** Undefined: DNS says where to connect. */
  readonly address: ServerAddress | undefined
  /** Of the root CA, which the client is to trust. */
  readonly ca: string
  /** Set for paper: files are called by their names, since nobody knows where they will lie. */
  readonly onPaper?: true
  /** Undefined for somebody without a certificate. */
  readonly files: SetupFiles | undefined
}

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

interface SetupFiles {
  readonly certificate: string
  readonly key: string
  readonly p12: string
  /** Where the password of the bundle can be read. */
  readonly passwordFile: string | undefined
  /** Only where it may be shown. */
  readonly password: string | undefined
  /** Where a bundle for old phones may be written; undefined where the user cannot make one. */
  readonly compat: string | undefined
}

/** Templates of the guides and of the sheet, read once. */
export class ClientGuides {
  readonly #folder: string
  readonly #texts = new Map<string, string>()

  /** @param root folder of the program */
  constructor(root: string) {
    this.#folder = join(root, 'templates', 'clients')
  }

  /** How to set up this client. @throws {XmppkiError} BAD_INPUT when a path has control characters */
  guide({ id }: ClientFacts, setup: ClientSetup): Guide {
    const source = `${id}.md`
    return parseGuide(this.#read(source), valuesOf(setup), join(this.#folder, source))
  }

  /** The sheet with these guides on it. */
  sheet(sheet: WelcomeSheet): string {
    return renderWelcomeSheet(this.#read('sheet.html'), sheet, join(this.#folder, 'sheet.html'))
  }

  /** What goes on the sheet of everybody: all the clients for people that take a certificate. */
  allGuides(setup: ClientSetup): Guide[] {
    const able = CLIENTS.filter(({ credentials, isProgram }) => credentials !== 'password' && isProgram)
    return [...able.map((client) => this.guide(client, setup)), otherClients()]
  }

  #read(name: string): string {
    const known = this.#texts.get(name)
    if (known !== undefined) return known
    const text = readFileSync(join(this.#folder, name), 'utf8')
    // Clients that need a password share how they get one.
    const whole = text.replace(/^@include (\S+)\n/gm, (_, part: string) => this.#read(part))
    this.#texts.set(name, whole)
    return whole
  }
}

function valuesOf({ jid, device, address, ca, files, onPaper }: ClientSetup) {
  return {
    jid: jid.toString(),
    local: jid.local,
    domain: jid.domain,
    device: device === '' ? undefined : device,
    host: address?.host,
    port: address?.port,
    ca,
    caFile: onPaper ? basename(ca) : ca,
    certificate: files?.certificate,
    key: files?.key,
    p12: files?.p12,
    password: files?.password,
    passwordFile: files?.password === undefined ? files?.passwordFile : undefined,
    compat: files?.compat,
  }
}

/** What settings say where a reader puts the folder of the files. */
const SOMEWHERE = '/path/to'

/** The setup as a sheet has it: no paths of this machine, and no secrets. */
export function setupOnPaper({ jid, device, address, ca, files }: ClientSetup): ClientSetup {
  const moved = (path: string) => `${SOMEWHERE}/${basename(path)}`
  return {
    jid,
    device,
    address,
    ca: moved(ca),
    onPaper: true,
    files: files && {
      certificate: moved(files.certificate),
      key: moved(files.key),
      p12: basename(files.p12),
      passwordFile: undefined,
      password: undefined,
      compat: undefined,
    },
  }
}
