/**
 * Steps: every system call that changes what outlives this process announces itself here before it is made, and so does the journal.
 * Tests count them, and end the process at each; otherwise nobody listens.
 */

type Observer = (what: string) => void
let observer: Observer | undefined

/** A step is about to be taken. */
export const beforeStep = (what: string): void => observer?.(what)

/** Have each step told from now on; undefined: no more. */
export function observeSteps(observe: Observer | undefined): void {
  observer = observe
}
