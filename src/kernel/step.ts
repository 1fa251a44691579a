/**
 * Steps: every system call that changes what outlives this process announces itself here first, and so does the
 * journal. Tests count the steps and end the process before each; otherwise nobody listens.
 */

type Observer = (what: string) => void
let observer: Observer | undefined

/** A step is about to be taken. */
export const beforeStep = (what: string): void => observer?.(what)

/** Call `listener` before each step from now on; undefined: stop that. */
export function observeSteps(observe: Observer | undefined): void {
  observer = observe
}
