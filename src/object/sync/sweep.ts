/** Work that vpcd does for many things every ten seconds: one of them with each turn of the event loop. */
const everyMs = 10_000

export class Sweep<T> {
  readonly #list: () => Iterable<T>
  readonly #each: (item: T) => boolean
  readonly #timer: ReturnType<typeof setInterval>
  #turn: ReturnType<typeof setImmediate> | undefined

  /** `list`: the things, as they are when a sweep begins. `each`: the work for one; false ends the sweep. */
  constructor(list: () => Iterable<T>, each: (item: T) => boolean) {
    this.#list = list
    this.#each = each
    this.#timer = setInterval(() => this.begin(), everyMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    clearImmediate(this.#turn)
  }

  /** Begin a sweep now, with the first thing at once. A sweep that is not at its end ends. */
  begin(): void {
    clearImmediate(this.#turn)
    this.#next([...this.#list()].values())
  }

  #next(items: Iterator<T, undefined>): void {
    const { done, value } = items.next()
    if (done === true || !this.#each(value)) return
    this.#turn = setImmediate(() => this.#next(items)).unref()
  }
}
