/**
 * Is a history linearizable? The search of Wing and Gong, with Lowe's memory of what was tried: take operations one
 * after another, each only when no other one ended before it began, and go back where the model contradicts an answer.
 */

/** An operation: when it was called, when its answer came, and what a model makes of it. */
export interface Operation<S> {
  readonly called: number
  /** Infinity: no answer came, and it may have happened at any time since, or never. */
  readonly answered: number
  /** The state after it; undefined: in this state it would have had another answer. */
  readonly step: (state: S) => S | undefined
}

interface Event<S> {
  readonly operation: Operation<S>
  readonly index: number
  /** The event of the answer, for a call. */
  readonly answer?: Event<S>
  before: Event<S> | undefined
  after: Event<S> | undefined
}

/** States are compared as text, so `S` is a text. */
export function isLinearizable<S extends string>(history: readonly Operation<S>[], initial: S): boolean {
  const operations = history.toSorted((a, b) => a.called - b.called)
  const head = listOf(operations)
  let left = operations.filter(({ answered }) => answered !== Infinity).length
  const done = new Done(operations.length)
  const tried = new Set<string>()
  const stack: { readonly event: Event<S>; readonly state: S }[] = []
  let state = initial
  let event = head.after
  while (left > 0) {
    if (event?.answer !== undefined) {
      const next = event.operation.step(state)
      done.set(event.index, 1)
      const memory = next !== undefined && `${done.text()} ${next}`
      if (next === undefined || tried.has(memory as string)) {
        done.set(event.index, 0)
        event = event.after
        continue
      }
      tried.add(memory as string)
      stack.push({ event, state })
      state = next
      if (event.operation.answered !== Infinity) left--
      lift(event)
      event = head.after
      continue
    }
    // An answer of an operation that was not taken yet: what was taken last was wrong.
    const last = stack.pop()
    if (last === undefined) return false
    state = last.state
    done.set(last.event.index, 0)
    if (last.event.operation.answered !== Infinity) left++
    putBack(last.event)
    event = last.event.after
  }
  return true
}

/** Which operations were taken. Most that were called early were: the text begins where the first was not. */
class Done {
  readonly #bits: Uint8Array
  #low = 0
  #high = 0

  constructor(length: number) {
    this.#bits = new Uint8Array(length)
  }

  set(index: number, bit: 0 | 1): void {
    this.#bits[index] = bit
    if (bit === 0) this.#low = Math.min(this.#low, index)
    else this.#high = Math.max(this.#high, index + 1)
  }

  text(): string {
    while (this.#bits[this.#low] === 1) this.#low++
    const { buffer } = this.#bits
    const bits = Buffer.from(buffer, this.#low, Math.max(0, this.#high - this.#low)).toString('latin1')
    return `${this.#low} ${bits.replace(/\0+$/, '')}`
  }
}

/** All calls and answers in the order of time, after a head. */
function listOf<S>(operations: readonly Operation<S>[]): Event<S> {
  const events = operations.flatMap((operation, index): { readonly time: number; readonly event: Event<S> }[] => {
    const answer: Event<S> = { operation, index, before: undefined, after: undefined }
    const call: Event<S> = { operation, index, answer, before: undefined, after: undefined }
    const calls = [{ time: operation.called, event: call }]
    return [...calls, { time: operation.answered, event: answer }]
  })
  // At the same time, calls come first: they then overlap.
  events.sort((a, b) => a.time - b.time || Number(b.event.answer !== undefined) - Number(a.event.answer !== undefined))
  const head = { before: undefined, after: undefined } as unknown as Event<S>
  let last = head
  for (const { event } of events) {
    last.after = event
    event.before = last
    last = event
  }
  return head
}

function lift<S>(call: Event<S>): void {
  for (const event of [call, call.answer!]) {
    event.before!.after = event.after
    if (event.after !== undefined) event.after.before = event.before
  }
}

function putBack<S>(call: Event<S>): void {
  for (const event of [call.answer!, call]) {
    event.before!.after = event
    if (event.after !== undefined) event.after.before = event
  }
}
