/** The items in pieces of at most so many. */
export function* batches<T>(items: readonly T[], most: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += most) yield items.slice(at, at + most)
}
