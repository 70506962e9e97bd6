import { readFile, stat } from 'node:fs/promises'
import { XmppkiError } from '../../errors.ts'
import { MAX_CRL_BYTES, readCrlFile } from '../../pki/revocation/crl-file.ts'
import type { Log } from '../../server/log.ts'
import type { CaCertificate } from '../../trust/ca-certificate.ts'
import { takesPlaceOf } from '../../trust/list-group.ts'
import { isUsable, type LoadedList, loadList, type UnusableList } from '../../trust/loaded-list.ts'

/** More lists than this that a file had before are not held on to. */
const MAX_KEPT = 100

/** What a file says, and what it said before that still holds. */
interface ReadFile {
  /** Of the file and of the CAs that it was read for. */
  readonly version: string
  readonly lists: readonly LoadedList[]
}

/** What is in a file now. */
interface Content {
  readonly loaded: readonly LoadedList[]
  readonly unusable: readonly UnusableList[]
}

/** Remembers lists beyond the end of the process. */
export interface ListKeeper {
  /** What the file has said before, but for what it says now. Never throws. */
  load(path: string, authorities: readonly CaCertificate[], now: readonly LoadedList[]): Promise<readonly LoadedList[]>
  /** Keeps these, by file, and no others. Never throws. */
  keep(lists: ReadonlyMap<string, readonly LoadedList[]>): Promise<void>
}

/** The lists of some files, as they have just been read. */
export interface ReadLists {
  readonly of: (path: string) => readonly LoadedList[]
  /** To be called when they are in force: from now on it is these that are held on to. Never throws. */
  readonly take: () => Promise<void>
}

/**
 * The files of `crl_files`, and those of `cacertfile` with lists in them, read again when they have changed. No file keeps
 * the server from starting, or from taking up the rest. A list that was good holds until a newer one of its CA takes its
 * place: what cannot be read, is not signed rightly, or is older does not.
 */
export class CrlFiles {
  readonly #log: Log
  readonly #keeper: ListKeeper | undefined
  #files: ReadonlyMap<string, ReadFile> = new Map()

  constructor(log: Log, keeper?: ListKeeper) {
    this.#log = log
    this.#keeper = keeper
  }

  /**
   * Reads those that have changed. Never throws.
   * @param authorities all CAs that are configured
   */
  async read(paths: ReadonlySet<string>, authorities: readonly CaCertificate[]): Promise<ReadLists> {
    const files = new Map<string, ReadFile>()
    for (const path of paths) files.set(path, await this.#readFile(path, authorities))
    return {
      of: (path) => files.get(path)?.lists ?? [],
      take: async () => {
        this.#files = files
        await this.#keeper?.keep(new Map([...files].map(([path, { lists }]) => [path, lists])))
      },
    }
  }

  async #readFile(path: string, authorities: readonly CaCertificate[]): Promise<ReadFile> {
    const version = `${await versionOf(path)}\n${authorities.map(({ facts }) => facts.fingerprint).join(' ')}`
    const known = this.#files.get(path)
    if (known?.version === version) return known
    const content = await readContent(path, authorities).catch(reasonOf)
    const loaded = typeof content === 'string' ? [] : content.loaded
    const ids = new Set(authorities.map(({ id }) => id))
    const before = (known?.lists ?? (await this.#keeper?.load(path, authorities, loaded)) ?? []).filter(
      ({ signer }) => signer === undefined || ids.has(signer),
    )
    if (typeof content === 'string') {
      const effect = before.length === 0 ? 'it counts as missing' : 'what it said before still holds'
      this.#log.error({ file: path, error: content, effect }, 'a CRL cannot be read')
      return { version, lists: before }
    }
    const kept = before.filter((list) => isKept(list, content)).slice(0, MAX_KEPT)
    this.#report(path, content, kept)
    return { version, lists: [...loaded, ...kept] }
  }

  #report(file: string, { loaded, unusable }: Content, kept: readonly LoadedList[]): void {
    const isHeld = (issuer: string | undefined) => kept.some(({ crl }) => crl.issuer === issuer)
    for (const { issuer, reason } of unusable) {
      const effect = isHeld(issuer) ? 'what it said before still holds' : 'it counts as missing'
      this.#log.error(
        { file, issuer, error: reason, effect },
        `a CRL cannot be ${issuer === undefined ? 'read' : 'used'}`,
      )
    }
    for (const { crl, signer } of kept) {
      const { issuer } = crl
      if (unusable.some((one) => one.issuer === issuer)) continue
      const isThere = loaded.some((list) => list.signer === signer)
      const error = isThere ? 'none that is as new and as good has taken its place' : 'the file has no CRL of this CA'
      this.#log.error({ file, issuer, error, effect: 'what it said before still holds' }, 'a CRL is missing')
    }
    for (const { crl, doubts, signer } of loaded) {
      const { issuer } = crl
      for (const reason of doubts) {
        const effect = 'of what it does not list it is not known whether it is revoked'
        this.#log.warn({ file, issuer, reason, effect }, 'a CRL can be used in part')
      }
      if (signer === undefined) {
        const effect = 'it counts where a client comes with the certificate of that CA, below one that is configured'
        this.#log.warn({ file, issuer, effect }, 'a CRL is of no configured CA')
      }
    }
  }
}

/** Changes whenever the file does, also when another one takes its place. */
async function versionOf(path: string): Promise<string> {
  try {
    const { ino, mtimeNs, ctimeNs, size } = await stat(path, { bigint: true })
    return `${ino} ${mtimeNs} ${ctimeNs} ${size}`
  } catch (error) {
    return reasonOf(error)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** @throws what reading the file throws; XmppkiError BAD_INPUT when there is no CRL in it, or too much */
async function readContent(path: string, authorities: readonly CaCertificate[]): Promise<Content> {
  const { size } = await stat(path)
  if (size > MAX_CRL_BYTES) throw new XmppkiError('BAD_INPUT', `${path} has ${size} bytes, more than ${MAX_CRL_BYTES}`)
  const { ders, faults } = await readCrlFile(await readFile(path), path)
  const loaded: LoadedList[] = []
  const unusable: UnusableList[] = faults.map((reason) => ({ source: path, issuer: undefined, reason }))
  for (const der of ders) {
    const list = await loadList(der, path, authorities)
    if (isUsable(list)) loaded.push(list)
    else unusable.push(list)
  }
  return { loaded, unusable }
}

/** Whether a list that the file had before goes on to count beside what it has now. */
function isKept(list: LoadedList, { loaded, unusable }: Content): boolean {
  // Nobody knows whether it was good, unless it is known that the one that has come instead is not.
  if (list.signer === undefined)
    return unusable.some(({ issuer }) => issuer === undefined || issuer === list.crl.issuer)
  return !loaded.some((other) => takesPlaceOf(other, list))
}
