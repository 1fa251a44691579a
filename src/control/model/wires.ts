/**
 * Which of several hosts with a pool's wire has the pool's packets. When that host is not there, the next one takes
 * over; a host of a higher priority gets them back when it has been there for a while. One API chooses, and the choice
 * is in the store: APIs of two versions might choose by different rules, and take the packets from each other's choice.
 */
import { amend, systemCaller } from './amend.ts'
import { Lead } from './lead.ts'
import type { Model } from './model.ts'
import type { Objects } from './objects.ts'
import { Problem } from './problem.ts'
import type { ObjectRecord } from './record.ts'
import { StoreError } from '../store/store-error.ts'
import { uuidV7 } from './uuid.ts'

const tickMs = 1_000
/** Another host takes over from one that the API has not heard for so long: an agent that starts anew is quicker. */
export const takeoverMs = 10_000
/** Of a host that this API has not seen yet, so much time may pass: after its start all hosts come at once. */
const firstMs = 60_000
/** So long a host is there before it takes the packets from one that works. */
export const returnMs = 30_000
/** An API that does not choose does so when the one that does has let so much more time pass. */
const overdueMs = 30_000

/** A host with a wire of a pool. */
export interface WireHost {
  readonly id: string
  readonly priority: number
}

/** The pools that a host has wires of, each with its priority. */
export const wiresOf = ({ kind, spec }: ObjectRecord): readonly { readonly pool: string; readonly priority: number }[] =>
  kind === 'host'
    ? ((spec.wires ?? []) as { pool: string; priority?: number }[]).map(({ pool, priority = 100 }) => ({ pool, priority }))
    : []

/** The one that comes first comes before others of its priority. */
export const byPriority = (a: WireHost, b: WireHost): number => b.priority - a.priority || (a.id < b.id ? -1 : 1)

/** The host that has a pool's packets: the one that was chosen, if it has the wire, else the first. */
export const chosenOf = (hosts: readonly WireHost[], chosen: string | undefined): WireHost | undefined =>
  hosts.find(({ id }) => id === chosen) ?? hosts.toSorted(byPriority)[0]

export class Wires {
  readonly #model: Model
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout
  readonly #lead: Lead

  constructor(model: Model, now: () => number, failed: (error: unknown) => void) {
    this.#model = model
    this.#now = now
    this.#lead = new Lead(model.store, 'wires')
    this.#timer = setInterval(() => void this.look().catch(failed), tickMs).unref()
  }

  /** Choose anew where that is due. */
  async look(): Promise<void> {
    const { objects } = this.#model.mirror
    for (const [pool, hosts] of hostsByPool(objects)) {
      const record = objects.get('pool', pool)?.record
      const current = record && chosenOf(hosts, record.wire?.host)
      if (current === undefined) continue
      // What nobody has written, APIs of two versions may not agree on.
      const next = this.#next(hosts, current) ?? (record?.wire?.host === current.id ? undefined : current)
      if (next === undefined) continue
      try {
        await this.#give(pool, current, next)
      } catch (error) {
        // The pool is going, or the store is away: the next look comes.
        if (!(error instanceof Problem) && !(error instanceof StoreError)) throw error
      }
    }
  }

  /** Who is to have the packets in place of a host; undefined: nobody. */
  #next(hosts: readonly WireHost[], current: WireHost): WireHost | undefined {
    const best = hosts.filter(({ id }) => this.#isThere(id)).toSorted(byPriority)[0]
    if (best === undefined || best.id === current.id) return undefined
    if (!this.#isThere(current.id)) return best
    return best.priority > current.priority && this.#model.mirror.hosts.presentMs(best.id) >= returnMs ? best : undefined
  }

  #isThere(host: string, moreMs = 0): boolean {
    const { mirror } = this.#model
    const most = moreMs + (mirror.hosts.goneSince(host) === undefined ? firstMs : takeoverMs)
    return mirror.objects.get('host', host)?.record.spec.disabled !== true && mirror.hosts.absentMs(host) < most
  }

  /** Unless another API chooses. It may be blind: its choice is overdue when the host has been away for very long. */
  async #give(pool: string, { id: current }: WireHost, { id: host }: WireHost): Promise<void> {
    const lead = await this.#lead.take()
    if (lead === undefined && this.#isThere(current, overdueMs)) return
    const now = this.#now()
    const ask = { caller: systemCaller('system:wire-failover', 'here'), request: uuidV7(now), method: 'PUT', now, isDryRun: false }
    const wire = { host, since: new Date(now).toISOString() }
    await amend(this.#model, {
      kind: 'pool',
      id: pool,
      ask,
      // Another API may have been quicker.
      change: ({ record }, draft) => {
        if (record.wire?.host === host) return undefined
        draft.step(lead && { condition: lead })
        return { record: { ...record, wire }, fields: ['wire'] }
      },
      isUnseen: true,
      result: `its wire is on host ${host}`,
    })
  }

  /** Look no more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#lead.stop()
  }
}

function hostsByPool(objects: Objects): Map<string, WireHost[]> {
  const found = new Map<string, WireHost[]>()
  for (const id of objects.ids('host'))
    for (const { pool, priority } of wiresOf(objects.get('host', id)!.record))
      found.set(pool, [...(found.get(pool) ?? []), { id, priority }])
  return found
}
