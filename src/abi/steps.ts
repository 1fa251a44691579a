/**
 * Work in steps, so that the caller can do something else between two of them: vpcd answers other clients
 * (src/object/gate.ts).
 */

/** Returns a result after any number of steps. */
export type Steps<T> = Generator<void, T>

/** Do all steps at once. */
export function drain<T>(steps: Iterator<void, T>): T {
  for (;;) {
    const result = steps.next()
    if (result.done) return result.value
  }
}

/** Turn each item into another, one with each step. */
export function* mapped<A, B>(items: Iterable<A>, turn: (item: A, index: number) => B): Steps<B[]> {
  const found: B[] = []
  for (const item of items) {
    found.push(turn(item, found.length))
    yield
  }
  return found
}
