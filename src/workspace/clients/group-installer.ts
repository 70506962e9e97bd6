import { XmppkiError } from '../../errors.ts'
import { type InstallOutcome, installAll } from '../base/install.ts'
import type { Workspace } from '../base/workspace.ts'
import type { PendingClient } from './issue-client.ts'

/** As many share a wait for the lock, a journal and a commit; others get their turn between two groups. */
const GROUP = 32

/** Slow keys (RSA 4096) are not held back until there are so many: what is made should be safe soon. */
const PATIENCE_MS = 500

/** A client on its way to the disk, and whom to tell about its end. */
interface Waiting {
  readonly client: PendingClient
  readonly settle: (outcome: InstallOutcome) => void
}

/** Installs clients in groups, one group at a time, while further ones are being made. */
export class GroupInstaller {
  readonly #workspace: Workspace
  readonly #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #lastEnd = performance.now()
  #defect: { readonly error: unknown } | undefined

  constructor(workspace: Workspace) {
    this.#workspace = workspace
  }

  /**
   * Takes a client; resolves when there is room for a further one.
   * @param settle told once, when the client was installed or was not
   */
  async add(client: PendingClient, settle: Waiting['settle']): Promise<void> {
    this.#waiting.push({ client, settle })
    for (;;) {
      const isFull = this.#waiting.length >= GROUP
      if (this.#running !== undefined) {
        if (!isFull) return
        await this.#running
      } else if (isFull || (this.#waiting.length > 0 && performance.now() - this.#lastEnd > PATIENCE_MS)) {
        this.#begin()
      } else {
        return
      }
    }
  }

  /** Installs what is left. */
  async finish(): Promise<void> {
    while (this.#running !== undefined || this.#waiting.length > 0) {
      if (this.#running === undefined) this.#begin()
      await this.#running
    }
    if (this.#defect !== undefined) throw this.#defect.error
  }

  #begin(): void {
    const group = this.#waiting.splice(0, GROUP)
    this.#running = this.#install(group).finally(() => {
      this.#running = undefined
      this.#lastEnd = performance.now()
    })
  }

  async #install(group: readonly Waiting[]): Promise<void> {
    const { paths } = this.#workspace
    try {
      const members = group.map(({ client }) => client)
      const outcomes = await installAll(this.#workspace.ledger(), paths.temporary, members)
      for (const [index, outcome] of outcomes.entries()) group[index]?.settle(outcome)
    } catch (error) {
      if (error instanceof XmppkiError) for (const { settle } of group) settle(error)
      else this.#defect ??= { error }
    }
  }
}
