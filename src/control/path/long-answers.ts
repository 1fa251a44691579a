/**
 * Answers that take the API longer than a request may hold its event loop: a few at once, each in short turns, and all
 * of one moment. What changes meanwhile makes it begin anew.
 */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import { Problem } from '../model/problem.ts'
import type { ObjectRecord } from '../model/record.ts'
import { Turns } from '../model/turns.ts'

/** All of them together have so much of a turn of the event loop. */
const turnMs = 10
const mostAtOnce = 4
const mostWaiting = 32
/** Beginnings in turns; the one after them is done at once, so that it ends. */
const mostBeginnings = 5

export class LongAnswers {
  readonly #mirror: Mirror
  readonly #turns = new Turns(turnMs)
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(mirror: Mirror) {
    this.#mirror = mirror
  }

  /**
   * Work through steps to an answer. `isAbout`: whether it depends on a thing. Throws a Problem when too many wait.
   */
  async work<T>(steps: () => Generator<void, T>, isAbout: (record: ObjectRecord) => boolean): Promise<T> {
    await this.#place()
    try {
      for (let n = 0; n < mostBeginnings; n++) {
        const answer = await this.#inTurns(steps(), isAbout)
        if (answer !== undefined) return answer.value
      }
      return atOnce(steps())
    } finally {
      // Whoever waits longest gets the place.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  async #place(): Promise<void> {
    if (this.#running < mostAtOnce) return void this.#running++
    if (this.#waiting.length >= mostWaiting)
      throw new Problem('rate-limited', `${mostWaiting} other such questions wait already; try again`, { retryAfter: 2 })
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Undefined: something has changed. */
  async #inTurns<T>(steps: Generator<void, T>, isAbout: (record: ObjectRecord) => boolean): Promise<{ readonly value: T } | undefined> {
    let hasChanged = false
    const isOurs = ({ before, after }: ObjectChange): boolean =>
      [before, after].some((stored) => stored !== undefined && isAbout(stored.record))
    const { end } = this.#mirror.listen(
      this.#mirror.revision,
      (batch) => (hasChanged ||= batch === undefined || batch.changes.some(isOurs)),
    )
    try {
      for (;;) {
        const { done, value } = steps.next()
        if (done) return { value }
        const wait = this.#turns.spent()
        if (wait !== undefined) await wait
        if (hasChanged) return undefined
      }
    } finally {
      end()
    }
  }
}

function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
