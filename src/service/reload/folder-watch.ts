import { type FSWatcher, statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * Tells when something happens to one of some files, whether or not they are there: folders are watched, because a file
 * that another one is renamed to is not the file that was watched.
 */
export class FolderWatch {
  readonly #changed: () => void
  readonly #watched = new Map<string, { readonly inode: bigint; readonly watcher: FSWatcher }>()
  #names = new Map<string, Set<string>>()

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** Watches the folders of these files and no others. Folders that cannot be watched are left out. */
  follow(files: readonly string[]): void {
    this.#names = namesByFolder(files)
    for (const folder of [...this.#watched.keys()]) if (!this.#names.has(folder)) this.#leave(folder)
    for (const folder of this.#names.keys()) this.#follow(folder)
  }

  close(): void {
    for (const folder of [...this.#watched.keys()]) this.#leave(folder)
  }

  #follow(folder: string): void {
    const inode = inodeOf(folder)
    if (this.#watched.get(folder)?.inode === inode) return
    this.#leave(folder)
    if (inode === undefined) return
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || this.#concerns(folder, name)) this.#changed()
      })
      watcher.on('error', () => this.#leave(folder))
      this.#watched.set(folder, { inode, watcher })
    } catch {
      // No permission, no inotify handle left, no such thing on this file system: whoever uses this looks now and then.
    }
  }

  /** Names with two dots at the front: Kubernetes exchanges the content of a mounted folder by such a link. */
  #concerns(folder: string, name: string): boolean {
    return name.startsWith('..') || this.#names.get(folder)?.has(name) === true
  }

  #leave(folder: string): void {
    this.#watched.get(folder)?.watcher.close()
    this.#watched.delete(folder)
  }
}

/** The names that count in each folder: the files, and their folder in the one above, which may be exchanged as a whole. */
function namesByFolder(files: readonly string[]): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>()
  const add = (path: string) => {
    const folder = dirname(path)
    names.set(folder, (names.get(folder) ?? new Set()).add(basename(path)))
  }
  for (const file of files) {
    add(file)
    add(dirname(file))
  }
  return names
}

function inodeOf(folder: string): bigint | undefined {
  try {
    return statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino
  } catch {
    return undefined
  }
}
