import { expect } from 'vitest'
import { consoleSteps, documentText, markedBlocks, normalise, preparations } from './documents.ts'
import { NewUser } from './new-user.ts'

/** Whether the commands of a block with this mark are run: one after the other, or until the end of the document. */
export function isRun(mark: string): boolean {
  return mark === 'console' || mark === 'serve'
}

/** Does all that a document shows, on a machine of its own, and compares what is printed. @param path relative to the root */
export async function followConsole(path: string): Promise<void> {
  const text = documentText(path)
  const user = new NewUser()
  try {
    for (const line of preparations(text)) expect(await user.run(line), line).not.toMatch(/^error:/m)
    for (const block of markedBlocks(text).filter(({ mark }) => isRun(mark))) {
      for (const { command, output } of consoleSteps(block)) {
        const printed = block.mark === 'serve' ? await user.serve(command, output.length) : await user.run(command)
        expect(normalise(printed, user.home).trimEnd(), command).toBe(normalise(output.join('\n'), user.home))
      }
    }
    expect((await user.stop()) ?? 0).toBe(0)
  } finally {
    await user.leave()
  }
}
