/** The progress of a long run, and the rest of it, estimated from the time of the steps so far. */

/** Less time than this in all is too little for an estimate. */
const TELLING_SECONDS = 20

/** `45 s`, `12 min`, `1 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** One run, told of every step before it begins. */
export class Progress {
  readonly #total: number
  readonly #write: (text: string) => void
  readonly #now: () => number
  readonly #began: number
  #done = 0
  #current = 0

  /** Of a run that should take `total` seconds. `write` may throw, to end it. */
  constructor(total: number, write: (text: string) => void, now: () => number = () => performance.now() / 1000) {
    this.#total = total
    this.#write = write
    this.#now = now
    this.#began = now()
  }

  /** Seconds that the rest will take. */
  get left(): number {
    const elapsed = this.#now() - this.#began
    const pace = this.#done < TELLING_SECONDS ? 1 : elapsed / this.#done
    return Math.max(0, this.#total - this.#done) * pace
  }

  /** The step before has ended, this one should take so long. */
  step(text: string, expectedSeconds = 0): void {
    this.#done += this.#current
    this.#current = expectedSeconds
    this.#write(`${text} (${duration(this.left)} left)`)
  }
}
