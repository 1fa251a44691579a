/** The members of an etcd cluster as one: asks the member that last answered, and when it does not answer, the next. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Credentials } from '../location.ts'
import { StoreError } from '../store-error.ts'
import { detailsOf, judge } from './failure.ts'
import type { CallName, RequestOf, ResponseOf } from './calls.ts'
import type { Decoded, Encoded } from './messages.ts'
import { Member } from './member.ts'
import { readSecrets, securityOf } from './security.ts'

export interface Times {
  /** For one try with one member. */
  readonly tryMs: number
  /** For all tries of a call. */
  readonly callMs: number
  /** How often a watch asks its member whether it is there. */
  readonly askEveryMs: number
}

export class Cluster {
  readonly members: readonly Member[]
  readonly times: Times
  readonly #names: string
  #current = 0
  #closed = new AbortController()

  constructor(endpoints: readonly string[], tls: Credentials | undefined, times: Times) {
    const secrets = tls && readSecrets(tls)
    this.members = endpoints.map((endpoint) => new Member(endpoint, securityOf(endpoint, secrets)))
    this.times = times
    this.#names = endpoints.join(', ')
  }

  /** Aborted when the driver is closed. */
  get closed(): AbortSignal {
    return this.#closed.signal
  }

  checkOpen(): void {
    if (this.closed.aborted) throw new StoreError('closed', `the store at ${this.#names} was closed`)
  }

  /**
   * Ask until a member answers, or the time is over. `onUnsure` is called after each try that may have been done
   * although no answer came. Throws StoreError or Compacted.
   */
  async ask<T>(what: string, question: (member: Member, deadlineMs: number) => Promise<T>, onUnsure?: () => void): Promise<T> {
    const until = performance.now() + this.times.callMs
    let isUnsure = false
    for (let tries = 1; ; tries++) {
      this.checkOpen()
      const asked = this.#current
      try {
        return await question(this.members[asked]!, this.times.tryMs)
      } catch (error) {
        const verdict = judge(error, what)
        if (verdict.kind === 'final') throw verdict.error
        if (verdict.mayBeDone) {
          isUnsure = true
          onUnsure?.()
        }
        // Others may have moved on meanwhile.
        if (this.#current === asked) this.#current = (asked + 1) % this.members.length
        if (performance.now() + this.times.tryMs / 2 > until) throw this.#away(what, error, isUnsure && onUnsure !== undefined)
        if (tries % this.members.length === 0) await this.pause(tries / this.members.length)
      }
    }
  }

  #away(what: string, error: unknown, isUnsure: boolean): StoreError {
    const message = `cannot ${what}: no member of etcd answers (${this.#names}): ${detailsOf(error)}`
    return isUnsure
      ? new StoreError('outcome-unknown', `${message}; it may have been done`, { cause: error })
      : new StoreError('away', message, { cause: error })
  }

  /** Ask one member once. Rejects with the error of gRPC. */
  once<C extends CallName>(name: C, request: Encoded<RequestOf<C>>): Promise<Decoded<ResponseOf<C>>> {
    return this.members[this.#current]!.call(name, request, this.times.tryMs)
  }

  /** The member to watch with: with each try another, and first not the one that answers the calls. */
  watchMember(tries: number): Member {
    return this.members[(this.#current + 1 + tries) % this.members.length]!
  }

  /** Wait before a round of tries: 100 ms the first time, doubling to 2 s, each up to half as long. */
  async pause(round: number): Promise<void> {
    const longest = Math.min(100 * 2 ** (round - 1), 2000)
    await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal: this.closed }).catch(() => {})
  }

  close(): void {
    this.#closed.abort()
    for (const member of this.members) member.close()
  }
}
