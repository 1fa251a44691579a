/** The stations that a host has asked for, the oldest first: it hears what becomes of them. */

/** More than a host has traffic with; the oldest give way. */
const most = 20_000
/** The longest that an answer counts, whatever the traffic. */
const longestMs = 8 * 3_600_000

/** The longest that a feed may not have sent what it was to send. */
const unsureMs = 60_000

interface Question {
  readonly vpc: string
  readonly at: number
}

export class Asked {
  readonly #vnics = new Map<string, Question>()
  /** When a feed of this host was open last, by HostStatuses.elapsed as all times here; undefined: none was. */
  fedAt: number | undefined

  has = (vnic: string): boolean => this.#vnics.has(vnic)

  /** Note a question, or repeat it. Gives the vnics that give way. */
  add(vnic: string, vpc: string, now: number): string[] {
    this.#vnics.delete(vnic)
    this.#vnics.set(vnic, { vpc, at: now })
    if (this.#vnics.size <= most) return []
    const [oldest] = this.#vnics.keys()
    this.#vnics.delete(oldest!)
    return [oldest!]
  }

  forget = (vnic: string): boolean => this.#vnics.delete(vnic)

  /** Forget those that are too old. Gives them. */
  expire(now: number): string[] {
    const old = []
    for (const [vnic, { at }] of this.#vnics) {
      if (at + longestMs > now) break
      old.push(vnic)
      this.#vnics.delete(vnic)
    }
    return old
  }

  /** What was asked for a minute before its feed ended, or since then: the answer may not have arrived. */
  unanswered(): string[] {
    const from = (this.fedAt ?? -Infinity) - unsureMs
    return [...this.#vnics].flatMap(([vnic, { at }]) => (at >= from ? [vnic] : []))
  }

  /** Vnics of a vpc. */
  of = (vpc: string): string[] => [...this.#vnics].flatMap(([vnic, question]) => (question.vpc === vpc ? [vnic] : []))
}
