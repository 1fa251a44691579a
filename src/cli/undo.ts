/** Several steps as one: when a later one fails, the earlier ones are undone, last first. */

export interface Undo {
  /** Register the undo of the last step. */
  push(what: string, takeBack: () => Promise<unknown>): void
}

/** Run steps. After a failure undo everything pushed so far; failures of an undo are added to the message. */
export async function allOrNothing<T>(steps: (undo: Undo) => Promise<T>): Promise<T> {
  const done: { what: string; takeBack: () => Promise<unknown> }[] = []
  try {
    return await steps({ push: (what, takeBack) => void done.push({ what, takeBack }) })
  } catch (error) {
    const left: string[] = []
    for (const { what, takeBack } of done.toReversed())
      await takeBack().catch((cause: unknown) => left.push(`${what} (${cause instanceof Error ? cause.message : String(cause)})`))
    if (left.length > 0 && error instanceof Error) error.message += `; and could not undo: ${left.join(', ')}`
    throw error
  }
}
