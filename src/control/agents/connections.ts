/** Requests of hosts that are under way, so that one ends when its host may connect no more. */
import type { Mirror } from '../model/mirror.ts'
import type { EndReason } from './call.ts'
import { objectionTo, type Peer } from './peer.ts'

/** How long a handler has to say goodbye. */
const goodbyeMs = 1_000
/** The longest that a timer can wait. */
const timerMs = 2 ** 31 - 1

interface Open {
  readonly peer: Peer
  readonly controller: AbortController
  readonly cut: () => void
}

export class Connections {
  readonly #mirror: Mirror
  readonly #open = new Set<Open>()
  readonly #stopListening: () => void

  constructor(mirror: Mirror) {
    this.#mirror = mirror
    this.#stopListening = mirror.listen(mirror.revision, (batch) => {
      const isConcerned = batch === undefined || batch.changes.some(({ before, after }) => (after ?? before)?.record.kind === 'host')
      if (isConcerned) this.#check()
    }).end
  }

  /** Begin a request. `cut` closes its connection. Gives the signal that ends it, and a way to say that it is over. */
  enter(peer: Peer, now: number, cut: () => void): { readonly ended: AbortSignal; readonly leave: () => void } {
    const controller = new AbortController()
    const open = { peer, controller, cut }
    this.#open.add(open)
    const timer = setTimeout(
      () => this.#end(open, { text: 'the certificate has ended; connect with the new one', isFinal: false }),
      Math.min(timerMs, Math.max(0, peer.notAfter - now)),
    ).unref()
    return {
      ended: controller.signal,
      leave: () => {
        clearTimeout(timer)
        this.#open.delete(open)
      },
    }
  }

  /** Hosts with requests under way, and when the certificate of each ends, in ms. */
  peers(): ReadonlyMap<string, number> {
    return new Map([...this.#open].map(({ peer }) => [peer.host, peer.notAfter]))
  }

  #check(): void {
    for (const open of this.#open) {
      const objection = objectionTo(this.#mirror.objects, open.peer)
      if (objection !== undefined) this.#end(open, { text: objection, isFinal: true })
    }
  }

  #end(open: Open, reason: EndReason): void {
    if (open.controller.signal.aborted) return
    open.controller.abort(reason)
    setTimeout(open.cut, goodbyeMs).unref()
  }

  /** End all of them: the API stops. */
  stop(): void {
    this.#stopListening()
    const reason: EndReason = { text: 'the API stops', isFinal: false }
    for (const open of this.#open) open.controller.abort(reason)
  }
}
