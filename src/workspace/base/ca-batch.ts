import { XmppkiError } from '../../errors.ts'
import type { IssuerSource } from './workspace.ts'

/** What became of several things that need the CA. */
export interface CaBatch<I, R> {
  readonly done: readonly R[]
  readonly failed: readonly { readonly item: I; readonly error: XmppkiError }[]
}

/**
 * Does one after the other; one that fails does not stop the others. The CA is unlocked only when one asks for it.
 * @throws {XmppkiError} what `source` throws: without the CA all the others would fail alike
 */
export async function forEachWithCa<I, R>(
  items: readonly I[],
  source: IssuerSource,
  work: (item: I, issuer: IssuerSource) => Promise<R>,
): Promise<CaBatch<I, R>> {
  const done: R[] = []
  const failed: CaBatch<I, R>['failed'][number][] = []
  let locked: unknown
  const issuer: IssuerSource = (serial) =>
    source(serial).catch((error: unknown) => {
      locked = error
      throw error
    })
  for (const item of items) {
    try {
      done.push(await work(item, issuer))
    } catch (error) {
      if (!(error instanceof XmppkiError) || locked !== undefined) throw error
      failed.push({ item, error })
    }
  }
  return { done, failed }
}
