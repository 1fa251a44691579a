/**
 * Steps of stores that change what outlives this process. Each announces itself here first. Tests end the process
 * before each; otherwise nobody listens.
 */

type Observer = (what: string) => void
let observer: Observer | undefined

/** A step is about to be taken. */
export const beforeStep = (what: string): void => observer?.(what)

/** Call this before each step from now on; undefined: stop that. */
export function observeSteps(observe: Observer | undefined): void {
  observer = observe
}
