/** The outcome of trying something on the running kernel. */

/** `detail`: the finding, or the reason of the failure. */
export interface Trial {
  readonly ok: boolean
  /** It was not even tried, for lack of privileges. */
  readonly untried?: boolean
  readonly detail: string
}

/** Try; an exception becomes the detail. */
export function attempt(run: () => string): Trial {
  try {
    return { ok: true, detail: run() }
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) }
  }
}
