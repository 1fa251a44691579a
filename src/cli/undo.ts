/** Several steps as one: what was done is taken back, last step first, when a later one fails. */

export interface Undo {
  /** Say how to take back what was just done. */
  push(what: string, takeBack: () => Promise<unknown>): void
}

/** Run steps. On failure everything pushed so far is taken back; what cannot be is added to the message. */
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
