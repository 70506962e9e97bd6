/** What is there already, or comes later. Mostly it is there, and then nobody waits for another turn. */
export type MaybePromise<T> = T | Promise<T>

/** Goes on with a value: at once when it is there, otherwise when it comes. */
export function chain<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
