/**
 * Pings connected hosts one after another, each once in a while: each answers with a report, and a thousand of them at
 * once would keep everything else waiting.
 */

/** Who is pinged. */
interface Pinged {
  ping(): void
}

/** Rounds of a while, in each of which its share of the hosts is pinged. */
const rounds = 50

export class Pings {
  readonly #feeds: Map<string, Pinged>
  readonly #everyMs: number
  readonly #timer: NodeJS.Timeout
  #last: number
  /** How many hosts are due: a part of one, too. */
  #due = 0

  /** `feeds`: it is brought into the order in which they were pinged. Those that are new come last. */
  constructor(feeds: Map<string, Pinged>, everyMs: number, now: number = performance.now()) {
    this.#feeds = feeds
    this.#everyMs = everyMs
    this.#last = now
    this.#timer = setInterval(() => this.look(performance.now()), everyMs / rounds).unref()
  }

  /** Ping those whose time has come. */
  look(now: number): void {
    const { size } = this.#feeds
    this.#due = Math.min(size, this.#due + (size * (now - this.#last)) / this.#everyMs)
    this.#last = now
    const count = Math.floor(this.#due)
    this.#due -= count
    for (const [host, feed] of this.#feeds.entries().take(count)) {
      this.#feeds.delete(host)
      this.#feeds.set(host, feed)
      feed.ping()
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
