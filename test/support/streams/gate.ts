/** What waits until somebody opens it. */
export function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, passed }
}

/** Lets everything run that has been waiting for a promise. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
