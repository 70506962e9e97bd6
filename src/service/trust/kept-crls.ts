import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../server/log.ts'
import type { CaCertificate } from '../../trust/ca-certificate.ts'
import { isUsable, type LoadedList, loadList } from '../../trust/loaded-list.ts'
import { SECRET_FILE } from '../../workspace/disk/files.ts'
import type { ListKeeper } from './crl-files.ts'

const PRIVATE_FOLDER = 0o700

/**
 * Copies of CRLs in the workspace, by the file that they come from and the CA that has signed them: a list that was good
 * holds after a restart too, when by then something worse is in its file. A workspace that cannot be written to is a
 * warning.
 */
export class KeptCrls implements ListKeeper {
  readonly #folder: string
  readonly #log: Log
  /** Warnings are given once. */
  #warned = false

  constructor(folder: string, log: Log) {
    this.#folder = folder
    this.#log = log
  }

  async load(path: string, authorities: readonly CaCertificate[], now: readonly LoadedList[]) {
    const lists: LoadedList[] = []
    const known = new Set(now.map((list) => nameOf(path, list)))
    const names = (await this.#names()).filter((name) => name.startsWith(prefixOf(path)) && !known.has(name))
    for (const name of names) {
      const file = join(this.#folder, name)
      const list = await attempt(async () => loadList(await readFile(file), path, authorities))
      // Nobody but this process writes here, and the signature is looked at all the same.
      if (list !== undefined && isUsable(list) && list.signer !== undefined) lists.push(list)
    }
    return lists
  }

  async keep(lists: ReadonlyMap<string, readonly LoadedList[]>): Promise<void> {
    const proven = [...lists].flatMap(([path, found]) => {
      return found.filter(({ signer }) => signer !== undefined).map((list) => [nameOf(path, list), list] as const)
    })
    const wanted = new Map(proven)
    try {
      const there = new Set(await this.#names())
      for (const [name, { der }] of wanted) if (!there.has(name)) await this.#write(name, der)
      for (const name of there) if (!wanted.has(name)) await rm(join(this.#folder, name), { force: true })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const effect = 'after a restart only what is in the files then counts'
      if (!this.#warned)
        this.#log.warn({ folder: this.#folder, error: reason, effect }, 'no copies of CRLs can be kept')
      this.#warned = true
    }
  }

  /** None where there is no such folder. */
  async #names(): Promise<readonly string[]> {
    return (await attempt(() => readdir(this.#folder))) ?? []
  }

  /** Whole or not at all. */
  async #write(name: string, der: Uint8Array): Promise<void> {
    await mkdir(this.#folder, { mode: PRIVATE_FOLDER, recursive: true })
    const temporary = join(this.#folder, `.xmppki-${name}`)
    const file = await open(temporary, 'w', SECRET_FILE)
    try {
      await file.writeFile(der)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, join(this.#folder, name))
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch {
    return undefined
  }
}

function digest(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function prefixOf(path: string): string {
  return `${digest(path)}-`
}

/** Another list has another signature. */
function nameOf(path: string, { signer = '', crl }: LoadedList): string {
  return `${prefixOf(path)}${signer.slice(0, 16)}-${digest(crl.signed.signature)}.crl`
}
