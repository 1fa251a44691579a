/**
 * The memory that vpcd holds for its clients, by user: incomplete and pending requests, unread replies and events. One
 * user's share is bounded over all of its connections; root's is not.
 */
export class HeldMemory {
  readonly #maxBytesPerUid: number
  readonly #byUid = new Map<number, number>()

  constructor(maxBytesPerUid: number) {
    this.#maxBytesPerUid = maxBytesPerUid
  }

  /** A share for one connection of a user. */
  share(uid: number): HeldShare {
    return new HeldShare((by) => this.#add(uid, by))
  }

  /** How much is held for a user. */
  of(uid: number): number {
    return this.#byUid.get(uid) ?? 0
  }

  /** False: the user is beyond its share. */
  #add(uid: number, by: number): boolean {
    const held = this.of(uid) + by
    if (held === 0) this.#byUid.delete(uid)
    else this.#byUid.set(uid, held)
    return uid === 0 || held <= this.#maxBytesPerUid
  }
}

/** What is held for one connection. */
export class HeldShare {
  readonly #add: (by: number) => boolean
  #bytes = 0

  constructor(add: (by: number) => boolean) {
    this.#add = add
  }

  /** Set the size. False: it would grow, and the user would be beyond its share; then it stays as it was. */
  set(bytes: number): boolean {
    const by = bytes - this.#bytes
    if (!this.#add(by) && by > 0) {
      this.#add(-by)
      return false
    }
    this.#bytes = bytes
    return true
  }
}
