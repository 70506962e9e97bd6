import type { Documents } from '../documents.ts'

/** The reference: what the contract means, without a file. */
export class MemoryDocuments<T> implements Documents<T> {
  /** As JSON: what is given out is nobody else's. */
  readonly #owners = new Map<string, Map<string, string>>()
  readonly #versions = new Map<string, number>()

  async get(owner: string, key: string): Promise<T | undefined> {
    const text = this.#owners.get(owner)?.get(key)
    return text === undefined ? undefined : (JSON.parse(text) as T)
  }

  async entries(owner: string): Promise<readonly (readonly [string, T])[]> {
    // Databases compare bytes; JavaScript would compare UTF-16.
    const order = ([a]: readonly [string, string], [b]: readonly [string, string]) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b))
    return [...(this.#owners.get(owner) ?? [])].sort(order).map(([key, text]) => [key, JSON.parse(text) as T] as const)
  }

  async write(owner: string, changes: ReadonlyMap<string, T | undefined>): Promise<number> {
    const documents = new Map(this.#owners.get(owner))
    for (const [key, value] of changes) {
      if (value === undefined) documents.delete(key)
      else documents.set(key, JSON.stringify(value))
    }
    this.#owners.set(owner, documents)
    return this.#count(owner)
  }

  async version(owner: string): Promise<number> {
    return this.#versions.get(owner) ?? 0
  }

  async removeOwner(owner: string): Promise<void> {
    this.#owners.delete(owner)
    this.#count(owner)
  }

  #count(owner: string): number {
    const version = (this.#versions.get(owner) ?? 0) + 1
    this.#versions.set(owner, version)
    return version
  }
}
