/**
 * One operation at a time may take many turns of the event loop. All other changes of objects wait for its end; reads
 * go on.
 */
import { VpcError } from './vpc-error.ts'

/** Time for its parts before others get their turn. */
const sliceMs = 5

export class Gate {
  #steps: Iterator<void, unknown> | undefined
  #end: (() => void) | undefined
  #waiting: (() => void)[] = []

  /** An operation is under way. */
  get busy(): boolean {
    return this.#steps !== undefined
  }

  /** Run this now, or when the current operation has ended, in the order of the calls. It must not throw. */
  whenFree(run: () => void): void {
    if (this.busy) this.#waiting.push(run)
    else run()
  }

  /** The same for a function that returns a result or throws. */
  inTurn<T>(run: () => T | Promise<T>): T | Promise<T> {
    if (!this.busy) return run()
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(run())
        } catch (error) {
          reject(error as Error)
        }
      })
    })
  }

  /** Begin an operation whose steps run over several turns. An exception rejects the promise. */
  begin<T>(steps: Iterator<void, T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const attempt = (advance: () => IteratorResult<void, T>): boolean => {
      try {
        const result = advance()
        if (!result.done) return true
        resolve(result.value)
      } catch (error) {
        reject(error as Error)
      }
      return false
    }
    const slice = (): void => {
      if (this.#steps !== steps) return
      const until = performance.now() + sliceMs
      while (performance.now() < until) if (!attempt(() => steps.next())) return this.#free()
      setImmediate(slice)
    }
    this.#steps = steps
    this.#end = () => {
      let more = attempt(() => steps.throw!(new VpcError('ECANCELED', 'vpcd is stopping; nothing was done')))
      while (more) more = attempt(() => steps.next())
      this.#free()
    }
    slice()
    return promise
  }

  /** Make the current operation undo its changes, and releases what waits. */
  stop(): void {
    this.#end?.()
  }

  #free(): void {
    this.#steps = undefined
    this.#end = undefined
    while (!this.busy && this.#waiting.length > 0) this.#waiting.shift()!()
  }
}
